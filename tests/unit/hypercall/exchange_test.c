/* SPDX-License-Identifier: MIT */
/*
 * Frames for other frames: as many as before, the old ones gone, the new ones told; and after a
 * failure all that was not counted as done is as it was. ABI: XENMEM_exchange, <xen/memory.h>;
 * XSA-212
 */
#include <xen/memory.h>
#include "run.h"
#include "paging.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include <string.h>

#define FRAMES 1024U
#define OWN    256U /* frames of the domain */
#define IN     0x100000UL
#define OUT    0x200000UL
#define PFN    7000U /* of the first new frame */

static struct domain *d;
static xen_pfn_t in[OWN], out[OWN];
static mfn_t own[OWN];

static void start(void)
{
    d = paging_start(FRAMES);
    fake_guest_map(IN, in, sizeof(in));
    fake_guest_map(OUT, out, sizeof(out));
    for (unsigned i = 0; i < OWN; i++) {
        own[i] = new_frame(d);
        m2p_set(own[i], i);
        in[i] = own[i].v;
        out[i] = PFN + i;
    }
    audit_ok(); /* it keeps a page once it has run */
}

static struct xen_memory_exchange order(uint64_t nr_in, unsigned order_in, uint64_t nr_out,
                                        unsigned order_out)
{
    struct xen_memory_exchange e = {
        .in = { .nr_extents = nr_in, .extent_order = order_in, .domid = DOMID_SELF },
        .out = { .nr_extents = nr_out, .extent_order = order_out, .domid = DOMID_SELF },
    };

    e.in.extent_start.p = (xen_pfn_t *)IN;
    e.out.extent_start.p = (xen_pfn_t *)OUT;
    return e;
}

static long exchange(struct xen_memory_exchange *e)
{
    memcpy(guest_args, e, sizeof(*e));
    long rc = hypercall(hypercall_memory_op, XENMEM_exchange, GUEST_ARGS, 0, 0);
    memcpy(e, guest_args, sizeof(*e));
    return rc;
}

static uint64_t all_there(void)
{
    return frames_free() + d->memory.nr_pages;
}

/* New frames of that order, from out[0] on: the domain's, known to nobody else, and told. */
static void check_new(unsigned nr, unsigned extent_order, uint64_t pfn)
{
    for (unsigned i = 0; i < nr; i++) {
        ck_assert_uint_eq(out[i] & ((1UL << extent_order) - 1), 0);
        for (uint64_t j = 0; j < 1UL << extent_order; j++) {
            mfn_t m = mfn(out[i] + j);
            ck_assert_uint_eq(frame_at(m)->owner, d->id);
            ck_assert_uint_eq(frame_at(m)->state, FRAME_ALLOCATED | FRAME_REF_ONE);
            ck_assert_uint_eq(m2p_get(m), pfn + i + j);
        }
    }
}

static void check_kept(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        ck_assert_uint_eq(frame_at(own[i])->owner, d->id);
        ck_assert_uint_eq(frame_at(own[i])->state, FRAME_ALLOCATED | FRAME_REF_ONE);
        ck_assert_uint_eq(m2p_get(own[i]), i);
    }
}

START_TEST(single_frames_become_one_large_one)
{
    start();
    uint64_t all = all_there();
    struct xen_memory_exchange e = order(64, 0, 1, 6);

    ck_assert_int_eq(exchange(&e), 0);
    ck_assert_uint_eq(e.nr_exchanged, 64);
    ck_assert_uint_eq(d->memory.nr_pages, OWN);
    ck_assert_uint_eq(all_there(), all);
    check_new(1, 6, PFN);
    check_kept(64, OWN);
    audit_ok();
    /* And back. */
    in[0] = out[0];
    for (unsigned i = 0; i < 64; i++)
        out[i] = PFN + i;
    e = order(1, 6, 64, 0);
    ck_assert_int_eq(exchange(&e), 0);
    ck_assert_uint_eq(e.nr_exchanged, 1);
    check_new(64, 0, PFN);
    ck_assert_uint_eq(d->memory.nr_pages, OWN);
    ck_assert_uint_eq(all_there(), all);
    audit_ok();
}
END_TEST

START_TEST(low_frames_are_low)
{
    start();
    struct xen_memory_exchange e = order(4, 0, 4, 0);

    for (unsigned i = 0; i < 4; i++)
        in[i] = own[OWN - 1 - i].v;
    /* Room below 2^20 bytes: 256 frames. */
    for (unsigned i = 0; i < OWN / 2 && own[i].v < 256; i++) {
        if (i % 8 == 0) {
            ck_assert(frame_drop_allocation(frame_at(own[i])));
            m2p_set(own[i], M2P_INVALID);
        }
    }
    e.out.mem_flags = XENMEMF_address_bits(20);
    ck_assert_int_eq(exchange(&e), 0);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_lt(out[i], 256);
    check_new(4, 0, PFN);
    e.nr_exchanged = 0;
    e.out.mem_flags = XENMEMF_address_bits(PAGE_SHIFT); /* of no frame */
    for (unsigned i = 0; i < 4; i++)
        in[i] = own[OWN - 5 - i].v;
    ck_assert_int_eq(exchange(&e), -XEN_ENOMEM);
    ck_assert_uint_eq(e.nr_exchanged, 0);
    check_kept(OWN - 8, OWN - 4);
    audit_ok();
}
END_TEST

START_TEST(what_stops_goes_on)
{
    start();
    uint64_t all = all_there();
    struct xen_memory_exchange e = order(OWN, 0, OWN, 0);

    fake_seed = (uint64_t)_i + 1;
    fake_preempt(2);
    ck_assert_int_eq(exchange(&e), 0);
    fake_preempt(0);
    ck_assert_uint_gt(hypercall_repeats, 10);
    ck_assert_uint_eq(e.nr_exchanged, OWN);
    ck_assert_uint_eq(d->memory.nr_pages, OWN);
    ck_assert_uint_eq(all_there(), all);
    check_new(OWN, 0, PFN);
    audit_ok();
}
END_TEST

/* In steps of eight; the sixth meets what it may not take. */
static void stops_at_44(long error)
{
    struct xen_memory_exchange e = order(64, 0, 8, 3);
    uint64_t all = all_there(), pages = d->memory.nr_pages;

    for (unsigned i = 0; i < 8; i++)
        out[i] = PFN + 8 * i;
    ck_assert_int_eq(exchange(&e), error);
    ck_assert_uint_eq(e.nr_exchanged, 40);
    ck_assert_uint_eq(d->memory.nr_pages, pages);
    ck_assert_uint_eq(all_there(), all);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(m2p_get(mfn(out[i])), PFN + 8 * i);
    for (unsigned i = 5; i < 8; i++)
        ck_assert_uint_eq(out[i], PFN + 8 * i); /* not told of any */
    check_kept(40, 44);
    check_kept(45, OWN);
}

START_TEST(a_frame_in_use_is_not_taken)
{
    start();
    ck_assert(frame_get(frame_at(own[44]), d->id));
    stops_at_44(-XEN_EINVAL);
    frame_put(frame_at(own[44]));
    check_kept(44, 45);
    audit_ok();
}
END_TEST

START_TEST(a_frame_with_a_type_is_not_taken)
{
    start();
    ck_assert_int_eq(page_type_get(frame_at(own[44]), TYPE_WRITABLE), 0);
    stops_at_44(-XEN_EINVAL);
    page_type_put(frame_at(own[44]));
    audit_ok();
}
END_TEST

START_TEST(others_frames_are_not_taken)
{
    start();
    struct domain *other = domain_create(2, 1, 64, false);
    mfn_t theirs = domain_alloc_frames(other, 0, 64);
    const uint64_t bad[] = {
        theirs.v, FRAMES, ~0UL, ~0UL >> 12, virt_to_mfn(d->shared_info).v, virt_to_mfn(d).v
    };

    in[44] = bad[_i];
    stops_at_44(-XEN_EINVAL);
    ck_assert_uint_eq(frame_at(theirs)->state, FRAME_ALLOCATED | FRAME_REF_ONE);
    check_kept(44, 45);
    audit_ok();
}
END_TEST

START_TEST(no_frame_is_taken_twice)
{
    start();
    in[44] = in[41]; /* of the same step */
    stops_at_44(-XEN_EINVAL);
    check_kept(44, 45);
    audit_ok();
}
END_TEST

START_TEST(without_memory_all_stays)
{
    start();
    struct xen_memory_exchange e = order(64, 0, 1, 6);
    mfn_t m;

    do { /* nothing of that order is left, but much that is smaller */
        m = frame_alloc(6, 64);
    } while (m.v != MFN_NONE.v);
    uint64_t all = all_there();
    ck_assert_int_eq(exchange(&e), -XEN_ENOMEM);
    ck_assert_uint_eq(e.nr_exchanged, 0);
    ck_assert_uint_eq(out[0], PFN);
    ck_assert_uint_eq(all_there(), all);
    check_kept(0, OWN);
    audit_ok();
}
END_TEST

/* What cannot be told is the caller's loss, but the machine's books stay right, and so does the
 * quota. */
START_TEST(lists_that_end_early_end_it)
{
    start();
    uint64_t all = all_there();
    struct xen_memory_exchange e = order(8, 0, 8, 0);

    e.in.extent_start.p = (xen_pfn_t *)(IN + (OWN - 4) * 8);
    ck_assert_int_eq(exchange(&e), -XEN_EFAULT);
    ck_assert_uint_eq(e.nr_exchanged, 4);
    check_new(4, 0, PFN);
    e = order(8, 0, 8, 0);
    e.out.extent_start.p = (xen_pfn_t *)(OUT + (OWN - 4) * 8);
    ck_assert_int_eq(exchange(&e), -XEN_EFAULT);
    ck_assert_uint_eq(e.nr_exchanged, 4);
    ck_assert_uint_eq(d->memory.nr_pages, OWN);
    ck_assert_uint_eq(all_there(), all);
    check_kept(8, OWN - 4);
    audit_ok();
}
END_TEST

/* What cannot say how far it came does not go on either. */
START_TEST(an_exchange_that_cannot_be_counted_ends)
{
    start();
    struct xen_memory_exchange e = order(8, 0, 8, 0);

    memcpy(guest_args, &e, sizeof(e));
    fake_read_only = GUEST_ARGS;
    fake_preempt(1);
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_exchange, GUEST_ARGS, 0, 0), -XEN_EFAULT);
    fake_preempt(0);
    fake_read_only = 0;
    check_new(1, 0, PFN);
    check_kept(1, OWN);
    audit_ok();
}
END_TEST

/* XSA-212: nr_exchanged is the guest's word, and an index into lists whose beginning alone was
 * looked at. */
START_TEST(no_index_reaches_the_hypervisor)
{
    start();
    static const struct {
        uint64_t in, out, nr, done;
        long error;
    } rows[] = {
        { IN, HYPERVISOR_START, 1, 0, -XEN_EFAULT },
        { HYPERVISOR_START, OUT, 1, 0, -XEN_EFAULT },
        { IN, HYPERVISOR_END - 8, 1, 0, -XEN_EFAULT },
        { IN, HYPERVISOR_START - 8, 2, 1, -XEN_EFAULT },
        { IN, OUT, (HYPERVISOR_START - OUT) / 8 + 1, (HYPERVISOR_START - OUT) / 8, -XEN_EINVAL },
        { IN, HYPERVISOR_START - (1UL << 38), (1UL << 36), (1UL << 35), -XEN_EFAULT },
        { IN, OUT, 1, 2, -XEN_EINVAL },
        { IN, OUT, 0, 1, -XEN_EINVAL },
        { IN, OUT, 1, ~0UL, -XEN_EINVAL },
        { IN, OUT, 1UL << 61, 1UL << 60, -XEN_EINVAL },
        { IN, OUT, ~0UL, 0, -XEN_EINVAL },
        { IN, ~7UL, 2, 0, -XEN_EFAULT },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct xen_memory_exchange e = order(rows[i].nr, 0, rows[i].nr, 0);
        e.in.extent_start.p = (xen_pfn_t *)rows[i].in;
        e.out.extent_start.p = (xen_pfn_t *)rows[i].out;
        e.nr_exchanged = rows[i].done;
        ck_assert_msg(exchange(&e) == rows[i].error, "row %u", i);
        ck_assert_uint_eq(e.nr_exchanged, rows[i].done);
    }
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_exchange, HYPERVISOR_START, 0, 0),
                     -XEN_EFAULT);
    ck_assert_int_eq(hypercall(hypercall_memory_op, XENMEM_exchange, 0x1000, 0, 0), -XEN_EFAULT);
    check_kept(0, OWN);
    audit_ok();
}
END_TEST

START_TEST(what_is_no_exchange_is_refused)
{
    start();
    static const struct {
        uint64_t nr_in, nr_out;
        unsigned order_in, order_out;
        long error;
    } rows[] = {
        { 4, 3, 0, 0, -XEN_EINVAL },    { 8, 1, 0, 4, -XEN_EINVAL },
        { 2, 2, 1, 1, -XEN_EINVAL },    { 1, 1, 10, 10, -XEN_EPERM },
        { 1024, 1, 0, 10, -XEN_EPERM }, { 1, 1024, 10, 0, -XEN_EPERM },
        { 1, 1, 64, 64, -XEN_EPERM },   { 1, 1, ~0U, 0, -XEN_EPERM },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct xen_memory_exchange e =
            order(rows[i].nr_in, rows[i].order_in, rows[i].nr_out, rows[i].order_out);
        ck_assert_msg(exchange(&e) == rows[i].error, "row %u", i);
    }
    struct xen_memory_exchange e = order(16, 0, 2, 3);
    e.nr_exchanged = 5; /* within a step */
    ck_assert_int_eq(exchange(&e), -XEN_EINVAL);
    e = order(1, 0, 1, 0);
    e.out.domid = 2;
    ck_assert_int_eq(exchange(&e), -XEN_EINVAL);
    domain_create(2, 1, 64, false);
    e.in.domid = 2;
    ck_assert_int_eq(exchange(&e), -XEN_EINVAL);
    check_kept(0, OWN);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { single_frames_become_one_large_one },
        { low_frames_are_low },
        { what_stops_goes_on, .rounds = 4 },
        { a_frame_in_use_is_not_taken },
        { a_frame_with_a_type_is_not_taken },
        { others_frames_are_not_taken, .rounds = 6 },
        { no_frame_is_taken_twice },
        { without_memory_all_stays },
        { lists_that_end_early_end_it },
        { an_exchange_that_cannot_be_counted_ends },
        { no_index_reaches_the_hypervisor },
        { what_is_no_exchange_is_refused },
    };
    return RUN_TESTS("hypercall/exchange", tests);
}
