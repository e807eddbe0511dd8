/* SPDX-License-Identifier: MIT */
/* The log: nobody waits for the port with interrupts off, and nothing is lost or overtaken. */
#include <string.h>
#include "run.h"
#include "fake.h"
#include "lib/format.h"
#include "trace/log.h"

static struct cpu *cpu;

static void start(void)
{
    fake_machine_start(64);
    cpu = this_cpu();
    log_in_background();
    fake_log_clear();
}

static void do_work(void)
{
    while (cpu->work & WORK_LOG) {
        cpu->work &= ~WORK_LOG;
        if (log_send())
            cpu->work |= WORK_LOG;
    }
}

START_TEST(with_interrupts_on_a_line_goes_out_at_once)
{
    start();
    log_line(LOG_ERROR, "one");
    ck_assert_str_eq(fake_log, "(TEN) one\r\n");
    ck_assert_uint_eq(cpu->work, 0);
    ck_assert(fake_interrupts);
}
END_TEST

START_TEST(with_interrupts_off_it_waits_for_the_processors_work)
{
    start();
    fake_interrupts = false;
    log_line(LOG_ERROR, "one");
    log_raw("two\n", 4);
    ck_assert_str_eq(fake_log, "");
    ck_assert_uint_eq(cpu->work, WORK_LOG);
    ck_assert(!fake_interrupts);
    fake_interrupts = true;
    do_work();
    ck_assert_str_eq(fake_log, "(TEN) one\r\ntwo\r\n");
}
END_TEST

START_TEST(who_may_wait_does_not_overtake_who_may_not)
{
    start();
    fake_interrupts = false;
    log_line(LOG_ERROR, "one");
    fake_interrupts = true;
    log_line(LOG_ERROR, "two");
    ck_assert_str_eq(fake_log, "(TEN) one\r\n(TEN) two\r\n");
    do_work();
    ck_assert_str_eq(fake_log, "(TEN) one\r\n(TEN) two\r\n");
}
END_TEST

START_TEST(a_long_backlog_goes_out_in_pieces_and_in_order)
{
    static char all[16384], seen[16384 + 64];
    uint32_t index = 0;

    start();
    fake_interrupts = false;
    for (unsigned i = 0; i < sizeof(all); i++)
        all[i] = (char)('a' + i % 23);
    for (unsigned i = 0; i < sizeof(all); i += 256)
        log_raw(all + i, 256);
    fake_interrupts = true;
    cpu->work = 0;
    ck_assert(log_send());
    ck_assert_uint_le(strlen(fake_log), 1024);
    cpu->work = WORK_LOG;
    do_work();
    ck_assert_uint_eq(strlen(fake_log), sizeof(all));
    ck_assert_mem_eq(fake_log, all, sizeof(all));
    /* And stays to be read. */
    ck_assert_uint_eq(log_read(seen, sizeof(seen), &index), sizeof(all));
    ck_assert_mem_eq(seen, all, sizeof(all));
}
END_TEST

START_TEST(what_finds_no_room_is_counted_and_said)
{
    static char piece[256];

    start();
    memset(piece, 'x', sizeof(piece));
    fake_interrupts = false;
    for (unsigned i = 0; i < 64; i++)
        log_raw(piece, sizeof(piece));
    log_raw("gone", 4);
    fake_interrupts = true;
    do_work();
    ck_assert_ptr_eq(strstr(fake_log, "gone"), NULL);
    log_line(LOG_ERROR, "again");
    ck_assert_ptr_ne(strstr(fake_log, "(TEN) 4 characters of the log were lost\r\n(TEN) again\r\n"),
                     NULL);
}
END_TEST

START_TEST(who_may_wait_sends_until_there_is_room)
{
    static char piece[256];

    start();
    memset(piece, 'x', sizeof(piece));
    fake_interrupts = false;
    for (unsigned i = 0; i < 64; i++)
        log_raw(piece, sizeof(piece));
    fake_interrupts = true;
    log_line(LOG_ERROR, "not lost");
    do_work();
    ck_assert_uint_eq(strlen(fake_log), 16384 + strlen("(TEN) not lost\r\n"));
    ck_assert_str_eq(fake_log + 16384, "(TEN) not lost\r\n");
}
END_TEST

START_TEST(last_words_come_behind_all_that_was_said)
{
    start();
    fake_interrupts = false;
    log_line(LOG_ERROR, "one");
    log_last_words();
    ck_assert_str_eq(fake_log, "(TEN) one\r\n");
    log_line(LOG_ERROR, "two");
    ck_assert_str_eq(fake_log, "(TEN) one\r\n(TEN) two\r\n");
    ck_assert(!fake_interrupts);
}
END_TEST

static unsigned at_uart;

static void send_as_well(void)
{
    ck_assert_uint_lt(++at_uart, 1000);
    log_send();
}

/* A processor that is not stopped yet may be sending: then characters come twice, and no more than that. */
START_TEST(last_words_end_though_another_processor_sends)
{
    start();
    fake_interrupts = false;
    log_line(LOG_ERROR, "one");
    fake_at_uart = send_as_well;
    log_last_words();
    fake_at_uart = NULL;
    fake_log_clear();
    log_line(LOG_ERROR, "two");
    ck_assert_ptr_ne(strstr(fake_log, "(TEN) two\r\n"), NULL);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { with_interrupts_on_a_line_goes_out_at_once },
        { with_interrupts_off_it_waits_for_the_processors_work },
        { who_may_wait_does_not_overtake_who_may_not },
        { a_long_backlog_goes_out_in_pieces_and_in_order },
        { what_finds_no_room_is_counted_and_said },
        { who_may_wait_sends_until_there_is_room },
        { last_words_come_behind_all_that_was_said },
        { last_words_end_though_another_processor_sends },
    };
    return RUN_TESTS("trace/log", tests);
}
