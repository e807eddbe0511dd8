/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of whole tables: pinning, linking, loading roots, flushing.
 *
 * Of a pair of operations one is timed and the other undoes it, so each call is timed by itself.
 */
#include "arch/pv/page_table.h"
#include "bench/bench.h"
#include "kernel/page_alloc.h"
#include "kernel/string.h"

#define LINK_VA 0xffffc90010000000UL

static uint64_t *tree[5]; /* tree[1]: an L1 ... tree[4]: an L4 */
static uint64_t *leaf_page;

static uint64_t *table_new(void)
{
    uint64_t *table = page_alloc();

    if (table != NULL)
        memset(table, 0, PAGE_SIZE);
    return table;
}

static bool table_seal(uint64_t *table)
{
    return table != NULL && page_set_readonly(table) == 0;
}

static void table_drop(uint64_t **table)
{
    if (*table != NULL) {
        page_set_writable(*table);
        page_free(*table);
    }
    *table = NULL;
}

static void fill_leaves(uint64_t *table)
{
    leaf_page = page_alloc();
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        table[i] = pte_make(address_to_mfn(leaf_page), PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D);
}

static bool empty_l1_setup(void)
{
    tree[1] = table_new();
    return table_seal(tree[1]);
}

static bool full_l1_setup(void)
{
    tree[1] = table_new();
    if (tree[1] != NULL)
        fill_leaves(tree[1]);
    return table_seal(tree[1]);
}

static bool tree_setup(void)
{
    for (int level = 1; level <= 4; level++) {
        tree[level] = table_new();
        if (tree[level] == NULL)
            return false;
        if (level == 1)
            fill_leaves(tree[1]);
        else
            tree[level][0] = pte_make(address_to_mfn(tree[level - 1]), PTE_TABLE);
        if (!table_seal(tree[level]))
            return false;
    }
    return true;
}

static void tree_teardown(void)
{
    for (int level = 4; level >= 1; level--)
        table_drop(&tree[level]);
    if (leaf_page != NULL)
        page_free(leaf_page);
    leaf_page = NULL;
}

static uint64_t pin_and_unpin(unsigned rounds, int level, bool time_pin)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < rounds; i++) {
        uint64_t begun = time_pin ? bench_begin() : 0;

        page_pin(tree[level], level);
        if (time_pin)
            total += bench_end(begun);
        else
            begun = bench_begin();
        page_unpin(tree[level]);
        if (!time_pin)
            total += bench_end(begun);
    }
    return total;
}

static uint64_t pin_l1(unsigned rounds, unsigned batch)
{
    (void)batch;
    return pin_and_unpin(rounds, 1, true);
}

static uint64_t unpin_l1(unsigned rounds, unsigned batch)
{
    (void)batch;
    return pin_and_unpin(rounds, 1, false);
}

static uint64_t pin_l4(unsigned rounds, unsigned batch)
{
    (void)batch;
    return pin_and_unpin(rounds, 4, true);
}

static uint64_t unpin_l4(unsigned rounds, unsigned batch)
{
    (void)batch;
    return pin_and_unpin(rounds, 4, false);
}

static bool link_setup(void)
{
    /* pte_get makes the tables down to an L1; that one is taken out again. */
    if (pte_get(LINK_VA) == NULL || !empty_l1_setup())
        return false;
    return pte_set(pte_find(LINK_VA, 2), 0) == 0;
}

static uint64_t link_and_unlink(unsigned rounds, bool time_link)
{
    uint64_t *entry = pte_find(LINK_VA, 2);
    uint64_t value = pte_make(address_to_mfn(tree[1]), PTE_TABLE);
    mmu_update_t put = { pte_maddr(entry), value }, drop = { pte_maddr(entry), 0 };
    uint64_t total = 0;

    for (unsigned i = 0; i < rounds; i++) {
        uint64_t begun = time_link ? bench_begin() : 0;

        hypercall_mmu_update(&put, 1, NULL, DOMID_SELF);
        if (time_link)
            total += bench_end(begun);
        else
            begun = bench_begin();
        hypercall_mmu_update(&drop, 1, NULL, DOMID_SELF);
        if (!time_link)
            total += bench_end(begun);
    }
    return total;
}

static uint64_t link_l1(unsigned rounds, unsigned batch)
{
    (void)batch;
    return link_and_unlink(rounds, true);
}

static uint64_t unlink_l1(unsigned rounds, unsigned batch)
{
    (void)batch;
    return link_and_unlink(rounds, false);
}

static uint64_t repeat_mmuext(unsigned rounds, struct mmuext_op op)
{
    BENCH_LOOP(rounds, hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF));
}

static uint64_t tlb_flush(unsigned rounds, unsigned batch)
{
    (void)batch;
    return repeat_mmuext(rounds, (struct mmuext_op){ .cmd = MMUEXT_TLB_FLUSH_LOCAL });
}

static uint64_t invlpg(unsigned rounds, unsigned batch)
{
    (void)batch;
    return repeat_mmuext(
        rounds, (struct mmuext_op){ .cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = LINK_VA });
}

/* Two roots take turns, as they do between processes; they share all kernel tables. */
static bool roots_setup(void)
{
    tree[4] = table_new();
    if (tree[4] == NULL)
        return false;
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        tree[4][i] = i >= 256 && i < 272 ? 0 : kernel_l4[i];
    return table_seal(tree[4]) && page_pin(tree[4], 4) == 0;
}

static void roots_teardown(void)
{
    mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(kernel_l4));
    mmuext_frame(MMUEXT_NEW_USER_BASEPTR, 0);
    page_unpin(tree[4]);
    table_drop(&tree[4]);
}

static uint64_t new_baseptr(unsigned rounds, unsigned batch)
{
    struct mmuext_op ops[2] = { { .cmd = MMUEXT_NEW_BASEPTR }, { .cmd = MMUEXT_NEW_BASEPTR } };
    unsigned which = 0;

    (void)batch;
    ops[0].arg1.mfn = address_to_mfn(tree[4]);
    ops[1].arg1.mfn = address_to_mfn(kernel_l4);
    BENCH_LOOP(rounds, hypercall_mmuext_op(&ops[which], 1, NULL, DOMID_SELF); which ^= 1);
}

/* The root that is loaded already: threads of one process. */
static uint64_t new_user_baseptr(unsigned rounds, unsigned batch)
{
    (void)batch;
    return repeat_mmuext(rounds, (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR,
                                                     .arg1.mfn = address_to_mfn(tree[4]) });
}

/* What a switch of processes asks for: kernel stack, thread pointer, both roots. */
static uint64_t context_switch_multicall(unsigned rounds, unsigned batch)
{
    struct mmuext_op ops[2][2];
    multicall_entry_t calls[2][3];
    uint64_t *roots[2] = { tree[4], kernel_l4 };
    unsigned which = 0;

    for (unsigned i = 0; i < 2; i++) {
        ops[i][0] =
            (struct mmuext_op){ .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = address_to_mfn(roots[i]) };
        ops[i][1] = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR,
                                        .arg1.mfn = address_to_mfn(roots[i]) };
        calls[i][0] = (multicall_entry_t){ .op = __HYPERVISOR_stack_switch,
                                           .args = { FLAT_KERNEL_SS, (unsigned long)boot_stack } };
        calls[i][1] =
            (multicall_entry_t){ .op = __HYPERVISOR_set_segment_base, .args = { SEGBASE_FS, 0 } };
        calls[i][2] = (multicall_entry_t){ .op = __HYPERVISOR_mmuext_op,
                                           .args = { (unsigned long)ops[i], 2, 0, DOMID_SELF } };
    }
    BENCH_LOOP(rounds, hypercall_multicall(calls[which], batch); which ^= 1);
}

const struct bench_row bench_pin_rows[] = {
    { "tlb-flush-local", BATCH_ONE, 1024, tlb_flush, NULL, NULL },
    { "invlpg-local", BATCH_ONE, 2048, invlpg, NULL, NULL },
    { "new-baseptr", BATCH_ONE, 1024, new_baseptr, roots_setup, roots_teardown },
    { "new-user-baseptr", BATCH_ONE, 1024, new_user_baseptr, roots_setup, roots_teardown },
    { "pin-l1-empty", BATCH_ONE, 64, pin_l1, empty_l1_setup, tree_teardown },
    { "unpin-l1-empty", BATCH_ONE, 64, unpin_l1, empty_l1_setup, tree_teardown },
    { "pin-l1-full", BATCH_ONE, 32, pin_l1, full_l1_setup, tree_teardown },
    { "unpin-l1-full", BATCH_ONE, 32, unpin_l1, full_l1_setup, tree_teardown },
    { "pin-l4-tree", BATCH_ONE, 32, pin_l4, tree_setup, tree_teardown },
    { "unpin-l4-tree", BATCH_ONE, 32, unpin_l4, tree_setup, tree_teardown },
    { "link-l1", BATCH_ONE, 64, link_l1, link_setup, tree_teardown },
    { "unlink-l1", BATCH_ONE, 64, unlink_l1, link_setup, tree_teardown },
    { "context-switch-multicall", BATCH_THREE, 1024, context_switch_multicall, roots_setup,
      roots_teardown },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
