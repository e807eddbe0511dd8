/* SPDX-License-Identifier: MIT */
/* The command line: each word does what it says, or is named with what is wrong. Nothing is fatal.
 */
#include "run.h"
#include "boot/cmdline.h"
#include "trace/log.h"
#include <stdio.h>
#include <string.h>

static char complaints[4096];

static void complain(const char *word, const char *what)
{
    size_t used = strlen(complaints);

    snprintf(complaints + used, sizeof(complaints) - used, "%s: %s\n", word, what);
}

static struct boot_options parse(const char *line)
{
    struct boot_options o;

    complaints[0] = 0;
    memset(&o, 0xaa, sizeof(o));
    cmdline_parse(line, &o, complain);
    return o;
}

START_TEST(an_empty_line_gives_the_defaults)
{
    static const char *const lines[] = { "", " ", "     " };

    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        struct boot_options o = parse(lines[i]);
        ck_assert_str_eq(complaints, "");
        ck_assert_uint_eq(o.com1_baud, 115200);
        ck_assert(o.console_com1);
        ck_assert_uint_eq(o.loglvl, LOG_INFO);
        ck_assert_uint_eq(o.guest_loglvl, LOG_WARNING);
        ck_assert_uint_eq(o.dom0_mem, 0);
        ck_assert_uint_eq(o.dom0_max_vcpus, 0);
        ck_assert(!o.noreboot && !o.audit && !o.debug_exit);
    }
}
END_TEST

START_TEST(each_word_does_what_it_says)
{
    struct boot_options o = parse("  console=none com1=9600,8n1  loglvl=all guest_loglvl=none/all "
                                  "dom0_mem=256M dom0_max_vcpus=4 noreboot sched=round-robin audit "
                                  "debug_exit=0xf4 ");

    ck_assert_str_eq(complaints, "");
    ck_assert(!o.console_com1);
    ck_assert_uint_eq(o.com1_baud, 9600);
    ck_assert_uint_eq(o.loglvl, LOG_DEBUG);
    ck_assert_uint_eq(o.guest_loglvl, LOG_ERROR);
    ck_assert_uint_eq(o.dom0_mem, 256UL << 20);
    ck_assert_uint_eq(o.dom0_max_vcpus, 4);
    ck_assert(o.noreboot && o.audit);
    ck_assert_uint_eq(o.debug_exit, 0xf4);
    ck_assert(parse("console=none console=com1").console_com1);
    ck_assert_uint_eq(parse("dom0_mem=max:1G,128M").dom0_mem, 1UL << 30);
    ck_assert_uint_eq(parse("loglvl=warning/error").loglvl, LOG_WARNING);
    ck_assert_uint_eq(parse("loglvl=debug").loglvl, LOG_DEBUG);
    ck_assert_uint_eq(parse("loglvl=error").loglvl, LOG_ERROR);
    ck_assert_uint_eq(parse("").global_pages, GLOBAL_PAGES_AUTO);
    ck_assert_uint_eq(parse("global-pages").global_pages, GLOBAL_PAGES_ON);
    ck_assert_uint_eq(parse("global-pages=on").global_pages, GLOBAL_PAGES_ON);
    ck_assert_uint_eq(parse("global-pages=false").global_pages, GLOBAL_PAGES_OFF);
    ck_assert_str_eq(complaints, "");
}
END_TEST

/* One complaint names the word as it stands, and the options stay as they were. */
START_TEST(a_word_that_is_wrong_is_named_and_changes_nothing)
{
    static const char *const rows[] = {
        "console=vga",
        "console",
        "com1=fast",
        "com1=0",
        "com1=115201",
        "com1=9600,7e1",
        "com1",
        "com1=",
        "loglvl=loud",
        "loglvl",
        "loglvl=infos",
        "guest_loglvl=",
        "dom0_mem=lots",
        "dom0_mem",
        "dom0_mem=12MB",
        "dom0_mem=99999999999T",
        "dom0_max_vcpus=0",
        "dom0_max_vcpus=33",
        "dom0_max_vcpus=2x",
        "dom0_max_vcpus",
        "global-pages=maybe",
        "noreboot=yes",
        "sched=credit2",
        "sched",
        "audit=1",
        "debug_exit=0x10000",
        "debug_exit=",
        "debug_exit=1,2",
        "nosuchword",
        "=",
        "=value",
        "Console=com1",
        "noreboo",
        "noreboots",
    };
    struct boot_options defaults = parse("");

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct boot_options o = parse(rows[i]);
        size_t length = strlen(rows[i]);
        ck_assert_msg(!strncmp(complaints, rows[i], length) && complaints[length] == ':',
                      "%s gave: %s", rows[i], complaints);
        ck_assert_ptr_eq(strchr(complaints, '\n'), complaints + strlen(complaints) - 1);
        ck_assert_msg(!memcmp(&o, &defaults, sizeof(o)), "%s changed an option", rows[i]);
    }
}
END_TEST

START_TEST(a_word_that_is_too_long_is_cut_in_the_complaint_and_the_rest_counts)
{
    for (unsigned length = 120; length < 140; length++) {
        char line[300];
        memset(line, 'a', length);
        strcpy(line + length, " noreboot");
        ck_assert(parse(line).noreboot);
        ck_assert_msg(strstr(complaints, length < 128 ? "no such option" : "too long"), "%u: %s",
                      length, complaints);
        ck_assert_uint_le(strlen(complaints), 160);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { an_empty_line_gives_the_defaults },
        { each_word_does_what_it_says },
        { a_word_that_is_wrong_is_named_and_changes_nothing },
        { a_word_that_is_too_long_is_cut_in_the_complaint_and_the_rest_counts },
    };
    return RUN_TESTS("boot/cmdline", tests);
}
