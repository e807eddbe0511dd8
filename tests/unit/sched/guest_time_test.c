/* SPDX-License-Identifier: MIT */
/*
 * Where a vCPU's time went, and what time it is: sums are never off by a nanosecond, versions are
 * even when the writer has gone, and areas that are not there harm nobody. ABI: struct
 * vcpu_runstate_info, struct vcpu_time_info, wc_* of struct shared_info, VIRQ_TIMER
 */
#include <xen/vcpu.h>
#include "run.h"
#include "fake.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "sched/guest_time.h"
#include "sched/timer.h"
#include <string.h>

#define AREA 0x30000UL
#define ARG  0x40000UL

static struct domain *d;
static struct vcpu *v;
static struct vcpu_runstate_info area;
static struct vcpu_time_info time_area;
static uint8_t arg[64];

static void start(void)
{
    fake_time_ns = 5000;
    fake_machine_start(256);
    fake_guest_map(AREA, &area, sizeof(area));
    fake_guest_map(AREA + 0x1000, &time_area, sizeof(time_area));
    fake_guest_map(ARG, arg, sizeof(arg));
    d = fake_domain(1, 2, 64, true);
    v = d->vcpus[0];
}

static uint64_t sum(const struct vcpu_runstate_info *r)
{
    return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

/* States in any order, also one after itself; each has what a model gives it, and all have all of
 * the time. */
START_TEST(each_state_has_its_time_and_all_have_all_of_it)
{
    uint64_t model[4] = { 0 }, born, entered;
    unsigned state = RUNSTATE_offline;

    start();
    born = entered = fake_time_ns;
    fake_seed = (uint64_t)_i + 1;
    ck_assert_uint_eq(v->runstate.state, RUNSTATE_offline);
    for (unsigned step = 0; step < 5000; step++) {
        fake_time_ns += fake_random() % 3 ? fake_random() % 1000 : 0;
        if (fake_random() % 50 == 0)
            fake_time_ns += 1UL << (fake_random() % 45);
        model[state] += fake_time_ns - entered;
        entered = fake_time_ns;
        state = (unsigned)(fake_random() % 4);
        runstate_change(v, (int)state);
        ck_assert_mem_eq(v->runstate.time, model, sizeof(model));
        ck_assert_int_eq(v->runstate.state, (int)state);
        ck_assert_uint_eq(v->runstate.state_entry_time, fake_time_ns);
        ck_assert_uint_eq(sum(&v->runstate), fake_time_ns - born);
    }
    ck_assert_uint_eq(sum(&d->vcpus[1]->runstate), 0); /* the other's is its own */
}
END_TEST

START_TEST(the_guests_copy_is_whole_and_says_that_it_runs)
{
    start();
    v->runstate_area = AREA;
    d->vm_assist = _i ? 1UL << VMASST_TYPE_runstate_update_flag : 0;
    fake_time_ns += 10;
    runstate_change(v, RUNSTATE_runnable);
    ck_assert(v->work & VCPU_WORK_RUNSTATE);
    fake_time_ns += 200;
    runstate_change(v, RUNSTATE_running);
    runstate_publish(v);
    ck_assert_int_eq(area.state, RUNSTATE_running);
    ck_assert_uint_eq(area.state_entry_time,
                      fake_time_ns); /* without the flag: nobody writes now */
    ck_assert_uint_eq(area.time[RUNSTATE_offline], 10);
    ck_assert_uint_eq(area.time[RUNSTATE_runnable], 200);
    ck_assert_uint_eq(sum(&area), 210);
    v->work = 0;
    v->runstate_area = 0;
    runstate_change(v, RUNSTATE_blocked);
    ck_assert(!(v->work & VCPU_WORK_RUNSTATE)); /* nobody wants to know */
    runstate_publish(v);
    ck_assert_int_eq(area.state, RUNSTATE_running);
}
END_TEST

/* The guest may unmap what it registered, or register the end of what it has. */
START_TEST(an_area_that_is_not_there_harms_nobody)
{
    start();
    v->runstate_area = 0x1000;
    v->time_area = 0x1000;
    runstate_publish(v);
    time_area_publish(v);
    v->runstate_area = AREA + sizeof(area) - 8;
    v->time_area = AREA + 0x1000 + sizeof(time_area) - 8;
    runstate_publish(v);
    time_area_publish(v);
    v->runstate_area = v->time_area = HYPERVISOR_START;
    runstate_publish(v);
    time_area_publish(v);
    ck_assert(!d->crashed);
}
END_TEST

/* Even before, even after, and never the same twice; even if the guest, whose page it is, made it
 * odd. */
START_TEST(versions_are_even_and_new)
{
    start();
    struct vcpu_time_info *t = &v->info->time;

    for (unsigned i = 0; i < 1000; i++) {
        uint32_t before;
        if (i % 7 == 0)
            t->version = (uint32_t)fake_random();
        before = t->version;
        fake_tsc += 1000;
        guest_time_update(v);
        ck_assert_uint_eq(t->version % 2, 0);
        ck_assert_uint_ne(t->version, before);
        ck_assert_uint_eq(t->tsc_timestamp, fake_tsc);
        ck_assert_uint_eq(t->system_time, fake_tsc); /* time_of_tsc of the made-up machine */
    }
    ck_assert_uint_eq(t->tsc_to_system_mul, tsc_mul);
    ck_assert_int_eq(t->tsc_shift, tsc_shift);
    t->version = 0xfffffffe; /* the last even one */
    guest_time_update(v);
    ck_assert_uint_eq(t->version, 0);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t before = d->shared_info->wc_version = (uint32_t)fake_random();
        wallclock_update(d);
        ck_assert_uint_eq(d->shared_info->wc_version % 2, 0);
        ck_assert_uint_ne(d->shared_info->wc_version, before);
    }
}
END_TEST

START_TEST(the_second_copy_of_the_time_is_the_first)
{
    start();
    v->time_area = AREA + 0x1000;
    fake_tsc = 123456;
    guest_time_update(v);
    time_area_publish(v);
    ck_assert_mem_eq(&time_area, &v->info->time, sizeof(time_area));
    ck_assert_uint_eq(time_area.version % 2, 0);
}
END_TEST

/* UTC at system time 0, in every domain, beyond 2038 and 2106 as well. */
START_TEST(the_wall_clock_is_everybodys)
{
    static const uint64_t seconds[] = { 1000000000, 0x7fffffff,  0x80000000,
                                        0xffffffff, 0x100000000, 0x2ffffffff };

    start();
    struct domain *other = domain_create(2, 1, 64, false);
    for (unsigned i = 0; i < ARRAY_SIZE(seconds); i++) {
        wallclock_set(seconds[i], 500, 1000000600); /* a second, and 600 ns */
        for (unsigned n = 0; n < 2; n++) {
            struct shared_info *s = n ? other->shared_info : d->shared_info;
            ck_assert_uint_eq((uint64_t)s->wc_sec_hi << 32 | s->wc_sec, seconds[i] - 2);
            ck_assert_uint_eq(s->wc_nsec, 999999900);
        }
    }
}
END_TEST

static unsigned timer_port;

static void start_timers(void)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

    start();
    memcpy(arg, &bind, sizeof(bind));
    ck_assert_int_eq(hypercall_event_channel_op(EVTCHNOP_bind_virq, ARG, 0, 0, 0), 0);
    memcpy(&bind, arg, sizeof(bind));
    timer_port = bind.port;
}

/* Did the timer's event come since the last look? */
static bool ticked(void)
{
    interrupts_off();
    timers_run();
    interrupts_on();
    bool was = bit_is_set((const uint64_t *)d->shared_info->evtchn_pending, timer_port);
    memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
    return was;
}

START_TEST(a_single_shot_comes_once_and_not_early)
{
    start_timers();
    vcpu_set_periodic(v, 0);
    ck_assert_int_eq(hypercall_set_timer_op(fake_time_ns + 1000, 0, 0, 0, 0), 0);
    fake_time_ns += 999;
    ck_assert(!ticked());
    fake_time_ns += 1;
    ck_assert(ticked());
    fake_time_ns += 100000;
    ck_assert(!ticked());
    vcpu_set_singleshot(v, 1); /* long past: at once */
    ck_assert(ticked());
    hypercall_set_timer_op(fake_time_ns + 10, 0, 0, 0, 0);
    hypercall_set_timer_op(0, 0, 0, 0, 0); /* none */
    fake_time_ns += 100;
    ck_assert(!ticked());
    hypercall_set_timer_op(fake_time_ns + 10, 0, 0, 0, 0);
    hypercall_set_timer_op(fake_time_ns + 500, 0, 0, 0, 0); /* it moves: there is one */
    fake_time_ns += 100;
    ck_assert(!ticked());
    fake_time_ns += 400;
    ck_assert(ticked());
}
END_TEST

START_TEST(ticks_come_each_period_and_are_not_made_up_for)
{
    start_timers();
    vcpu_set_periodic(v, 1000);
    for (unsigned i = 0; i < 10; i++) {
        fake_time_ns += 999;
        ck_assert(!ticked());
        fake_time_ns += 1;
        ck_assert(ticked());
    }
    fake_time_ns += 50500; /* nobody looked for fifty of them */
    ck_assert(ticked());
    ck_assert(!ticked());
    ck_assert_uint_gt(fake_timer_ns[0], fake_time_ns);
    ck_assert_uint_le(fake_timer_ns[0], fake_time_ns + 1000);
    vcpu_set_periodic(v, 0);
    fake_time_ns += 100000;
    ck_assert(!ticked());
    ck_assert_uint_eq(fake_timer_ns[0], ~0UL);
    vcpu_set_periodic(v, 1000);
    vcpu_set_singleshot(v, fake_time_ns + 500);
    vcpu_timers_stop(v);
    fake_time_ns += 100000;
    ck_assert(!ticked());
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { each_state_has_its_time_and_all_have_all_of_it, .rounds = 4 },
        { the_guests_copy_is_whole_and_says_that_it_runs, .rounds = 2 },
        { an_area_that_is_not_there_harms_nobody },
        { versions_are_even_and_new },
        { the_second_copy_of_the_time_is_the_first },
        { the_wall_clock_is_everybodys },
        { a_single_shot_comes_once_and_not_early },
        { ticks_come_each_period_and_are_not_made_up_for },
    };
    return RUN_TESTS("sched/guest_time", tests);
}
