/* SPDX-License-Identifier: MIT */
/*
 * Making guests and destroying each at some moment: before it ran, in the middle of booting, while
 * it talks to the store or does its work. A few are there at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/checks.h"
#include "toolstack/commands.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"

#define SLOTS     4u
#define COUNT_MAX 100000ul
#define NS_PER_MS 1000000UL

struct churn {
    struct session *session;
    char *file;
    char names[SLOTS][24]; /* empty: there is none */
    unsigned long nr_made, nr_paused, nr_destroyed;
    uint64_t longest_ns; /* of a making */
};

static uint32_t random_below(uint32_t limit)
{
    uint32_t value;

    port_random((uint8_t *)&value, sizeof(value));
    return value % limit;
}

/* One in four never runs. */
static int make(struct churn *c, char *name)
{
    char override[48];
    bool paused = random_below(4) == 0;
    char *words[] = { "xl", "create", "-q", c->file, override, "-p", NULL };
    uint64_t start = port_clock_ns();
    int status;

    snprintf(name, sizeof(c->names[0]), "churn-%lu", c->nr_made);
    snprintf(override, sizeof(override), "name=\"%s\"", name);
    status = command_run(c->session, paused ? 6 : 5, words);
    if (status != 0)
        name[0] = 0;
    if (port_clock_ns() - start > c->longest_ns)
        c->longest_ns = port_clock_ns() - start;
    c->nr_made++;
    c->nr_paused += paused;
    return status;
}

/* It may have come to its end by itself. */
static int end(struct churn *c, char *name)
{
    char *words[] = { "xl", "destroy", name, NULL };
    int status = 0;

    if (guest_find(name) != NULL) {
        status = command_run(c->session, 3, words);
        c->nr_destroyed++;
    }
    name[0] = 0;
    return status;
}

/* Often none at all, sometimes long enough to boot. */
static void let_time_pass(void)
{
    static const uint32_t longest_ms[] = { 1, 5, 30, 150 };
    uint32_t ms = random_below(longest_ms[random_below(4)]);

    if (ms > 0)
        port_sleep_ns(ms * NS_PER_MS);
}

static int play(struct churn *c, unsigned long count)
{
    int status = 0;

    while (c->nr_made < count && status == 0 && !session_gone(c->session)) {
        char *name = c->names[random_below(SLOTS)];

        status = name[0] != 0 ? end(c, name) : make(c, name);
        let_time_pass();
    }
    return status;
}

int run_churn(struct session *session, int argc, char **argv)
{
    struct churn c = { .session = session, .file = argv[2] };
    unsigned long count = strtoul(argv[1], NULL, 10);
    int status;

    (void)argc;
    if (count == 0 || count > COUNT_MAX)
        return session_fail(session, "a count from 1 to %lu is wanted, not '%s'", COUNT_MAX, argv[1]), 2;
    status = play(&c, count);
    for (unsigned i = 0; i < SLOTS; i++)
        if (c.names[i][0] != 0)
            status |= end(&c, c.names[i]);
    session_print(session, "churn: %lu guests made, %lu of them never ran, %lu destroyed, the slowest made in %lu ms\n",
                  c.nr_made, c.nr_paused, c.nr_destroyed, c.longest_ns / NS_PER_MS);
    return status;
}
