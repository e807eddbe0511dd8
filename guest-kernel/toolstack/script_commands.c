/* SPDX-License-Identifier: MIT */
/*
 * Commands for scripts: to look into what others say, to wait, to type for a guest.
 */
#include <stdlib.h>
#include <string.h>

#include "toolstack/capture.h"
#include "toolstack/checks.h"
#include "toolstack/commands.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"

#define STEP_NS    10000000ULL
#define NS_PER_S   1000000000ULL
#define WAIT_MAX_S 3600UL
#define TYPED_MAX  256

/* Seconds from now, in nanoseconds since boot. False: it is no number of them. */
static bool read_end(struct session *session, const char *word, uint64_t *end)
{
    char *rest;
    unsigned long seconds = strtoul(word, &rest, 10);

    if (*word < '0' || *word > '9' || *rest != 0 || seconds > WAIT_MAX_S) {
        session_fail(session, "'%s' is no number of seconds up to %lu", word, WAIT_MAX_S);
        return false;
    }
    *end = port_clock_ns() + seconds * NS_PER_S;
    return true;
}

/* ---- what guests do ---- */

static bool any_left(int argc, char **argv)
{
    for (const struct guest *guest = guest_next(NULL); guest != NULL; guest = guest_next((struct guest *)guest)) {
        if (guest->ended)
            continue;
        if (argc < 3)
            return true;
        for (int i = 2; i < argc; i++)
            if (strcmp(guest->config.name, argv[i]) == 0)
                return true;
    }
    return false;
}

static int run_wait(struct session *session, int argc, char **argv)
{
    uint64_t end;

    if (!read_end(session, argv[1], &end))
        return 2;
    while (any_left(argc, argv)) {
        if (port_clock_ns() >= end)
            return session_fail(session, "some have not ended after %s seconds", argv[1]);
        if (session_gone(session))
            return 1;
        port_sleep_ns(STEP_NS);
    }
    return 0;
}

/* Of a guest whose crash is kept, or one that runs, there is still one. */
static int run_gone(struct session *session, int argc, char **argv)
{
    (void)argc;
    struct guest *guest = guest_find(argv[1]);

    if (guest == NULL)
        return 0;
    return session_fail(session, "%s %s", argv[1], guest->ended ? "did not end well, and is kept" : "has not ended");
}

static int run_said(struct session *session, int argc, char **argv)
{
    (void)argc;
    return port_console_said(argv[1], argv[2]) ? 0 : session_fail(session, "%s did not say: %s", argv[1], argv[2]);
}

static int run_type(struct session *session, int argc, char **argv)
{
    char line[TYPED_MAX];
    size_t length = strlen(argv[2]);

    (void)argc;
    if (length + 1 >= sizeof(line))
        return session_fail(session, "a line of at most %u characters", TYPED_MAX - 2), 2;
    memcpy(line, argv[2], length);
    line[length] = '\n';
    return port_console_type(argv[1], line, length + 1) ? 0 :
                                                          session_fail(session, "no guest '%s' has a console", argv[1]);
}

/* ---- what commands say ---- */

/* Runs what stands behind the first two words; well if it does (or fails, if it should) and says that. */
static bool run_and_look(struct capture *capture, int argc, char **argv, bool well)
{
    return (command_run(&capture->session, argc - 2, argv + 2) == 0) == well && capture_holds(capture, argv[1]);
}

static int look(struct session *session, int argc, char **argv, bool well)
{
    struct capture capture;
    bool good;

    if (!capture_begin(&capture, session))
        return session_fail(session, "dom0 has no memory left");
    good = run_and_look(&capture, argc, argv, well);
    if (!good) {
        capture_print(&capture);
        session->command = argv[0];
        session_fail(session, "that did not %s and say: %s", well ? "succeed" : "fail", argv[1]);
    }
    capture_end(&capture);
    return !good;
}

static int run_shows(struct session *session, int argc, char **argv)
{
    return look(session, argc, argv, true);
}

static int run_refused(struct session *session, int argc, char **argv)
{
    return look(session, argc, argv, false);
}

static int run_not(struct session *session, int argc, char **argv)
{
    struct capture capture;
    int status;

    if (!capture_begin(&capture, session))
        return session_fail(session, "dom0 has no memory left");
    status = command_run(&capture.session, argc - 1, argv + 1);
    if (status == 0)
        capture_print(&capture);
    capture_end(&capture);
    session->command = argv[0];
    return status != 0 ? 0 : session_fail(session, "that succeeded: %s", argv[1]);
}

/* The words may be changed by who runs them: none does. */
static int run_until(struct session *session, int argc, char **argv)
{
    struct capture capture;
    uint64_t end;
    bool late, well;

    if (!read_end(session, argv[1], &end))
        return 2;
    if (!capture_begin(&capture, session))
        return session_fail(session, "dom0 has no memory left");
    do {
        capture.size = 0;
        late = port_clock_ns() >= end || session_gone(session);
        well = command_run(&capture.session, argc - 2, argv + 2) == 0;
        if (!well && !late)
            port_sleep_ns(STEP_NS);
    } while (!well && !late);
    if (!well)
        capture_print(&capture);
    capture_end(&capture);
    session->command = argv[0];
    return well ? 0 : session_fail(session, "not within %s seconds", argv[1]);
}

/* ---- the rest ---- */

static int run_echo(struct session *session, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        session_print(session, "%s%s", i > 1 ? " " : "", argv[i]);
    session_print(session, "\n");
    return 0;
}

/* The mark is one of those that docs/measuring.md tells; who ends it is not here. */
static int run_begin(struct session *session, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    session_print(session, "BENCHBEGIN\n");
    asm volatile("nopl 0x54454e01(%%rax,%%rax,1)" ::: "memory");
    return 0;
}

static int run_sleep(struct session *session, int argc, char **argv)
{
    uint64_t end;

    (void)argc;
    if (!read_end(session, argv[1], &end))
        return 2;
    while (port_clock_ns() < end && !session_gone(session))
        port_sleep_ns(STEP_NS);
    return 0;
}

/* clang-format off: a row a command */
const struct command script_commands[] = {
    { "said", "said GUEST TEXT", "well if the text is in what is kept of it", 2, 2, run_said },
    { "type", "type GUEST TEXT", "types a line for it", 2, 2, run_type },
    { "wait", "wait SECONDS [GUEST...]", "until they ended, but not longer", 1, -1, run_wait },
    { "gone", "gone GUEST", "well if nothing is left of it", 1, 1, run_gone },
    { "sleep", "sleep SECONDS", "nothing, for a while", 1, 1, run_sleep },
    { "echo", "echo WORD...", "says it", 0, -1, run_echo },
    { "begin", "begin", "what ./tenon bench linux measures from outside begins", 0, 0, run_begin },
    { "not", "not COMMAND...", "well if that fails", 1, -1, run_not },
    { "shows", "shows TEXT COMMAND...", "well if that succeeds and says the text", 2, -1, run_shows },
    { "refused", "refused TEXT COMMAND...", "well if that fails and says the text", 2, -1, run_refused },
    { "until", "until SECONDS COMMAND...", "repeats that until it succeeds, but not longer", 2, -1, run_until },
    { "remember", "remember", "notes what is in use: memory, domains, ports, the store", 0, 0, run_remember },
    { "unchanged", "unchanged", "well if as much is in use as then, at the latest in a while", 0, 0, run_unchanged },
    { "churn", "churn COUNT FILE", "makes so many guests, destroys each at some moment", 2, 2, run_churn },
    { NULL },
};
/* clang-format on */
