/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange while another vCPU of the domain tries to keep what is given, or to get more than the
 * quota: at each moment that the exchange touches guest memory, the other one has its turn.
 */
#include <xen/memory.h>
#include "run.h"
#include "paging.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"

#define IN   (GUEST_ARGS + 1024)
#define OUT  (GUEST_ARGS + 2048)
#define NR   4U

static struct domain *d;
static mfn_t table, in[NR];
static unsigned turns;

static void start(void)
{
    d = paging_start(256);
    table = new_frame(d);
    ck_assert_int_eq(pin(1, table), 0);
    for (unsigned i = 0; i < NR; i++) {
        in[i] = new_frame(d);
        guest_args[1024 / 8 + i] = in[i].v;
        guest_args[2048 / 8 + i] = 100 + i;
    }
    ck_assert_int_eq(set_entry_of(table, 0, entry_of(in[0], RW)), 0);
    ck_assert_int_eq(set_entry_of(table, 0, 0), 0); /* in[0] was writable, and TLBs may know it */
    d->memory.max_pages = d->memory.nr_pages;
}

/* Four single frames for one extent of order 2. */
static long exchange(void)
{
    struct xen_memory_exchange e = {
        .in = { .nr_extents = NR, .domid = DOMID_SELF },
        .out = { .nr_extents = 1, .extent_order = 2, .domid = DOMID_SELF },
    };

    e.in.extent_start.p = (void *)IN;
    e.out.extent_start.p = (void *)OUT;
    __builtin_memcpy(guest_args, &e, sizeof(e));
    return hypercall(hypercall_memory_op, XENMEM_exchange, GUEST_ARGS, 0, 0);
}

static bool taken(mfn_t m)
{
    return frame_at(m)->owner == d->id && !(frame_at(m)->state & FRAME_REFS);
}

static void grab(void)
{
    uint64_t *entry = words_of(table);

    turns++;
    for (unsigned i = 0; i < NR; i++) {
        if (!taken(in[i]))
            continue;
        ck_assert(!frame_get(frame_at(in[i]), d->id));
        ck_assert(!domain_give_up_frame(d, in[i]));
        ck_assert(!domain_name_frame(d, in[i], 5));
        ck_assert_int_lt(l1_entry_change(d, d->id, entry, 0, entry_of(in[i], RW), ENTRY_REPLACE), 0);
        ck_assert_int_lt(l1_entry_change(d, d->id, entry, 0, entry_of(in[i], RO), ENTRY_REPLACE), 0);
        ck_assert_int_lt(page_type_get(frame_at(in[i]), TYPE_L1), 0);
    }
    ck_assert_uint_eq(domain_alloc_frames(d, 0, 64).v, MFN_NONE.v);
    ck_assert_uint_eq(d->memory.nr_pages, d->memory.max_pages);
}

START_TEST(what_is_being_given_cannot_be_kept)
{
    start();
    uint64_t pages = d->memory.nr_pages, free = frames_free();

    fake_meanwhile = grab;
    ck_assert_int_eq(exchange(), 0);
    fake_meanwhile = NULL;
    ck_assert_uint_gt(turns, NR);
    ck_assert_uint_eq(d->memory.nr_pages, pages);
    ck_assert_uint_eq(frames_free(), free);
    mfn_t m = mfn(guest_args[2048 / 8]);
    for (unsigned i = 0; i < NR; i++) {
        ck_assert_uint_eq(frame_at(mfn(m.v + i))->owner, d->id);
        ck_assert_uint_eq(refs_of(mfn(m.v + i)), 1);
        ck_assert_uint_eq(m2p_get(mfn(m.v + i)), 100 + i);
    }
    audit_ok();
}
END_TEST

START_TEST(an_exchange_that_fails_gives_all_back_as_it_was)
{
    start();
    uint64_t before[NR];

    for (unsigned i = 0; i < NR; i++)
        before[i] = frame_at(in[i])->state & ~FRAME_VALID;
    fake_meanwhile = grab;
    guest_args[1024 / 8 + 3] = table.v; /* in use */
    ck_assert_int_eq(exchange(), -XEN_EINVAL);
    guest_args[1024 / 8 + 3] = in[2].v; /* twice */
    ck_assert_int_eq(exchange(), -XEN_EINVAL);
    guest_args[1024 / 8 + 3] = in[3].v;
    fake_meanwhile = NULL;
    while (frame_alloc(2, 64).v != MFN_NONE.v)
        ;
    ck_assert_int_eq(exchange(), -XEN_ENOMEM);
    for (unsigned i = 0; i < NR; i++)
        ck_assert_uint_eq(frame_at(in[i])->state & ~FRAME_VALID, before[i]);
    /* What may linger in a TLB is still known. */
    unsigned flushes = fake_flushes;
    ck_assert_int_eq(pin(1, in[0]), 0);
    ck_assert_uint_gt(fake_flushes, flushes);
    audit_ok();
}
END_TEST

/* Gives the new frame up before it has its name: it may be another domain's by then. */
static void give_up_new_frame(void)
{
    for (uint64_t n = 0; n < max_mfn; n++) {
        struct frame *f = frame_at(mfn(n));
        if (f->owner == d->id && (f->state & FRAME_ALLOCATED) && n != table.v && m2p_get(mfn(n)) == M2P_INVALID &&
            n != in[0].v && n != in[1].v && n != in[2].v && n != in[3].v)
            ck_assert(domain_give_up_frame(d, mfn(n)));
    }
}

START_TEST(a_new_frame_that_is_given_up_at_once_gets_no_name)
{
    start();
    fake_meanwhile = give_up_new_frame;
    ck_assert_int_eq(exchange(), 0);
    fake_meanwhile = NULL;
    ck_assert_uint_eq(m2p_get(mfn(guest_args[2048 / 8])), M2P_INVALID);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { what_is_being_given_cannot_be_kept },
        { an_exchange_that_fails_gives_all_back_as_it_was },
        { a_new_frame_that_is_given_up_at_once_gets_no_name },
    };
    return RUN_TESTS("hypercall/exchange_race", tests);
}
