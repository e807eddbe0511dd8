/* SPDX-License-Identifier: MIT */
/*
 * The serial line's input: whose each character is, the ring between typing and reading, and reads
 * that fail. ABI: console_io, VIRQ_CONSOLE, <xen/xen.h>
 */
#include "run.h"
#include "fake.h"
#include "domain/report.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "sched/schedule.h"
#include <string.h>

#define BUFFER 0x50000UL
#define ARG    0x60000UL
#define RING   512U

static struct domain *d;
static uint8_t buffer[4096], arg[64];
static unsigned port;

/* What is typed and not yet taken from the line. */
static const char *line = "";

int uart_get(void)
{
    return *line ? (uint8_t)*line++ : -1;
}

static char pressed[32];

void report_key(char key)
{
    pressed[strlen(pressed)] = key;
}

static void start(void)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_CONSOLE };

    fake_machine_start(256);
    fake_guest_map(BUFFER, buffer, sizeof(buffer));
    fake_guest_map(ARG, arg, sizeof(arg));
    d = dom0 = fake_domain(0, 1, 64, true);
    memcpy(arg, &bind, sizeof(bind));
    ck_assert_int_eq(hypercall_event_channel_op(EVTCHNOP_bind_virq, ARG, 0, 0, 0), 0);
    memcpy(&bind, arg, sizeof(bind));
    port = bind.port;
}

/* Did VIRQ_CONSOLE come of it? */
static bool type(const char *text)
{
    line = text;
    console_interrupt();
    ck_assert(fake_cpus[0].work & WORK_CONSOLE);
    fake_cpus[0].work = 0;
    interrupts_off();
    console_input();
    interrupts_on();
    ck_assert_str_eq(line, "");
    bool raised = bit_is_set((const uint64_t *)d->shared_info->evtchn_pending, port);
    memset(d->shared_info->evtchn_pending, 0, sizeof(d->shared_info->evtchn_pending));
    return raised;
}

static long read_to(uint64_t at, uint64_t count)
{
    return hypercall_console_io(CONSOLEIO_read, count, at, 0, 0);
}

static void check_read(uint64_t count, const char *expected)
{
    memset(buffer, '#', sizeof(buffer));
    ck_assert_int_eq(read_to(BUFFER, count), (long)strlen(expected));
    ck_assert_mem_eq(buffer, expected, strlen(expected));
    ck_assert_int_eq(buffer[strlen(expected)], '#'); /* and no more */
}

START_TEST(what_is_typed_is_read_in_order)
{
    start();
    check_read(100, "");
    ck_assert(type("mortise"));
    check_read(3, "mor");
    ck_assert(type(" and tenon"));
    check_read(0, "");
    check_read(100, "tise and tenon");
    check_read(100, "");
}
END_TEST

/* Random typing and reading, across the ring's end many times; what does not fit is lost, and only
 * that. */
START_TEST(the_ring_loses_nothing_that_fits)
{
    static char waiting[RING + 1], text[64];
    size_t held = 0;
    char next = 'a';

    start();
    fake_seed = (uint64_t)_i + 1;
    for (unsigned step = 0; step < 5000; step++) {
        size_t n = fake_random() % sizeof(text);
        if (fake_random() % 2) {
            for (size_t i = 0; i < n; i++, next = next == 'z' ? 'a' : (char)(next + 1))
                text[i] = next;
            text[n] = 0;
            size_t fits = MIN(n, RING - held);
            ck_assert_int_eq(type(text), fits > 0);
            memcpy(waiting + held, text, fits);
            held += fits;
        } else {
            size_t expected = MIN(n, held);
            ck_assert_int_eq(read_to(BUFFER, n), (long)expected);
            ck_assert_mem_eq(buffer, waiting, expected);
            memmove(waiting, waiting + expected, held -= expected);
        }
    }
}
END_TEST

START_TEST(a_read_that_fails_takes_nothing)
{
    start();
    type("mortise");
    ck_assert_int_eq(read_to(0x1000, 4), -XEN_EFAULT);
    ck_assert_int_eq(read_to(HYPERVISOR_START, 4), -XEN_EFAULT);
    ck_assert_int_eq(read_to(HYPERVISOR_START - 2, 4), -XEN_EFAULT);
    ck_assert_int_eq(read_to(BUFFER + sizeof(buffer) - 2, 4), -XEN_EFAULT);
    ck_assert_int_eq(read_to(BUFFER, 0x80000000UL), -XEN_E2BIG); /* the answer would be negative */
    check_read(100, "mortise");
}
END_TEST

START_TEST(three_times_ctrl_a_is_the_hypervisors_and_three_times_back)
{
    start();
    ck_assert(type("a\1\1b"));  /* two are none */
    ck_assert(!type("\1\1\1")); /* dom0 has nothing of it */
    ck_assert(!type("Aq\1d"));
    ck_assert_str_eq(pressed, "Aqd");
    ck_assert(!type("\1"));
    ck_assert(!type("\1"));
    ck_assert(type("\1c")); /* typed apart they count as well */
    check_read(100, "abc");
    ck_assert_str_eq(pressed, "Aqd");
}
END_TEST

START_TEST(the_console_is_dom0s)
{
    start();
    struct domain *other = domain_create(2, 1, 64, false);

    type("x");
    fake_switch_to(other->vcpus[0]);
    ck_assert_int_eq(read_to(BUFFER, 4), -XEN_EPERM);
    ck_assert_int_eq(hypercall_console_io(CONSOLEIO_write, 4, BUFFER, 0, 0), -XEN_EPERM);
    fake_switch_to(d->vcpus[0]);
    ck_assert_int_eq(hypercall_console_io(7, 4, BUFFER, 0, 0), -XEN_ENOSYS);
    check_read(4, "x");
}
END_TEST

/* In pieces, with stops in between: all of it, once. */
START_TEST(what_is_written_comes_out_whole)
{
    static char expected[1001];
    uint64_t count = sizeof(expected) - 1, at = BUFFER;
    unsigned stops = 0;
    long rc;

    start();
    for (unsigned i = 0; i < count; i++)
        buffer[i] = (uint8_t)(expected[i] = (char)('a' + i % 26));
    fake_log_clear();
    fake_preempt(2);
    while ((rc = hypercall_console_io(CONSOLEIO_write, count, at, 0, 0)) == HYPERCALL_CONTINUE) {
        count = d->vcpus[0]->again.args[1];
        at = d->vcpus[0]->again.args[2];
        stops++;
    }
    fake_preempt(0);
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_gt(stops, 0);
    ck_assert_str_eq(fake_log, expected);
    ck_assert_int_eq(hypercall_console_io(CONSOLEIO_write, 8, BUFFER + sizeof(buffer) - 4, 0, 0),
                     -XEN_EFAULT);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { what_is_typed_is_read_in_order },
        { the_ring_loses_nothing_that_fits, .rounds = 3 },
        { a_read_that_fails_takes_nothing },
        { three_times_ctrl_a_is_the_hypervisors_and_three_times_back },
        { the_console_is_dom0s },
        { what_is_written_comes_out_whole },
    };
    return RUN_TESTS("hypercall/console_io", tests);
}
