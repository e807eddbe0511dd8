/* SPDX-License-Identifier: MIT */
/*
 * Promise: tables of every level can be pinned once and unpinned once, types never conflict, roots
 * are L4 tables, pages can be cleared and copied by frame unless they are tables, flushes always
 * work.
 *
 * ABI: HYPERVISOR_mmuext_op, <xen/xen.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NO_SUCH_FRAME  0xffffffffUL
#define NO_SUCH_DOMAIN 1234

static uint64_t *tree[5]; /* tree[1] an L1 with a leaf ... tree[4] an L4 */

static void tree_make(void)
{
    for (int level = 1; level <= 4; level++) {
        tree[level] = page_alloc();
        memset(tree[level], 0, PAGE_SIZE);
        tree[level][0] = level == 1 ? window_pte(0, MAPPED_RW)
                                    : pte_make(address_to_mfn(tree[level - 1]), PTE_TABLE);
    }
}

static void tree_seal(void)
{
    for (int level = 1; level <= 4; level++)
        CHECK_EQ(page_set_readonly(tree[level]), 0);
}

static void tree_free(void)
{
    for (int level = 4; level >= 1; level--)
        free_table(tree[level]);
}

static void pin_each_level(void)
{
    for (int level = 1; level <= 4; level++) {
        check_context("(level %d)", level);
        CHECK_EQ(page_unpin(tree[level]), -XEN_EINVAL);
        CHECK_EQ(page_pin(tree[level], level), 0);
        CHECK_EQ(page_pin(tree[level], level), -XEN_EINVAL);
        for (int wrong = 1; wrong <= 4; wrong++)
            if (wrong != level)
                CHECK_EQ(page_pin(tree[level], wrong), -XEN_EINVAL);
        CHECK_EQ(page_set_writable(tree[level]), -XEN_EBUSY);
        CHECK_EQ(page_unpin(tree[level]), 0);
        CHECK_EQ(page_unpin(tree[level]), -XEN_EINVAL);
    }
    check_context("%s", "");
}

/* A pin holds the whole tree: nothing below may become writable. */
static void pin_holds_tree(void)
{
    CHECK_EQ(page_pin(tree[4], 4), 0);
    for (int level = 1; level <= 4; level++)
        CHECK_EQ(page_set_writable(tree[level]), -XEN_EBUSY);
    CHECK_EQ(pte_without_ad(tree[1][0]), pte_without_ad(pte_as_stored(window_pte(0, MAPPED_RW))));
    CHECK_EQ(page_unpin(tree[4]), 0);
}

/* Upper entries that the guest wrote without US and A: the hypervisor adds what it needs. */
static void stored_flags(void)
{
    for (int level = 2; level <= 4; level++) {
        tree[level] = page_alloc();
        memset(tree[level], 0, PAGE_SIZE);
        tree[level][0] = level == 2 ? 0 : pte_make(address_to_mfn(tree[level - 1]), PTE_P | PTE_RW);
        tree[level][1] = 0xdead000; /* not present: kept as it is */
        CHECK_EQ(page_set_readonly(tree[level]), 0);
    }
    CHECK_EQ(page_pin(tree[4], 4), 0);
    CHECK_EQ(tree[3][0] & ~PTE_FRAME_MASK & ~PTE_A, PTE_P | PTE_RW | PTE_US);
    CHECK_EQ(tree[4][0] & ~PTE_FRAME_MASK & ~PTE_A, PTE_P | PTE_RW | PTE_US);
    for (int level = 2; level <= 4; level++)
        CHECK_EQ(tree[level][1], 0xdead000);
    CHECK_EQ(page_unpin(tree[4]), 0);
    for (int level = 4; level >= 2; level--)
        free_table(tree[level]);
}

static void refused_pins(void)
{
    void *writable = page_alloc();

    CHECK_EQ(page_pin(writable, 1), -XEN_EINVAL);
    CHECK_EQ(page_pin(writable, 4), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_PIN_L1_TABLE, NO_SUCH_FRAME), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_UNPIN_TABLE, NO_SUCH_FRAME), -XEN_EINVAL);
    page_free(writable);
}

/* An L1 that maps a table writable must not become a table; afterwards all is as before. */
static void bad_entry(void)
{
    uint64_t *bad = page_alloc();

    memset(bad, 0, PAGE_SIZE);
    bad[0] = window_pte(0, MAPPED_RW);
    bad[300] = pte_make(address_to_mfn(kernel_l4), MAPPED_RW);
    CHECK_EQ(page_set_readonly(bad), 0);
    CHECK_EQ(page_pin(bad, 1), -XEN_EBUSY); /* the entry's own error */
    CHECK_EQ(page_set_writable(bad), 0);    /* no type was left behind */
    bad[300] = 0;
    CHECK_EQ(page_set_readonly(bad), 0);
    CHECK_EQ(page_pin(bad, 1), 0);
    CHECK_EQ(page_unpin(bad), 0);
    free_table(bad);
}

static void roots(void)
{
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(window_l1)), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(window_frames[0])), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, NO_SUCH_FRAME), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, address_to_mfn(window_l1)), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, NO_SUCH_FRAME), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(kernel_l4)), 0);
    /* The root in use stays a table without its pin. */
    CHECK_EQ(page_unpin(kernel_l4), 0);
    CHECK_EQ(page_set_writable(kernel_l4), -XEN_EBUSY);
    CHECK_EQ(page_pin(kernel_l4, 4), 0);
}

/* A root that is a copy of ours works; the old one comes back. */
static void switch_roots(void)
{
    uint64_t *other = page_alloc();

    memset(other, 0, PAGE_SIZE);
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        if (i < 256 || i >= 272)
            other[i] = kernel_l4[i];
    CHECK_EQ(page_set_readonly(other), 0);
    CHECK_EQ(page_pin(other, 4), 0);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(other)), 0);
    CHECK_EQ(hypercall_xen_version(0, NULL) >> 16, 4);
    CHECK_EQ(page_unpin(other), 0); /* held by being in use */
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(kernel_l4)), 0);
    CHECK_EQ(page_unpin(other), -XEN_EINVAL);
    free_table(other);
}

static long copy_page(unsigned long to, unsigned long from)
{
    struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = to, .arg2.src_mfn = from };

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void clear_and_copy(void)
{
    uint64_t *from = window_frames[1], *to = window_frames[2];
    uint64_t magic = to[0];

    memset(to, 0x5a, PAGE_SIZE);
    CHECK_EQ(copy_page(address_to_mfn(to), address_to_mfn(from)), 0);
    CHECK_EQ(memcmp(to, from, PAGE_SIZE), 0);
    CHECK_EQ(mmuext_frame(MMUEXT_CLEAR_PAGE, address_to_mfn(to)), 0);
    CHECK_EQ(to[0] | to[1] | to[511], 0);
    to[0] = magic;
    CHECK_EQ(mmuext_frame(MMUEXT_CLEAR_PAGE, address_to_mfn(window_l1)), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_CLEAR_PAGE, address_to_mfn(kernel_l4)), -XEN_EINVAL);
    CHECK_EQ(copy_page(address_to_mfn(kernel_l4), address_to_mfn(from)), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_CLEAR_PAGE, NO_SUCH_FRAME), -XEN_EINVAL);
    CHECK_EQ(copy_page(address_to_mfn(to), NO_SUCH_FRAME), -XEN_EINVAL);
}

static void flushes(void)
{
    uint64_t all = ~0UL;
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_MULTI };

    set_xen_guest_handle(op.arg2.vcpumask, (const void *)&all);
    CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    op.cmd = MMUEXT_INVLPG_MULTI;
    op.arg1.linear_addr = WINDOW_VA;
    CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    set_xen_guest_handle(op.arg2.vcpumask, (const void *)0x1000);
    CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    CHECK_EQ(mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
    CHECK_EQ(mmuext_plain(MMUEXT_TLB_FLUSH_ALL, 0), 0);
    CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_LOCAL, WINDOW_VA), 0);
    CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_ALL, WINDOW_VA), 0);
    /* Not canonical, or not ours: harmless. */
    CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_LOCAL, 0x8000000000000000UL), 0);
    CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_ALL, 0x8000000000000000UL), 0);
    CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_LOCAL, HYPERVISOR_VIRT_START), 0);
    if (start_info->flags & SIF_INITDOMAIN) { /* dom0 has devices */
        CHECK_EQ(mmuext_plain(MMUEXT_FLUSH_CACHE, 0), 0);
        CHECK_EQ(mmuext_plain(MMUEXT_FLUSH_CACHE_GLOBAL, 0), 0);
    } else {
        CHECK_EQ(mmuext_plain(MMUEXT_FLUSH_CACHE, 0), -XEN_EACCES);
        CHECK_EQ(mmuext_plain(MMUEXT_FLUSH_CACHE_GLOBAL, 0), -XEN_EINVAL);
    }
}

static void other_refusals(void)
{
    struct mmuext_op ops[3] = { { .cmd = MMUEXT_TLB_FLUSH_LOCAL },
                                { .cmd = 99 },
                                { .cmd = MMUEXT_TLB_FLUSH_LOCAL } };
    unsigned done = 99;

    CHECK_EQ(hypercall_mmuext_op(ops, 3, &done, DOMID_SELF), -XEN_ENOSYS);
    CHECK_EQ(done, 1);
    CHECK_EQ(mmuext_frame(MMUEXT_MARK_SUPER, address_to_mfn(tree[1])), -XEN_EOPNOTSUPP);
    CHECK_EQ(mmuext_frame(MMUEXT_UNMARK_SUPER, address_to_mfn(tree[1])), -XEN_EOPNOTSUPP);
    CHECK_EQ(hypercall_mmuext_op(ops, 1, NULL, NO_SUCH_DOMAIN), -XEN_ESRCH);
    ops[0] = (struct mmuext_op){ .cmd = MMUEXT_SET_LDT,
                                 .arg1.linear_addr = WINDOW_VA + 8,
                                 .arg2.nr_ents = 8 };
    CHECK_EQ(hypercall_mmuext_op(ops, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    ops[0].arg1.linear_addr = WINDOW_VA;
    ops[0].arg2.nr_ents = 8193;
    CHECK_EQ(hypercall_mmuext_op(ops, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    ops[0].arg1.linear_addr = HYPERVISOR_VIRT_START;
    ops[0].arg2.nr_ents = 8;
    CHECK_EQ(hypercall_mmuext_op(ops, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    ops[0].arg2.nr_ents = 0;
    ops[0].arg1.linear_addr = 0;
    CHECK_EQ(hypercall_mmuext_op(ops, 1, NULL, DOMID_SELF), 0);
}

void workload_mmuext(void)
{
    if (!window_open())
        return;
    tree_make();
    tree_seal();
    pin_each_level();
    pin_holds_tree();
    other_refusals();
    tree_free();
    stored_flags();
    refused_pins();
    bad_entry();
    roots();
    switch_roots();
    clear_and_copy();
    flushes();
    window_close();
}
