/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors a guest may have: none that leads to a privilege, or that only the system uses.
 * And its tables: what a window shows is held as a table for as long as it is shown, and an LDT's
 * page comes when used.
 */
#include "run.h"
#include "paging.h"
#include "machine/registers.h"
#include "paging/descriptors.h"
#include "paging/root.h"
#include <string.h>

#define DPL(d) ((d) >> 45 & 3)

START_TEST(code_and_data_get_ring_3)
{
    static const uint64_t rows[] = { 0x00af9b000000ffff, 0x00affb000000ffff, 0x00cf93000000ffff,
                                     0x00cff3000000ffff, 0x00cf9b000000ffff, 0x0000b30000000000 };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t d = rows[i];
        ck_assert(descriptor_check(&d));
        ck_assert_uint_eq(DPL(d), 3);
        ck_assert_uint_eq(d & ~(3UL << 45), rows[i] & ~(3UL << 45));
    }
}
END_TEST

START_TEST(what_is_not_present_may_be_anything)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t before = fake_random() & ~(1UL << 47), d = before;
        ck_assert(descriptor_check(&d));
        ck_assert_uint_eq(d, before);
    }
}
END_TEST

/* Of the 16 system types only "none" (a gate's second half) and the call gate. */
START_TEST(system_descriptors_are_refused)
{
    for (uint64_t type = 0; type < 16; type++) {
        uint64_t d = 1UL << 47 | type << 40 | 0xe033UL << 16;
        ck_assert_msg(descriptor_check(&d) == (type == 0 || type == 12), "type %lu", type);
    }
}
END_TEST

/* A gate never opens by itself: its privilege goes to the selector's RPL, and its use is a #GP. */
START_TEST(call_gates_lead_to_guest_code_or_nowhere)
{
    static const struct {
        uint16_t selector;
        bool ok;
    } rows[] = { { 0x0000, true },  { 0x0003, true }, { 0x0010, true },  { 0x0014, true },
                 { 0xe033, true },  { 0xe030, true }, { 0xe008, false }, { 0xe010, false },
                 { 0xe02b, false }, { 0xdffb, true }, { 0xe004, true },  { 0xe000, false },
                 { 0xfffb, false }, { 0xffff, true } };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (uint64_t dpl = 0; dpl < 4; dpl++) {
            uint64_t d = 0x12348c0000005678 | dpl << 45 | (uint64_t)rows[i].selector << 16;
            ck_assert_msg(descriptor_check(&d) == rows[i].ok, "selector %x", rows[i].selector);
            if (!rows[i].ok || !(rows[i].selector & ~3))
                continue;
            ck_assert_uint_eq(DPL(d), 0);
            ck_assert_uint_eq(d >> 16 & 0xffff, (rows[i].selector & 0xfffcUL) | dpl);
            ck_assert_uint_eq(d & 0xffff, 0x5678);
        }
    }
}
END_TEST

/* What passed once passes again, and is not changed again. */
START_TEST(no_random_descriptor_is_a_privilege)
{
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t d = fake_random() | 1UL << 47;
        if (!descriptor_check(&d))
            continue;
        uint64_t type = d >> 40 & 15;
        if (d >> 44 & 1)
            ck_assert_uint_eq(DPL(d), 3);
        else
            ck_assert(type == 0 || type == 12);
    }
}
END_TEST

/* --- The windows --- */

#define LDT_VA  0x7000000000UL
#define LDT_AT  (v->window + 16 * PAGE_SIZE) /* in the window */
#define ENTRIES 1536U                        /* three pages */
#define DATA    0x00cff3000000ffffUL
#define A_TSS   0x000089000000ffffUL
#define A_LIST  (GUEST_ARGS + 0x800)

static struct domain *d;
static struct vcpu *v;
static mfn_t root, l1, pages[3];

static mfn_t mapped_from(mfn_t below, unsigned slot, uint64_t flags)
{
    mfn_t m = new_frame(d);

    words_of(m)[slot] = entry_of(below, flags);
    return m;
}

static unsigned slot_of(uint64_t va, unsigned level)
{
    return va >> (12 + 9 * (level - 1)) & 511;
}

/* A guest that runs on a root whose LDT has three pages: the first two there, the third not mapped.
 */
static void start(void)
{
    d = paging_start(256);
    v = d->vcpus[0];
    for (unsigned i = 0; i < 3; i++) {
        pages[i] = new_frame(d);
        words_of(pages[i])[1] = DATA;
    }
    l1 = mapped_from(pages[0], slot_of(LDT_VA, 1), RO);
    words_of(l1)[slot_of(LDT_VA, 1) + 1] = entry_of(pages[1], RO);
    mfn_t l2 = mapped_from(l1, slot_of(LDT_VA, 2), RW),
          l3 = mapped_from(l2, slot_of(LDT_VA, 3), RW);
    root = mapped_from(l3, slot_of(LDT_VA, 4), RW);
    ck_assert_int_eq(root_get(d, root), 0);
    v->kernel_root = root;
    v->initialised = true;
    ldt_set(v, LDT_VA, ENTRIES);
    audit_ok();
}

static mfn_t shown(unsigned page)
{
    uint64_t entry = *hypervisor_pte(v->window + page * PAGE_SIZE);

    return entry & PTE_PRESENT ? pte_mfn(entry) : MFN_NONE;
}

/* Is the page shown that holds this byte of the LDT? */
static bool shows(uint64_t offset)
{
    return ldt_map_page(v, (unsigned)(offset / PAGE_SIZE)) == 0;
}

START_TEST(the_page_of_an_ldt_selector_is_shown)
{
    d = paging_start(256);
    v = d->vcpus[0];
    l1 = new_frame(d);
    mfn_t ldt = new_frame(d), l2 = new_frame(d), l3 = new_frame(d), l4 = new_frame(d);

    words_of(l1)[1] = entry_of(ldt, RO);
    words_of(l2)[0] = entry_of(l1, RW);
    words_of(l3)[0] = entry_of(l2, RW);
    words_of(l4)[0] = entry_of(l3, RW);
    ck_assert_int_eq(page_type_get(frame_at(l4), TYPE_L4), 0);
    v->kernel_root = l4;
    v->initialised = true;
    ldt_set(v, 0, 1024); /* its first page is not there */
    ck_assert_int_eq(ldt_map_selector(v, 512 << 3 | 3), -XEN_EINVAL); /* of the GDT */
    ck_assert_int_eq(ldt_map_selector(v, 1024 << 3 | 7), -XEN_EINVAL);
    ck_assert_int_eq(ldt_map_selector(v, 511 << 3 | 7), -XEN_EFAULT);
    for (unsigned twice = 0; twice < 2; twice++) {
        ck_assert_int_eq(ldt_map_selector(v, 512 << 3 | 7), 0);
        ck_assert_uint_eq(v->ldt_mapped, 2);
        ck_assert_uint_eq(count_of(ldt), 1);
        ck_assert_uint_eq(type_of(ldt), TYPE_DESCRIPTOR);
        audit_ok();
    }
    ldt_forget(v);
    ck_assert_uint_eq(count_of(ldt), 0);
    audit_ok();
}
END_TEST

START_TEST(an_ldts_page_is_shown_when_it_is_used)
{
    start();
    ck_assert_uint_eq(v->ldt_mapped, 0);
    ck_assert(shows(8));
    ck_assert_uint_eq(shown(16).v, pages[0].v);
    ck_assert_uint_eq(type_of(pages[0]), TYPE_DESCRIPTOR);
    ck_assert_uint_eq(count_of(pages[0]), 1);
    ck_assert_uint_eq(*hypervisor_pte(LDT_AT) & (PTE_USER | PTE_NX), PTE_NX);
    ck_assert(shows(0xff8)); /* another processor was there first: it counts once */
    ck_assert_uint_eq(count_of(pages[0]), 1);
    ck_assert(shows(0x1ff8));
    ck_assert_uint_eq(shown(17).v, pages[1].v);
    audit_ok();
    ldt_set(v, 0, 0);
    ck_assert_uint_eq(v->ldt_mapped, 0);
    ck_assert_uint_eq(shown(16).v, MFN_NONE.v);
    ck_assert_uint_eq(shown(17).v, MFN_NONE.v);
    ck_assert_uint_eq(count_of(pages[0]) + count_of(pages[1]), 0);
    audit_ok();
}
END_TEST

START_TEST(what_cannot_be_shown_is_the_guests_fault)
{
    start();
    ck_assert(!shows(0x2008)); /* not mapped */
    words_of(pages[1])[511] = A_TSS;
    ck_assert(!shows(0x1000));
    words_of(pages[1])[511] = 0;
    mfn_t table = new_frame(d);
    words_of(table)[0] = entry_of(pages[1], RW);
    ck_assert_int_eq(pin(1, table), 0);
    ck_assert(!shows(0x1010)); /* writable somewhere */
    ck_assert_int_eq(unpin(table), 0);
    ck_assert_int_eq(set_entry_of(l1, slot_of(LDT_VA, 1) + 2, entry_of(l1, RO)), 0);
    ck_assert(!shows(0x2000)); /* a table */
    ck_assert_uint_eq(v->ldt_mapped, 0);
    audit_ok();
}
END_TEST

/* Otherwise a new root would show its predecessor's. */
START_TEST(a_new_root_forgets_the_ldts_pages)
{
    start();
    ck_assert(shows(0));
    mfn_t other = new_frame(d);
    ck_assert_int_eq(root_set_kernel(v, other), 0);
    guest_return(d);
    ck_assert_uint_eq(v->ldt_mapped, 0);
    ck_assert_uint_eq(shown(16).v, MFN_NONE.v);
    ck_assert_uint_eq(count_of(pages[0]), 0);
    ck_assert(!shows(0)); /* it has none at that address */
    audit_ok();
}
END_TEST

/* The guest unmaps it and gives it back: it stays what it is until nobody can load a selector of
 * it. */
START_TEST(a_page_that_is_shown_stays)
{
    start();
    ck_assert(shows(0));
    ck_assert_int_eq(set_entry_of(l1, slot_of(LDT_VA, 1), 0), 0);
    ck_assert(frame_drop_allocation(frame_at(pages[0])));
    ck_assert_uint_eq(count_of(pages[0]), 1);
    ck_assert_uint_eq(frame_at(pages[0])->owner, d->id);
    audit_ok();
    uint64_t had = d->memory.nr_pages;
    ldt_set(v, LDT_VA, ENTRIES);
    ck_assert_uint_eq(d->memory.nr_pages, had - 1);
    audit_ok();
}
END_TEST

static long set_gdt(unsigned entries)
{
    return hypercall(hypercall_set_gdt, A_LIST, entries, 0, 0);
}

static uint64_t *const gdt_list = guest_args + 0x100;

START_TEST(a_gdt_is_shown_whole_or_not_at_all)
{
    start();
    gdt_list[0] = pages[0].v;
    gdt_list[1] = pages[2].v;
    ck_assert_int_eq(set_gdt(1024), 0);
    ck_assert_uint_eq(shown(0).v, pages[0].v);
    ck_assert_uint_eq(shown(1).v, pages[2].v);
    ck_assert_uint_eq(count_of(pages[2]), 1);
    audit_ok();
    const uint64_t bad[] = { 255, ~0UL, 1UL << 52, root.v, l1.v, virt_to_mfn(d->shared_info).v };
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        gdt_list[0] = pages[1].v;
        gdt_list[1] = bad[i];
        ck_assert_msg(set_gdt(1024) == -XEN_EINVAL, "row %u", i);
        ck_assert_uint_eq(shown(0).v, pages[0].v); /* the old one is still there */
        ck_assert_uint_eq(shown(1).v, pages[2].v);
        ck_assert_uint_eq(count_of(pages[1]), 0);
        audit_ok();
    }
    ck_assert_int_eq(set_gdt(14 * 512 + 1), -XEN_EINVAL);
    ck_assert_int_eq(hypercall(hypercall_set_gdt, HYPERVISOR_START, 512, 0, 0), -XEN_EFAULT);
    gdt_list[0] = gdt_list[1] = pages[0].v; /* one frame twice, and what was there before */
    ck_assert_int_eq(set_gdt(1024), 0);
    ck_assert_uint_eq(count_of(pages[0]), 2);
    ck_assert_uint_eq(count_of(pages[2]), 0);
    ck_assert_int_eq(set_gdt(0), 0);
    ck_assert_uint_eq(count_of(pages[0]), 0);
    ck_assert(shown(0).v != pages[0].v && shown(1).v != pages[0].v);
    ck_assert_uint_eq(shown(14).v, MFN_NONE.v); /* ours comes with the processor */
    audit_ok();
}
END_TEST

static long update(mfn_t m, uint64_t offset, uint64_t value)
{
    return hypercall(hypercall_update_descriptor, (m.v << PAGE_SHIFT) + offset, value, 0, 0);
}

START_TEST(descriptors_change_in_tables_and_in_plain_memory)
{
    start();
    gdt_list[0] = pages[0].v;
    ck_assert_int_eq(set_gdt(512), 0);
    ck_assert_int_eq(update(pages[0], 16, 0x00cf92000000ffff), 0);
    ck_assert_uint_eq(words_of(pages[0])[2], 0x00cff2000000ffff); /* its privilege is ring 3's */
    ck_assert_int_eq(update(pages[2], 4088, DATA), 0);            /* no table yet */
    ck_assert_uint_eq(words_of(pages[2])[511], DATA);
    ck_assert_uint_eq(count_of(pages[2]), 0);
    ck_assert_int_eq(update(pages[0], 16, A_TSS), -XEN_EINVAL);
    ck_assert_int_eq(update(pages[0], 20, DATA), -XEN_EINVAL);
    ck_assert_int_eq(update(l1, 800, DATA), -XEN_EINVAL);
    ck_assert_int_eq(update(root, 800, DATA), -XEN_EINVAL);
    ck_assert_int_eq(update(mfn(255), 0, DATA), -XEN_EINVAL);
    ck_assert_int_eq(update(mfn(~0UL >> 12), 0, DATA), -XEN_EINVAL);
    ck_assert_uint_eq(words_of(pages[0])[2], 0x00cff2000000ffff);
    ck_assert_uint_eq(words_of(l1)[100], 0);
    ck_assert_uint_eq(words_of(root)[100], 0);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { code_and_data_get_ring_3 },
        { what_is_not_present_may_be_anything },
        { system_descriptors_are_refused },
        { call_gates_lead_to_guest_code_or_nowhere },
        { no_random_descriptor_is_a_privilege },
        { the_page_of_an_ldt_selector_is_shown },
        { an_ldts_page_is_shown_when_it_is_used },
        { what_cannot_be_shown_is_the_guests_fault },
        { a_new_root_forgets_the_ldts_pages },
        { a_page_that_is_shown_stays },
        { a_gdt_is_shown_whole_or_not_at_all },
        { descriptors_change_in_tables_and_in_plain_memory },
    };
    return RUN_TESTS("paging/descriptors", tests);
}
