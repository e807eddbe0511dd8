/* SPDX-License-Identifier: MIT */
/* The heap of timers against a list that is searched from end to end. */
#include "run.h"
#include "fake.h"
#include "sched/timer.h"

#define TIMERS 64U

static struct timer timers[TIMERS];
static struct {
    bool active;
    uint64_t when;
} model[TIMERS];
static unsigned fired;
static uint64_t last_fired;
static unsigned set_again; /* a timer that sets itself: how often yet */

static void fire(void *arg)
{
    unsigned n = (unsigned)((struct timer *)arg - timers);

    ck_assert(model[n].active);
    ck_assert_uint_le(model[n].when, fake_time_ns);
    ck_assert_uint_ge(model[n].when, last_fired);
    ck_assert(!timers[n].active);
    last_fired = model[n].when;
    model[n].active = false;
    fired++;
}

static uint64_t first_of_model(void)
{
    uint64_t first = ~0UL;

    for (unsigned i = 0; i < TIMERS; i++) {
        if (model[i].active)
            first = MIN(first, model[i].when);
    }
    return first;
}

static void run(void)
{
    unsigned due = 0;

    for (unsigned i = 0; i < TIMERS; i++)
        due += model[i].active && model[i].when <= fake_time_ns;
    fired = 0;
    last_fired = 0;
    interrupts_off();
    timers_run();
    interrupts_on();
    ck_assert_uint_eq(fired, due);
    ck_assert_uint_eq(fake_timer_ns[0], first_of_model());
}

START_TEST(timers_fire_in_order_and_once)
{
    fake_seed = (uint64_t)_i + 1;
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&timers[i], fire, &timers[i]);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned n = (unsigned)(fake_random() % TIMERS);
        switch (fake_random() % 8) {
        case 0:
            timer_stop(&timers[n]);
            model[n].active = false;
            break;
        case 1:
            fake_time_ns += fake_random() % 200;
            run();
            break;
        default:
            model[n].active = true;
            model[n].when = fake_time_ns + fake_random() % 1000;
            timer_set(&timers[n], model[n].when);
            break;
        }
        ck_assert_uint_eq(timers[n].active, model[n].active);
        /* Early is allowed (a timer was moved or stopped), late never. */
        ck_assert_uint_le(fake_timer_ns[0], first_of_model());
    }
    fake_time_ns += 2000;
    run();
    ck_assert_uint_eq(fake_timer_ns[0], ~0UL);
}
END_TEST

START_TEST(a_timer_that_moves_to_another_processor_leaves_the_first)
{
    timer_init(&timers[0], fire, &timers[0]);
    model[0].active = true;
    model[0].when = 100;
    timer_set(&timers[0], 50);
    fake_cpu = 1;
    timer_set(&timers[0], 100);
    ck_assert_uint_eq(fake_timer_ns[1], 100);
    fake_time_ns = 200;
    fake_cpu = 0;
    timers_run();
    ck_assert_uint_eq(fired, 0);
    fake_cpu = 1;
    timers_run();
    ck_assert_uint_eq(fired, 1);
    fake_cpu = 0;
    timer_stop(&timers[0]); /* not active: nothing */
}
END_TEST

static void again(void *arg)
{
    if (set_again) {
        set_again--;
        timer_set(arg, fake_time_ns + 10);
    }
}

START_TEST(a_timer_may_set_itself)
{
    struct timer t;

    timer_init(&t, again, &t);
    set_again = 3;
    timer_set(&t, 0);
    for (unsigned i = 0; i < 3; i++) {
        timers_run();
        ck_assert(t.active);
        ck_assert_uint_eq(fake_timer_ns[0], fake_time_ns + 10);
        fake_time_ns += 10;
    }
    timers_run();
    ck_assert(!t.active);
    ck_assert_uint_eq(fake_timer_ns[0], ~0UL);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { timers_fire_in_order_and_once, .rounds = 4 },
        { a_timer_that_moves_to_another_processor_leaves_the_first },
        { a_timer_may_set_itself },
    };
    return RUN_TESTS("sched/timer", tests);
}
