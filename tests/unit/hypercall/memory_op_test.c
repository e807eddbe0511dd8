/* SPDX-License-Identifier: MIT */
/*
 * Memory given and taken extent by extent: the answer counts what was done, however it ends, and
 * neither the quota nor the frames lose or gain anything besides. ABI: memory_op, <xen/memory.h>
 */
#include <xen/memory.h>
#include "run.h"
#include "paging.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include <string.h>

#define FRAMES  512U
#define LIST    0x100000UL
#define EXTENTS 256U

static struct domain *d;
static xen_pfn_t list[EXTENTS];

static void start(void)
{
    d = paging_start(FRAMES); /* up to three quarters of the frames */
    fake_guest_map(LIST, list, sizeof(list));
}

static struct xen_memory_reservation reservation(uint64_t nr, unsigned order, uint64_t at)
{
    struct xen_memory_reservation r = { .nr_extents = nr,
                                        .extent_order = order,
                                        .domid = DOMID_SELF };

    r.extent_start.p = (xen_pfn_t *)at;
    return r;
}

static long memory_op(unsigned cmd, const struct xen_memory_reservation *r)
{
    memcpy(guest_args, r, sizeof(*r));
    return hypercall(hypercall_memory_op, cmd, GUEST_ARGS, 0, 0);
}

static long many(unsigned cmd, uint64_t nr, unsigned order)
{
    struct xen_memory_reservation r = reservation(nr, order, LIST);

    return memory_op(cmd, &r);
}

/* Nothing is lost: what the domain has and what is free make up what was there. */
static uint64_t all_there(void)
{
    return frames_free() + d->memory.nr_pages;
}

START_TEST(populate_gives_frames_and_decrease_takes_them)
{
    start();
    audit_ok(); /* it keeps a page once it has run */
    uint64_t before = frames_free(), all = all_there();

    for (unsigned i = 0; i < 10; i++)
        list[i] = 1000 + i * 4;
    ck_assert_int_eq(many(XENMEM_populate_physmap, 10, 2), 10);
    ck_assert_uint_eq(d->memory.nr_pages, 40);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_uint_eq(list[i] % 4, 0);
        for (unsigned j = 0; j < 4; j++) {
            ck_assert_uint_eq(m2p_get(mfn(list[i] + j)), 1000 + i * 4 + j);
            ck_assert_uint_eq(frame_at(mfn(list[i] + j))->owner, d->id);
            ck_assert_uint_eq(refs_of(mfn(list[i] + j)), 1);
        }
    }
    ck_assert_uint_eq(all_there(), all);
    audit_ok();
    ck_assert_int_eq(many(XENMEM_decrease_reservation, 10, 2), 10);
    ck_assert_uint_eq(d->memory.nr_pages, 0);
    ck_assert_uint_eq(frames_free(), before);
    ck_assert_uint_eq(m2p_get(mfn(list[0])), M2P_INVALID);
    audit_ok();
}
END_TEST

START_TEST(the_quota_ends_it_with_a_short_count)
{
    start();
    d->memory.max_pages = 21;
    ck_assert_int_eq(many(XENMEM_increase_reservation, 10, 2), 5);
    ck_assert_uint_eq(d->memory.nr_pages, 20);
    ck_assert_int_eq(many(XENMEM_increase_reservation, 10, 2), 0);
    ck_assert_int_eq(many(XENMEM_increase_reservation, 2, 0), 1);
    ck_assert_uint_eq(d->memory.nr_pages, 21);
    audit_ok();
}
END_TEST

START_TEST(the_machine_ends_it_with_a_short_count)
{
    start();
    uint64_t all = all_there();

    d->memory.max_pages = 2 * FRAMES;
    long got = many(XENMEM_increase_reservation, EXTENTS, 1);
    ck_assert_int_gt(got, 0);
    ck_assert_int_lt(got, EXTENTS);
    ck_assert_uint_eq(d->memory.nr_pages, 2 * (uint64_t)got);
    ck_assert_uint_lt(frames_free(), FRAMES);
    ck_assert_int_eq(many(XENMEM_increase_reservation, 1, 1), 0);
    ck_assert_uint_eq(all_there(), all);
    audit_ok();
}
END_TEST

/* Stopped wherever work turns up, it goes on where it was: nothing twice, nothing left out. */
START_TEST(what_stops_goes_on)
{
    start();
    fake_seed = (uint64_t)_i + 1;
    for (unsigned i = 0; i < EXTENTS; i++)
        list[i] = 5000 + i;
    fake_preempt(2);
    ck_assert_int_eq(many(XENMEM_populate_physmap, EXTENTS, 0), EXTENTS);
    ck_assert_uint_gt(hypercall_repeats, 10);
    ck_assert_uint_eq(d->memory.nr_pages, EXTENTS);
    for (unsigned i = 0; i < EXTENTS; i++)
        ck_assert_uint_eq(m2p_get(mfn(list[i])), 5000 + i);
    ck_assert_int_eq(many(XENMEM_decrease_reservation, EXTENTS, 0), EXTENTS);
    ck_assert_uint_gt(hypercall_repeats, 10);
    ck_assert_uint_eq(d->memory.nr_pages, 0);
    fake_preempt(0);
    audit_ok();
}
END_TEST

START_TEST(a_frame_is_given_back_once_and_by_its_owner)
{
    start();
    struct domain *other = domain_create(2, 1, 64, false);
    mfn_t theirs = domain_alloc_frames(other, 0, 64), ours = new_frame(d), last = new_frame(d);
    const uint64_t bad[] = {
        theirs.v,         FRAMES, 0xfffffffffffUL, ~0UL, virt_to_mfn(d->shared_info).v,
        virt_to_mfn(d).v, ours.v
    };

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        list[0] = ours.v;
        list[1] = bad[i];
        list[2] = last.v;
        if (i > 0)
            ours = new_frame(d), list[0] = ours.v;
        if (i == ARRAY_SIZE(bad) - 1)
            list[1] = ours.v; /* twice */
        ck_assert_msg(many(XENMEM_decrease_reservation, 3, 0) == 1, "row %u", i);
        ck_assert_uint_eq(refs_of(last), 1); /* what comes behind is untouched */
    }
    ck_assert_uint_eq(refs_of(theirs), 1);
    ck_assert_uint_eq(d->memory.nr_pages, 1);
    ck_assert_uint_eq(other->memory.nr_pages, 1);
    audit_ok();
}
END_TEST

/* The allocation goes at once, the frame when its last user does. */
START_TEST(a_frame_in_use_stays_until_it_is_not)
{
    start();
    mfn_t data = new_frame(d), l1 = new_frame(d);

    words_of(l1)[0] = entry_of(data, RW);
    ck_assert_int_eq(pin(1, l1), 0);
    list[0] = data.v;
    ck_assert_int_eq(many(XENMEM_decrease_reservation, 1, 0), 1);
    ck_assert_uint_eq(refs_of(data), 0); /* its mapping counts as type */
    ck_assert_uint_eq(count_of(data), 1);
    ck_assert_uint_eq(d->memory.nr_pages, 2);
    ck_assert_int_eq(many(XENMEM_decrease_reservation, 1, 0), 0); /* not again */
    audit_ok();
    ck_assert_int_eq(set_entry_of(l1, 0, 0), 0);
    ck_assert_uint_eq(d->memory.nr_pages, 1);
    audit_ok();
}
END_TEST

/* Lists that begin well and end in nothing, and answers that cannot be written. */
START_TEST(lists_that_end_early_end_it)
{
    start();
    struct xen_memory_reservation r = reservation(8, 0, LIST + sizeof(list) - 4 * 8);
    uint64_t all = all_there();

    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 4);
    ck_assert_uint_eq(d->memory.nr_pages, 4); /* the fifth was taken back */
    ck_assert_int_eq(memory_op(XENMEM_decrease_reservation, &r), 4);
    ck_assert_int_eq(memory_op(XENMEM_populate_physmap, &r), 4);
    ck_assert_int_eq(memory_op(XENMEM_decrease_reservation, &r), 4);
    ck_assert_uint_eq(d->memory.nr_pages, 0);
    r = reservation(3, 0, 0); /* nothing is told */
    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 3);
    ck_assert_uint_eq(d->memory.nr_pages, 3);
    ck_assert_uint_eq(all_there(), all);
    audit_ok();
}
END_TEST

/* XSA-212: the list's end counts as well as its beginning, for each index that can be reached. */
START_TEST(lists_in_the_hypervisor_are_refused)
{
    start();
    static const struct {
        uint64_t at, nr, first;
    } rows[] = {
        { HYPERVISOR_START, 1, 0 },
        { HYPERVISOR_END - 8, 1, 0 },
        { HYPERVISOR_START - 8, 2, 0 },
        { HYPERVISOR_START - 8, 2, 1 }, /* begun behind the part that is the guest's */
        { LIST, (HYPERVISOR_START - LIST) / 8 + 1, 0 },
        { LIST, (HYPERVISOR_START - LIST) / 8 + 1, 5 },
        { LIST, 1UL << 61, 0 }, /* the product overflows */
        { LIST, ~0UL, 0 },
        { ~7UL, 2, 0 },
        { LIST, 4, 5 }, /* begun behind its end */
        { LIST, 4, (1UL << 58) - 1 },
    };

    new_frame(d);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned cmd = XENMEM_increase_reservation; cmd <= XENMEM_populate_physmap; cmd++) {
            struct xen_memory_reservation r = reservation(rows[i].nr, 0, rows[i].at);
            if (cmd != XENMEM_increase_reservation && cmd != XENMEM_decrease_reservation &&
                cmd != XENMEM_populate_physmap)
                continue;
            memcpy(guest_args, &r, sizeof(r));
            long rc = hypercall_memory_op(cmd | rows[i].first << 6, GUEST_ARGS, 0, 0, 0);
            ck_assert_msg(rc == (long)rows[i].first, "row %u, command %u: %ld", i, cmd, rc);
        }
    }
    ck_assert_uint_eq(d->memory.nr_pages, 1);
    audit_ok();
}
END_TEST

START_TEST(sizes_and_places_are_limited)
{
    start();
    static const unsigned orders[] = { 10, 18, 31, 32, 63, 64, ~0U };

    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        ck_assert_int_eq(many(XENMEM_increase_reservation, 1, orders[i]), 0);
        ck_assert_int_eq(many(XENMEM_decrease_reservation, 1, orders[i]), 0);
        ck_assert_int_eq(many(XENMEM_populate_physmap, 1, orders[i]), 0);
    }
    struct xen_memory_reservation r = reservation(200, 0, LIST);
    r.mem_flags = XENMEMF_address_bits(PAGE_SHIFT + 6); /* 64 frames, and some are ours */
    long got = memory_op(XENMEM_increase_reservation, &r);
    ck_assert_int_gt(got, 0);
    ck_assert_int_le(got, 64);
    for (long i = 0; i < got; i++)
        ck_assert_uint_lt(list[i], 64);
    ck_assert_uint_eq(d->memory.nr_pages, (uint64_t)got);
    r.mem_flags = XENMEMF_address_bits(3); /* of no frame */
    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 0);
    audit_ok();
}
END_TEST

START_TEST(others_memory_is_for_the_privileged)
{
    start();
    struct domain *other = domain_create(2, 1, 64, false);
    struct xen_memory_reservation r = reservation(4, 0, LIST);
    domid_t id = 2;

    r.domid = 2;
    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 0);
    ck_assert_uint_eq(other->memory.nr_pages, 0);
    memcpy(guest_args, &id, sizeof(id));
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_maximum_reservation, GUEST_ARGS, 0, 0),
                     -XEN_EPERM);
    d->privileged = true;
    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 4);
    ck_assert_uint_eq(other->memory.nr_pages, 4);
    ck_assert_uint_eq(d->memory.nr_pages, 0);
    ck_assert_uint_eq(frame_at(mfn(list[3]))->owner, 2);
    memcpy(guest_args, &id, sizeof(id));
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_current_reservation, GUEST_ARGS, 0, 0),
                     4);
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_maximum_reservation, GUEST_ARGS, 0, 0),
                     64);
    r.domid = 7;
    ck_assert_int_eq(memory_op(XENMEM_increase_reservation, &r), 0);
    audit_ok();
}
END_TEST

START_TEST(questions_and_what_is_none)
{
    start();
    uint64_t map[2] = { 0 };
    struct xen_memory_map m = { .nr_entries = 1 };

    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_maximum_ram_page, 0, 0, 0), FRAMES);
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_machphys_mapping, GUEST_ARGS, 0, 0), 0);
    memcpy(map, guest_args, sizeof(map));
    ck_assert_uint_eq(map[0], M2P_BASE);
    ck_assert_uint_eq(map[1], M2P_END);
    ck_assert_int_eq(
        hypercall(hypercall_memory_op, XENMEM_machphys_mapping, HYPERVISOR_START, 0, 0),
        -XEN_EFAULT);
    ck_assert_int_eq(
        hypercall(hypercall_memory_op, XENMEM_current_reservation, HYPERVISOR_START, 0, 0),
        -XEN_EFAULT);
    memcpy(guest_args, &m, sizeof(m));
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_machine_memory_map, GUEST_ARGS, 0, 0),
                     -XEN_EPERM);
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_add_to_physmap, GUEST_ARGS, 0, 0),
                     -XEN_EACCES);
    ck_assert_int_eq(hypercall(hypercall_memory_op, 63, GUEST_ARGS, 0, 0), -XEN_ENOSYS);
    /* Whose arguments cannot be read has done nothing: a count, and no error. */
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_decrease_reservation, 0x1000, 0, 0), 0);
}
END_TEST

static long claim(const struct domain *of, uint64_t nr)
{
    struct xen_memory_reservation r = { .nr_extents = nr, .domid = of->id };

    return memory_op(XENMEM_claim_pages, &r);
}

/* However many pages are asked for: the sum with what others were promised is no small number. */
START_TEST(claims_do_not_overflow)
{
    start();
    struct domain *other = domain_create(2, 1, ~0UL, false);

    d->privileged = true;
    ck_assert_int_eq(claim(d, 100), 0);
    ck_assert_int_eq(claim(other, ~0UL), -XEN_ENOMEM);
    ck_assert_int_eq(claim(other, ~0UL - 50), -XEN_ENOMEM);
    ck_assert_uint_eq(domain_claims(), 100);
    ck_assert_int_eq(claim(other, frames_free() - 99), -XEN_ENOMEM);
    ck_assert_int_eq(claim(other, frames_free() - 100), 0);
    ck_assert_int_eq(claim(other, 0), 0);
    ck_assert_int_eq(claim(d, 0), 0);
    ck_assert_uint_eq(domain_claims(), 0);
}
END_TEST

/* One claim at a time, for what the domain has not got and may have; 0 ends it, and is always right. */
START_TEST(claims_are_for_what_a_domain_may_get)
{
    start();
    struct domain *other = domain_create(2, 1, 64, false);

    d->privileged = true;
    ck_assert_int_eq(claim(other, 0), 0);
    ck_assert_int_eq(claim(other, 65), -XEN_EINVAL);
    ck_assert_int_eq(claim(other, 64), 0);
    ck_assert_int_eq(claim(other, 10), -XEN_EINVAL);
    ck_assert_uint_eq(domain_claims(), 64);
    ck_assert_int_eq(claim(other, 0), 0);
    (void)new_frame(other);
    ck_assert_int_eq(claim(other, 1), -XEN_EINVAL); /* it has one */
    ck_assert_int_eq(claim(other, 2), 0);
    ck_assert_uint_eq(domain_claims(), 1);
    (void)new_frame(other);
    ck_assert_uint_eq(domain_claims(), 0);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { populate_gives_frames_and_decrease_takes_them },
        { the_quota_ends_it_with_a_short_count },
        { the_machine_ends_it_with_a_short_count },
        { what_stops_goes_on, .rounds = 4 },
        { a_frame_is_given_back_once_and_by_its_owner },
        { a_frame_in_use_stays_until_it_is_not },
        { lists_that_end_early_end_it },
        { lists_in_the_hypervisor_are_refused },
        { sizes_and_places_are_limited },
        { others_memory_is_for_the_privileged },
        { questions_and_what_is_none },
        { claims_do_not_overflow },
        { claims_are_for_what_a_domain_may_get },
    };
    return RUN_TESTS("hypercall/memory_op", tests);
}
