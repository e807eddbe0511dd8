/* SPDX-License-Identifier: MIT */
/*
 * Domains that grant each other frames, map them, copy, forget them, and die in between, against a model of who
 * uses what: after each step the granters' entries say just that, and the auditor agrees.
 */
#include "run.h"
#include "paging.h"
#include "domain/life.h"
#include "grant/grant_table.h"
#include "memory/frame_alloc.h"
#include <string.h>

#define FRAMES  2048U
#define DOMAINS 3U
#define REFS    8U
#define DATA    4U  /* frames of each to grant */
#define SLOTS   24U /* entries of each one's L1 table */
#define HANDLES 200U
#define STEPS   2500U

static struct domain *d[DOMAINS], *keeper; /* who destroys the others, and outlives them */
static mfn_t l1[DOMAINS], data[DOMAINS][DATA];

/* The model. */
static struct {
    uint32_t serial; /* of the granter */
    unsigned granter, ref, slot, parts;
    uint32_t handle;
    mfn_t m;
    bool readonly, entry_gone;
} live[HANDLES];
static unsigned nr_live;
static unsigned user_of[HANDLES];

static struct grant_entry_v1 *entry_of_ref(unsigned granter, unsigned ref)
{
    return &d[granter]->grants->frames[0][ref];
}

static void new_domain(unsigned i)
{
    d[i] = domain_create((domid_t)(i + 1), 1, 64, false);
    ck_assert_ptr_nonnull(d[i]);
    fake_switch_to(d[i]->vcpus[0]);
    l1[i] = new_frame(d[i]);
    ck_assert_int_eq(pin(1, l1[i]), 0);
    for (unsigned j = 0; j < DATA; j++)
        data[i][j] = new_frame(d[i]);
}

static void start(uint64_t seed)
{
    fake_machine_start(FRAMES);
    fake_seed = seed;
    fake_guest_map(GUEST_ARGS, guest_args, sizeof(guest_args));
    keeper = domain_create(9, 1, 4, false);
    ck_assert_ptr_nonnull(keeper);
    for (unsigned i = 0; i < DOMAINS; i++)
        new_domain(i);
}

static long grant_op(unsigned cmd, unsigned count)
{
    return hypercall(hypercall_grant_table_op, cmd, GUEST_ARGS, count, 0);
}

static unsigned any(unsigned n)
{
    return (unsigned)(fake_random() % n);
}

static uint64_t slot_maddr(unsigned user, unsigned slot)
{
    return (l1[user].v << PAGE_SHIFT) + slot * 8;
}

static bool slot_is_empty(unsigned user, unsigned slot)
{
    return !(words_of(l1[user])[slot] & PTE_PRESENT);
}

/* --- Steps -------------------------------------------------------------------------------------- */

static void change_grant(void)
{
    unsigned granter = any(DOMAINS), ref = any(REFS);
    struct grant_entry_v1 *e = entry_of_ref(granter, ref);

    if (e->flags & (GTF_reading | GTF_writing))
        return;
    e->flags = 0;
    e->domid = (domid_t)(any(DOMAINS) + 1);
    e->frame = (uint32_t)data[granter][any(DATA)].v;
    if (any(10) == 0)
        e->frame = (uint32_t)data[any(DOMAINS)][0].v; /* not always its own */
    if (any(5))
        e->flags = (uint16_t)(GTF_permit_access | (any(3) ? 0 : GTF_readonly));
}

static unsigned uses(unsigned granter, unsigned ref, bool writers)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < nr_live; i++) {
        if (live[i].granter == granter && live[i].ref == ref && live[i].serial == d[granter]->serial &&
            (!writers || !live[i].readonly))
            nr++;
    }
    return nr;
}

static bool map_should_work(unsigned user, unsigned granter, unsigned ref, bool readonly)
{
    const struct grant_entry_v1 *e = entry_of_ref(granter, ref);

    if ((e->flags & GTF_type_mask) != GTF_permit_access || e->domid != user + 1 ||
        (!readonly && (e->flags & GTF_readonly)))
        return false;
    return frame_at(mfn(e->frame))->owner == d[granter]->id;
}

static void map(void)
{
    unsigned user = any(DOMAINS), granter = any(DOMAINS), ref = any(REFS), slot = any(SLOTS);
    bool readonly = any(2);
    unsigned parts = any(3) + 1; /* device, host, both */
    struct gnttab_map_grant_ref *op = (void *)guest_args;

    if (nr_live == HANDLES || !slot_is_empty(user, slot))
        return;
    bool should = map_should_work(user, granter, ref, readonly);
    fake_switch_to(d[user]->vcpus[0]);
    *op = (struct gnttab_map_grant_ref){ .host_addr = slot_maddr(user, slot),
                                         .flags = parts | GNTMAP_contains_pte |
                                                  (readonly ? GNTMAP_readonly : 0),
                                         .ref = ref,
                                         .dom = (domid_t)(granter + 1) };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    ck_assert_msg((op->status == GNTST_okay) == should, "map: status %d", op->status);
    if (!should) {
        ck_assert(slot_is_empty(user, slot));
        return;
    }
    ck_assert_uint_eq(op->dev_bus_addr >> PAGE_SHIFT, entry_of_ref(granter, ref)->frame);
    live[nr_live].granter = granter;
    live[nr_live].serial = d[granter]->serial;
    live[nr_live].ref = ref;
    live[nr_live].slot = slot;
    live[nr_live].parts = parts;
    live[nr_live].handle = op->handle;
    live[nr_live].m = mfn(entry_of_ref(granter, ref)->frame);
    live[nr_live].readonly = readonly;
    live[nr_live].entry_gone = false;
    user_of[nr_live++] = user;
    if (parts & GNTMAP_host_map) {
        uint64_t pte = words_of(l1[user])[slot];
        ck_assert_uint_eq(pte_mfn(pte).v, live[nr_live - 1].m.v);
        ck_assert_int_eq(!(pte & PTE_WRITE), readonly);
    }
}

static void forget(unsigned i)
{
    live[i] = live[--nr_live];
    user_of[i] = user_of[nr_live];
}

static void unmap(void)
{
    if (!nr_live)
        return;
    unsigned i = any(nr_live), user = user_of[i];
    struct gnttab_unmap_grant_ref *op = (void *)guest_args;
    bool wrong_place = any(6) == 0;
    unsigned slot = wrong_place ? SLOTS : live[i].slot; /* that slot is never used */

    if (live[i].entry_gone && !slot_is_empty(user, slot))
        return; /* if that maps the same frame, it serves as well */
    fake_switch_to(d[user]->vcpus[0]);
    *op = (struct gnttab_unmap_grant_ref){
        .host_addr = live[i].parts & GNTMAP_host_map ? slot_maddr(user, slot) : 0,
        .dev_bus_addr = live[i].parts & GNTMAP_device_map ? live[i].m.v << PAGE_SHIFT : 0,
        .handle = live[i].handle
    };
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
    if ((live[i].parts & GNTMAP_host_map) && (wrong_place || live[i].entry_gone)) {
        ck_assert_int_ne(op->status, GNTST_okay);
        return;
    }
    ck_assert_int_eq(op->status, GNTST_okay);
    if (live[i].parts & GNTMAP_host_map)
        ck_assert(slot_is_empty(user, live[i].slot));
    forget(i);
    /* A handle that is free is none. */
    op->status = 0;
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
    ck_assert_int_eq(op->status, GNTST_bad_handle);
}

/* The user clears its entry without telling: the grant is in use until the user dies. */
static void clear_entry(void)
{
    if (!nr_live || any(4))
        return;
    unsigned i = any(nr_live), user = user_of[i];

    if (!(live[i].parts & GNTMAP_host_map) || live[i].entry_gone)
        return;
    fake_switch_to(d[user]->vcpus[0]);
    ck_assert_int_eq(set_entry_of(l1[user], live[i].slot, 0), 0);
    live[i].entry_gone = true;
}

static void copy(void)
{
    unsigned user = any(DOMAINS), granter = any(DOMAINS), ref = any(REFS);
    bool to_them = any(2);
    mfn_t own = data[user][any(DATA)];
    struct gnttab_copy *op = (void *)guest_args;
    bool should = map_should_work(user, granter, ref, !to_them);
    struct gnttab_copy_ptr mine = { .u.gmfn = own.v, .domid = DOMID_SELF },
                           theirs = { .u.ref = ref, .domid = (domid_t)(granter + 1) };

    fake_switch_to(d[user]->vcpus[0]);
    *op = (struct gnttab_copy){ .source = to_them ? mine : theirs,
                                .dest = to_them ? theirs : mine,
                                .len = 16,
                                .flags = to_them ? GNTCOPY_dest_gref : GNTCOPY_source_gref };
    /* What an entry names may have become anything since: it is not ours to write. */
    if (to_them || should)
        words_of(to_them ? own : mfn(entry_of_ref(granter, ref)->frame))[1] = fake_random();
    ck_assert_int_eq(grant_op(GNTTABOP_copy, 1), 0);
    ck_assert_msg((op->status == GNTST_okay) == should, "copy: status %d", op->status);
    if (should)
        ck_assert_uint_eq(words_of(own)[1], words_of(mfn(entry_of_ref(granter, ref)->frame))[1]);
}

static void destroy(unsigned i)
{
    int rc;

    fake_switch_to(keeper->vcpus[0]);
    while ((rc = domain_destroy(d[i])) == HYPERCALL_CONTINUE)
        fake_rest();
    ck_assert_int_eq(rc, 0);
    for (unsigned j = 0; j < nr_live;) {
        if (user_of[j] == i)
            forget(j);
        else
            j++;
    }
}

/* Those who use its frames let go one by one; then it is gone. */
static void die_and_come_back(void)
{
    if (any(40))
        return;
    unsigned i = any(DOMAINS);
    uint32_t serial = d[i]->serial;

    destroy(i);
    for (unsigned j = 0; j < nr_live;) {
        unsigned user = user_of[j];
        struct gnttab_unmap_grant_ref *op = (void *)guest_args;
        if (live[j].granter != i || live[j].serial != serial || live[j].entry_gone) {
            j++;
            continue;
        }
        ck_assert_ptr_eq(domain_by_id(i + 1), d[i]); /* still there */
        fake_switch_to(d[user]->vcpus[0]);
        *op = (struct gnttab_unmap_grant_ref){
            .host_addr = live[j].parts & GNTMAP_host_map ? slot_maddr(user, live[j].slot) : 0,
            .dev_bus_addr = live[j].parts & GNTMAP_device_map ? live[j].m.v << PAGE_SHIFT : 0,
            .handle = live[j].handle
        };
        ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
        ck_assert_int_eq(op->status, GNTST_okay);
        forget(j);
        audit_ok();
    }
    /* Entries that their user cleared hold a device's reference at most. */
    for (unsigned j = 0; j < nr_live;) {
        if (live[j].granter == i && live[j].serial == serial && (live[j].parts & GNTMAP_device_map)) {
            struct gnttab_unmap_grant_ref *op = (void *)guest_args;
            fake_switch_to(d[user_of[j]]->vcpus[0]);
            *op = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = live[j].m.v << PAGE_SHIFT,
                                                   .handle = live[j].handle };
            ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
            ck_assert_int_eq(op->status, GNTST_okay);
            live[j].parts &= ~GNTMAP_device_map;
        } else {
            j++;
        }
    }
    fake_switch_to(keeper->vcpus[0]);
    fake_rest();
    ck_assert_ptr_null(domain_by_id(i + 1));
    ck_assert(!domain_id_lingers(i + 1));
    new_domain(i);
}

static void check_entries(void)
{
    for (unsigned i = 0; i < DOMAINS; i++) {
        for (unsigned ref = 0; ref < REFS; ref++) {
            unsigned flags = entry_of_ref(i, ref)->flags;
            ck_assert_int_eq(!!(flags & GTF_reading), uses(i, ref, false) > 0);
            ck_assert_int_eq(!!(flags & GTF_writing), uses(i, ref, true) > 0);
        }
    }
}

START_TEST(entries_say_who_uses_what)
{
    static void (*const steps[])(void) = { change_grant, map,  map,         map, unmap,
                                           unmap,        copy, clear_entry, die_and_come_back };
    start((uint64_t)_i + 1);
    audit_ok();
    uint64_t all = frames_free();
    for (unsigned i = 0; i < STEPS; i++) {
        fake_preempt(any(3) ? 0 : 3);
        steps[any(ARRAY_SIZE(steps))]();
        fake_preempt(0);
        check_entries();
        audit_ok();
    }
    /* All of it comes back. */
    for (unsigned i = 0; i < DOMAINS; i++)
        destroy(i);
    fake_rest();
    for (unsigned i = 0; i < DOMAINS; i++)
        ck_assert_ptr_null(domain_by_id(i + 1));
    nr_live = 0;
    for (unsigned i = 0; i < DOMAINS; i++)
        new_domain(i);
    ck_assert_uint_eq(frames_free(), all);
}
END_TEST

/* Handles end with the limit that the domain was created with, and come back. */
START_TEST(an_array_may_be_empty_but_not_in_our_part)
{
    static const unsigned batches[] = { GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_copy,
                                        GNTTABOP_unmap_and_replace };

    start(1);
    fake_switch_to(d[0]->vcpus[0]);
    for (unsigned i = 0; i < ARRAY_SIZE(batches); i++) {
        ck_assert_int_eq(grant_op(batches[i], 0), 0);
        ck_assert_int_eq(grant_op(batches[i], 1U << 31), -XEN_EINVAL);
        ck_assert_int_eq(grant_op(batches[i], ~0U), -XEN_EINVAL);
        for (unsigned count = 0; count < 2; count++) {
            uint64_t ours = HYPERVISOR_START + 8, end = HYPERVISOR_END - 8;
            ck_assert_int_eq(hypercall(hypercall_grant_table_op, batches[i], ours, count, 0), -XEN_EFAULT);
            ck_assert_int_eq(hypercall(hypercall_grant_table_op, batches[i], end, count, 0), -XEN_EFAULT);
        }
        ck_assert_int_eq(hypercall(hypercall_grant_table_op, batches[i], ~7UL, 1, 0), -XEN_EFAULT);
    }
    audit_ok();
}
END_TEST

START_TEST(handles_are_limited)
{
    struct gnttab_map_grant_ref *op = (void *)guest_args;
    unsigned n = 0;

    start(1);
    d[0]->grants->max_mapping_frames = 1;
    *entry_of_ref(1, 0) = (struct grant_entry_v1){ GTF_permit_access, 1, (uint32_t)data[1][0].v };
    fake_switch_to(d[0]->vcpus[0]);
    for (;; n++) {
        ck_assert_uint_le(n, MAPPINGS_PER_FRAME);
        *op = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map, .dom = 2 };
        ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
        if (op->status != GNTST_okay)
            break;
    }
    ck_assert_int_eq(op->status, GNTST_no_space);
    ck_assert_uint_eq(n, MAPPINGS_PER_FRAME);
    audit_ok();
    struct gnttab_unmap_grant_ref *back = (void *)guest_args;
    *back = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = data[1][0].v << PAGE_SHIFT, .handle = 7 };
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
    ck_assert_int_eq(back->status, GNTST_okay);
    *op = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map, .dom = 2 };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    ck_assert_int_eq(op->status, GNTST_okay);
    ck_assert_uint_eq(op->handle, 7);
    audit_ok();
}
END_TEST

START_TEST(pages_of_ours_and_no_pages_cannot_be_granted)
{
    struct gnttab_map_grant_ref *op = (void *)guest_args;

    start(1);
    const uint64_t bad[] = { virt_to_mfn(d[1]->grants->frames[0]).v, virt_to_mfn(d[1]->shared_info).v,
                             data[0][0].v, FRAMES, 0xffffffff };
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        *entry_of_ref(1, 0) = (struct grant_entry_v1){ GTF_permit_access, 1, (uint32_t)bad[i] };
        fake_switch_to(d[0]->vcpus[0]);
        *op = (struct gnttab_map_grant_ref){ .flags = GNTMAP_device_map | GNTMAP_readonly, .dom = 2 };
        ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
        ck_assert_int_eq(op->status, GNTST_bad_page);
        ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
        audit_ok();
    }
}
END_TEST

/* Nor copied: a frame's number is the guest's to choose. */
START_TEST(no_frame_of_others_can_be_copied_by_number)
{
    struct gnttab_copy *op = (void *)guest_args;

    start(1);
    const uint64_t bad[] = { data[1][0].v, virt_to_mfn(d[0]->shared_info).v, FRAMES, 1UL << 52, ~0UL >> 4, ~0UL };
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
        const struct gnttab_copy_ptr own = { .u.gmfn = data[0][0].v, .domid = DOMID_SELF };
        const struct gnttab_copy_ptr other = { .u.gmfn = bad[i / 2], .domid = DOMID_SELF };
        fake_switch_to(d[0]->vcpus[0]);
        *op = (struct gnttab_copy){ .source = i % 2 ? own : other, .dest = i % 2 ? other : own, .len = 8 };
        ck_assert_int_eq(grant_op(GNTTABOP_copy, 1), 0);
        ck_assert_int_eq(op->status, GNTST_bad_page);
        audit_ok();
    }
}
END_TEST

static struct gnttab_map_grant_ref *map_at(unsigned slot, unsigned flags)
{
    struct gnttab_map_grant_ref *op = (void *)guest_args;

    fake_switch_to(d[0]->vcpus[0]);
    *op = (struct gnttab_map_grant_ref){ .host_addr = slot_maddr(0, slot),
                                         .flags = flags | GNTMAP_contains_pte,
                                         .dom = 2 };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    return op;
}

static void grant_to_first(unsigned flags)
{
    *entry_of_ref(1, 0) =
        (struct grant_entry_v1){ (uint16_t)(GTF_permit_access | flags), 1, (uint32_t)data[1][0].v };
}

/* What the user says in flags that mean nothing does not become a state of the handle: it could neither be unmapped
 * nor given back when the user dies. */
START_TEST(flags_without_meaning_do_not_outlive_the_user)
{
    start(1);
    grant_to_first(0);
    ck_assert_int_eq(map_at(0, GNTMAP_host_map | GNTMAP_device_map | 0xff00)->status, GNTST_okay);
    destroy(0);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    destroy(1);
    fake_switch_to(d[2]->vcpus[0]);
    fake_rest();
    ck_assert_ptr_null(domain_by_id(1));
    ck_assert_ptr_null(domain_by_id(2));
}
END_TEST

static int unmap_at(unsigned slot, uint32_t handle)
{
    struct gnttab_unmap_grant_ref *op = (void *)guest_args;

    fake_switch_to(d[0]->vcpus[0]);
    *op = (struct gnttab_unmap_grant_ref){ .host_addr = slot_maddr(0, slot), .handle = handle };
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 1), 0);
    return op->status;
}

/* Entry and device address are two parts of a mapping: either may go first, in one call as well. */
START_TEST(both_parts_may_go_by_two_operations_of_a_call)
{
    struct gnttab_unmap_grant_ref *op = (void *)guest_args;

    start(1);
    grant_to_first(0);
    uint32_t handle = map_at(0, GNTMAP_host_map | GNTMAP_device_map)->handle;
    op[0] = (struct gnttab_unmap_grant_ref){ .host_addr = slot_maddr(0, 0), .handle = handle };
    op[1] = (struct gnttab_unmap_grant_ref){ .dev_bus_addr = data[1][0].v << PAGE_SHIFT, .handle = handle };
    op[2] = op[1];
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, 3), 0);
    ck_assert_int_eq(op[0].status, GNTST_okay);
    ck_assert_int_eq(op[1].status, GNTST_okay);
    ck_assert_int_eq(op[2].status, GNTST_bad_handle);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    audit_ok();
}
END_TEST

/* Another vCPU guesses the handle while the mapping is being made: it is none yet. */
static void unmap_what_is_being_made(void)
{
    uint64_t kept[4];

    memcpy(kept, guest_args, sizeof(kept));
    ck_assert_int_eq(unmap_at(0, 0), GNTST_bad_handle);
    memcpy(guest_args, kept, sizeof(kept));
}

START_TEST(a_handle_is_none_before_the_mapping_is_made)
{
    start(1);
    grant_to_first(0);
    fake_switch_to(d[0]->vcpus[0]);
    /* The last mapping of its own frame there goes: that is when another vCPU comes. */
    ck_assert_int_eq(set_entry_of(l1[0], 0, entry_of(data[0][0], RW)), 0);
    fake_at_clock = unmap_what_is_being_made;
    struct gnttab_map_grant_ref *op = map_at(0, GNTMAP_host_map);
    fake_at_clock = NULL;
    ck_assert_int_eq(op->status, GNTST_okay);
    ck_assert_uint_eq(op->handle, 0);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    ck_assert_int_eq(unmap_at(0, 0), GNTST_okay);
    audit_ok();
}
END_TEST

/* An entry that can be written is not let go as the mapping that can only be read: writing would go on, and the
 * granter believe that it ended (XSA-234). */
START_TEST(unmap_wants_an_entry_of_the_same_rights)
{
    start(1);
    grant_to_first(0);
    struct gnttab_map_grant_ref *op = map_at(0, GNTMAP_host_map);
    ck_assert_int_eq(op->status, GNTST_okay);
    uint32_t writes = op->handle;
    op = map_at(1, GNTMAP_host_map | GNTMAP_readonly);
    ck_assert_int_eq(op->status, GNTST_okay);
    uint32_t reads = op->handle;
    ck_assert_int_eq(unmap_at(1, writes), GNTST_general_error);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    ck_assert_int_eq(unmap_at(0, reads), GNTST_general_error);
    ck_assert_int_eq(unmap_at(0, writes), GNTST_okay);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access | GTF_reading);
    ck_assert_int_eq(unmap_at(1, reads), GNTST_okay);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    audit_ok();
}
END_TEST

/* --- TLBs forget before the granter is told ----------------------------------------------------- */

#define MANY (GRANT_BATCH + 2) /* mappings: more than are told at once */

static bool forgotten[MANY]; /* a flush came after the entry had gone */

/* The granter takes the frame back as soon as its entry says that nobody uses it: until TLBs have forgotten a mapping
 * whose entry has gone, it says that somebody does. */
static void entries_that_have_gone_are_in_use(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t entry = words_of(l1[0])[i];
        if (forgotten[i] || ((entry & PTE_PRESENT) && frame_at(pte_mfn(entry))->owner == d[1]->id))
            continue;
        ck_assert_uint_eq(fake_last_flush_mask, d[0]->paging.dirty_cpus);
        ck_assert_uint_eq(entry_of_ref(1, i)->flags, GTF_permit_access | GTF_reading | GTF_writing);
        forgotten[i] = true;
    }
}

/* All of them in one call; with something that is no handle in between, and with other work after each, when what ended
 * so far is told early. */
START_TEST(tlbs_forget_before_the_granter_is_told)
{
    struct gnttab_unmap_grant_ref *op = (void *)guest_args;
    uint32_t handles[MANY];
    unsigned nr = 0;

    start(1);
    for (unsigned i = 0; i < MANY; i++) {
        struct gnttab_map_grant_ref *map = (void *)guest_args;
        *entry_of_ref(1, i) = (struct grant_entry_v1){ GTF_permit_access, 1, (uint32_t)data[1][i % DATA].v };
        *map = (struct gnttab_map_grant_ref){ .host_addr = slot_maddr(0, i),
                                              .flags = GNTMAP_host_map | GNTMAP_contains_pte,
                                              .ref = i,
                                              .dom = 2 };
        fake_switch_to(d[0]->vcpus[0]);
        ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
        ck_assert_int_eq(map->status, GNTST_okay);
        handles[i] = map->handle;
    }
    for (unsigned i = 0; i < MANY; i++) {
        op[nr++] = (struct gnttab_unmap_grant_ref){ .host_addr = slot_maddr(0, i), .handle = handles[i] };
        if (_i == 1 && i == MANY / 2)
            op[nr++] = (struct gnttab_unmap_grant_ref){ .host_addr = slot_maddr(0, i), .handle = MAPPINGS_PER_FRAME };
    }
    d[0]->paging.dirty_cpus = 5;
    fake_preempt(_i == 2);
    fake_at_flush = entries_that_have_gone_are_in_use;
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, nr), 0);
    fake_at_flush = NULL;
    fake_preempt(0);
    for (unsigned i = 0; i < nr; i++)
        ck_assert_int_eq(op[i].status, _i == 1 && i == MANY / 2 + 1 ? GNTST_bad_handle : GNTST_okay);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert(slot_is_empty(0, i));
        ck_assert_msg(forgotten[i], "%u: told, and in TLBs still", i);
        ck_assert_uint_eq(entry_of_ref(1, i)->flags, GTF_permit_access);
    }
    d[0]->paging.dirty_cpus = 0;
    audit_ok();
}
END_TEST

/* The first domain's own tables, with its L1 table for the lowest addresses. */
static void make_root(void)
{
    mfn_t table = l1[0];

    for (unsigned level = 2; level <= 4; level++) {
        mfn_t upper = new_frame(d[0]);
        fake_switch_to(d[0]->vcpus[0]);
        words_of(upper)[0] = entry_of(table, RW);
        table = upper;
    }
    ck_assert_int_eq(pin(4, table), 0);
    d[0]->vcpus[0]->kernel_root = table;
}

static void replace_at(unsigned slot, unsigned from, uint32_t handle)
{
    struct gnttab_unmap_and_replace *op = (void *)guest_args;

    *op = (struct gnttab_unmap_and_replace){ .host_addr = slot * PAGE_SIZE,
                                             .new_addr = from * PAGE_SIZE,
                                             .handle = handle };
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_and_replace, 1), 0);
}

/* The same when another frame takes the mapping's place. */
START_TEST(tlbs_forget_what_is_replaced_before_the_granter_is_told)
{
    struct gnttab_unmap_and_replace *op = (void *)guest_args;
    struct gnttab_map_grant_ref *map = (void *)guest_args;

    start(1);
    grant_to_first(0);
    make_root();
    ck_assert_int_eq(set_entry_of(l1[0], 5, entry_of(data[0][0], RW)), 0);
    *map = (struct gnttab_map_grant_ref){ .host_addr = 0, .flags = GNTMAP_host_map, .dom = 2 };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    ck_assert_int_eq(map->status, GNTST_okay);
    for (unsigned i = 1; i < MANY; i++)
        forgotten[i] = true; /* there is but one */
    d[0]->paging.dirty_cpus = 5;
    fake_at_flush = entries_that_have_gone_are_in_use;
    replace_at(0, 5, map->handle);
    fake_at_flush = NULL;
    d[0]->paging.dirty_cpus = 0;
    ck_assert_int_eq(op->status, GNTST_okay);
    ck_assert_uint_eq(pte_mfn(words_of(l1[0])[0]).v, data[0][0].v);
    ck_assert(slot_is_empty(0, 5));
    ck_assert(forgotten[0]);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    audit_ok();
}
END_TEST

/* --- What a use is of ---------------------------------------------------------------------------- */

static int map_as(unsigned user, unsigned slot, unsigned flags)
{
    struct gnttab_map_grant_ref *op = (void *)guest_args;

    fake_switch_to(d[user]->vcpus[0]);
    *op = (struct gnttab_map_grant_ref){ .host_addr = slot_maddr(user, slot),
                                         .flags = flags | GNTMAP_host_map | GNTMAP_contains_pte,
                                         .dom = 2 };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    return op->status;
}

static uint32_t handle_made(void)
{
    return ((const struct gnttab_map_grant_ref *)(void *)guest_args)->handle;
}

/* A granter may write to its entry while it is in use, though it should not. What was begun goes on as it was granted:
 * the same domain gets the same frame again, another one nothing, whatever the entry says; and all is given back as
 * it was taken. Once nobody uses it, it is what it says. */
START_TEST(an_entry_in_use_stays_what_it_was)
{
    const unsigned readonly = _i ? GNTMAP_readonly : 0;
    const unsigned marks = _i ? GTF_reading : GTF_reading | GTF_writing;
    const struct grant_use *use;
    uint32_t handles[3];

    start(1);
    grant_to_first(0);
    use = &d[1]->grants->uses[0][0];
    ck_assert_int_eq(map_as(0, 0, readonly), GNTST_okay);
    handles[0] = handle_made();
    /* To the same domain, another frame. */
    entry_of_ref(1, 0)->frame = (uint32_t)data[1][1].v;
    ck_assert_int_eq(map_as(0, 1, readonly), GNTST_okay);
    handles[1] = handle_made();
    ck_assert_uint_eq(pte_mfn(words_of(l1[0])[1]).v, data[1][0].v);
    /* To another one; as if it were not in use as well. */
    *entry_of_ref(1, 0) = (struct grant_entry_v1){ GTF_permit_access, 3, (uint32_t)data[1][1].v };
    ck_assert_int_eq(map_as(2, 0, readonly), GNTST_general_error);
    ck_assert(slot_is_empty(2, 0));
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    entry_of_ref(1, 0)->flags = (uint16_t)(GTF_permit_access | marks);
    ck_assert_int_eq(map_as(2, 0, readonly), GNTST_general_error);
    ck_assert(slot_is_empty(2, 0));
    ck_assert_int_eq(map_as(0, 2, readonly), GNTST_okay);
    handles[2] = handle_made();
    ck_assert_uint_eq(pte_mfn(words_of(l1[0])[2]).v, data[1][0].v);
    ck_assert_uint_eq(use->user, 1);
    ck_assert_uint_eq(use->mfn, data[1][0].v);
    ck_assert_uint_eq(_i ? use->readers : use->writers, 3);
    ck_assert_uint_eq(_i ? refs_of(data[1][0]) : count_of(data[1][0]), _i ? 4 : 3);
    ck_assert_uint_eq(refs_of(data[1][1]), 1);
    ck_assert_uint_eq(count_of(data[1][1]), 0);
    audit_ok();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access | marks);
        ck_assert_int_eq(unmap_at(i, handles[i]), GNTST_okay);
    }
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    ck_assert_uint_eq(use->counts, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(refs_of(data[1][i]), 1);
        ck_assert_uint_eq(count_of(data[1][i]), 0);
    }
    ck_assert_int_eq(map_as(0, 0, readonly), GNTST_general_error);
    ck_assert_int_eq(map_as(2, 0, readonly), GNTST_okay);
    ck_assert_uint_eq(pte_mfn(words_of(l1[2])[0]).v, data[1][1].v);
    audit_ok();
}
END_TEST

/* --- A frame changes hands ----------------------------------------------------------------------- */

static unsigned giver;
static mfn_t given;

/* The giver gives the frame up, and the third domain gets it: its word is what it was, since both use it alike. */
static void change_hands(void)
{
    struct vcpu *v = current_vcpu();
    uint64_t state = frame_at(given)->state;
    bool writable = state_type(state) == TYPE_WRITABLE;

    ck_assert(domain_give_up_frame(d[giver], given));
    ck_assert_uint_ne(frame_at(given)->owner, d[giver]->id);
    while (frame_at(given)->owner != d[2]->id)
        new_frame(d[2]);
    fake_switch_to(d[2]->vcpus[0]);
    if (writable) {
        ck_assert_int_eq(set_entry_of(l1[2], 0, entry_of(given, RW)), 0);
        ck_assert_int_eq(set_entry_of(l1[2], 0, 0), 0);
    }
    fake_switch_to(v);
    ck_assert_uint_eq(frame_at(given)->state, state);
}

/* Nobody holds it yet. */
static void given_to_third_for_good(void)
{
    ck_assert_ptr_null(fake_at_swap); /* it has run */
    ck_assert_uint_eq(frame_at(given)->owner, d[2]->id);
    ck_assert_uint_eq(refs_of(given), 1);
    ck_assert_uint_eq(count_of(given), 0);
    audit_ok();
}

/* Between the look at a frame's owner and the reference to it, the granter gives it up and it becomes another domain's:
 * who was granted it gets nothing of that one. To read, and to write. */
START_TEST(what_becomes_anothers_meanwhile_is_not_mapped)
{
    start(1);
    grant_to_first(0);
    giver = 1;
    given = data[1][0];
    if (_i) {
        fake_switch_to(d[1]->vcpus[0]);
        ck_assert_int_eq(set_entry_of(l1[1], 0, entry_of(given, RW)), 0);
        ck_assert_int_eq(set_entry_of(l1[1], 0, 0), 0);
    }
    fake_at_swap = change_hands;
    ck_assert_int_eq(map_as(0, 0, _i ? 0 : GNTMAP_readonly), GNTST_bad_page);
    ck_assert(slot_is_empty(0, 0));
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    ck_assert_uint_eq(d[1]->grants->uses[0][0].counts, 0);
    given_to_third_for_good();
}
END_TEST

/* The same for a copy of a frame by its number. */
START_TEST(what_becomes_anothers_meanwhile_is_not_copied)
{
    struct gnttab_copy *op = (void *)guest_args;

    start(1);
    giver = 0;
    given = data[0][0];
    fake_switch_to(d[0]->vcpus[0]);
    *op = (struct gnttab_copy){ .source = { .u.gmfn = given.v, .domid = DOMID_SELF },
                                .dest = { .u.gmfn = data[0][1].v, .domid = DOMID_SELF },
                                .len = 8 };
    fake_at_swap = change_hands;
    ck_assert_int_eq(grant_op(GNTTABOP_copy, 1), 0);
    ck_assert_int_eq(op->status, GNTST_bad_page);
    given_to_third_for_good();
}
END_TEST

/* What takes the mapping's place is another frame: were it the mapping itself, the entry could stay. */
START_TEST(a_mapping_does_not_replace_itself)
{
    struct gnttab_unmap_and_replace *op = (void *)guest_args;

    start(1);
    grant_to_first(0);
    make_root();
    struct gnttab_map_grant_ref *map = (void *)guest_args;
    *map = (struct gnttab_map_grant_ref){ .host_addr = 3 * PAGE_SIZE, .flags = GNTMAP_host_map, .dom = 2 };
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, 1), 0);
    ck_assert_int_eq(map->status, GNTST_okay);
    replace_at(3, 3, map->handle);
    ck_assert_int_eq(op->status, GNTST_general_error);
    ck_assert(!slot_is_empty(0, 3));
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    audit_ok();
}
END_TEST

/* A page of ours that nobody got to see (another vCPU made the table longer first) does not keep the id for ever. */
START_TEST(pages_of_ours_that_were_not_wanted_are_not_waited_for)
{
    start(1);
    domain_special_page_free(d[0], domain_special_page_alloc(d[0]));
    destroy(0);
    fake_switch_to(d[1]->vcpus[0]);
    fake_rest();
    ck_assert_ptr_null(domain_by_id(1));
    ck_assert(!domain_id_lingers(1));
}
END_TEST

/* A frame that somebody still maps is not pinned again after the pins of a domain that dies have gone. */
START_TEST(who_dies_is_not_pinned)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE };

    start(1);
    grant_to_first(0);
    ck_assert_int_eq(map_at(0, GNTMAP_host_map | GNTMAP_readonly)->status, GNTST_okay);
    destroy(1);
    ck_assert_ptr_eq(domain_by_id(2), d[1]);
    d[0]->privileged = true;
    fake_switch_to(d[0]->vcpus[0]);
    op.arg1.mfn = data[1][0].v;
    memcpy(guest_args, &op, sizeof(op));
    ck_assert_int_eq(hypercall(hypercall_mmuext_op, GUEST_ARGS, 1, 0, 2), -XEN_ESRCH);
    guest_args[0] = data[1][0].v << PAGE_SHIFT;
    guest_args[1] = 0;
    ck_assert_int_eq(hypercall(hypercall_mmu_update, GUEST_ARGS, 1, 0, 3UL << 16 | 2), -XEN_ESRCH);
    ck_assert_int_eq(unmap_at(0, 0), GNTST_okay);
    fake_rest();
    ck_assert_ptr_null(domain_by_id(2));
}
END_TEST

/* However often something else turns up, each call comes a bit further. */
START_TEST(the_end_of_a_user_comes_nearer_with_each_call)
{
    unsigned calls = 0;

    start(1);
    grant_to_first(0);
    ck_assert_int_eq(map_at(0, GNTMAP_host_map)->status, GNTST_okay);
    fake_switch_to(keeper->vcpus[0]);
    fake_preempt(1);
    while (domain_destroy(d[0]) == HYPERCALL_CONTINUE) {
        ck_assert_uint_lt(calls++, 1000);
        fake_rest();
    }
    fake_preempt(0);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
}
END_TEST

/* A granter can let a frame be a table that is being taken apart again and again: its user is told to come again later,
 * and does not wait within the call. */
START_TEST(who_takes_tables_apart_is_not_waited_for)
{
    unsigned asked = 1;

    start(1);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        words_of(data[1][0])[i] = entry_of(data[1][1], RO);
    fake_switch_to(d[1]->vcpus[0]);
    ck_assert_int_eq(page_type_get(frame_at(data[1][0]), TYPE_L1), 0);
    page_type_put(frame_at(data[1][0]));
    grant_to_first(0);
    fake_preempt(1);
    struct gnttab_map_grant_ref *op = map_at(0, GNTMAP_host_map);
    ck_assert_int_eq(op->status, GNTST_eagain);
    ck_assert_uint_eq(hypercall_repeats, 0);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    while (map_at(0, GNTMAP_host_map)->status == GNTST_eagain)
        ck_assert_uint_lt(asked++, 16);
    ck_assert_int_eq(op->status, GNTST_okay);
    fake_preempt(0);
    audit_ok();
}
END_TEST

/* Entries of two tables, by turns and in a row, in one call. */
START_TEST(a_call_goes_from_table_to_table)
{
    struct gnttab_map_grant_ref *op = (void *)guest_args;
    const unsigned slots[] = { 0, 1, SLOTS, 2, SLOTS + 1, SLOTS + 2 };
    uint32_t handles[ARRAY_SIZE(slots)];
    mfn_t second;

    start(1);
    grant_to_first(0);
    fake_switch_to(d[0]->vcpus[0]);
    second = new_frame(d[0]);
    ck_assert_int_eq(pin(1, second), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        uint64_t at = ((slots[i] < SLOTS ? l1[0] : second).v << PAGE_SHIFT) + slots[i] % SLOTS * 8;
        op[i] = (struct gnttab_map_grant_ref){ .host_addr = at,
                                               .flags = GNTMAP_host_map | GNTMAP_contains_pte,
                                               .dom = 2 };
    }
    ck_assert_int_eq(grant_op(GNTTABOP_map_grant_ref, ARRAY_SIZE(slots)), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        ck_assert_int_eq(op[i].status, GNTST_okay);
        handles[i] = op[i].handle;
    }
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(pte_mfn(words_of(l1[0])[i]).v, data[1][0].v);
        ck_assert_uint_eq(pte_mfn(words_of(second)[i]).v, data[1][0].v);
    }
    audit_ok();
    struct gnttab_unmap_grant_ref *back = (void *)guest_args;
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        uint64_t at = ((slots[i] < SLOTS ? l1[0] : second).v << PAGE_SHIFT) + slots[i] % SLOTS * 8;
        back[i] = (struct gnttab_unmap_grant_ref){ .host_addr = at, .handle = handles[i] };
    }
    ck_assert_int_eq(grant_op(GNTTABOP_unmap_grant_ref, ARRAY_SIZE(slots)), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
        ck_assert_int_eq(back[i].status, GNTST_okay);
    ck_assert_uint_eq(entry_of_ref(1, 0)->flags, GTF_permit_access);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { entries_say_who_uses_what, .rounds = 6 },
        { an_array_may_be_empty_but_not_in_our_part },
        { handles_are_limited },
        { pages_of_ours_and_no_pages_cannot_be_granted },
        { no_frame_of_others_can_be_copied_by_number },
        { flags_without_meaning_do_not_outlive_the_user },
        { both_parts_may_go_by_two_operations_of_a_call },
        { a_handle_is_none_before_the_mapping_is_made },
        { unmap_wants_an_entry_of_the_same_rights },
        { tlbs_forget_before_the_granter_is_told, .rounds = 3 },
        { tlbs_forget_what_is_replaced_before_the_granter_is_told },
        { an_entry_in_use_stays_what_it_was, .rounds = 2 },
        { what_becomes_anothers_meanwhile_is_not_mapped, .rounds = 2 },
        { what_becomes_anothers_meanwhile_is_not_copied },
        { a_mapping_does_not_replace_itself },
        { pages_of_ours_that_were_not_wanted_are_not_waited_for },
        { who_dies_is_not_pinned },
        { the_end_of_a_user_comes_nearer_with_each_call },
        { who_takes_tables_apart_is_not_waited_for },
        { a_call_goes_from_table_to_table },
    };
    return RUN_TESTS("grant/grants", tests);
}
