/* SPDX-License-Identifier: MIT */
/*
 * dom0's own commands: what scripts need, and what there is.
 */
#include <stdlib.h>
#include <string.h>

#include "toolstack/commands.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"

#define STEP_NS      10000000ULL
#define NS_PER_S     1000000000ULL
#define WAIT_MAX_S   3600UL

static int run_files(struct session *session, int argc, char **argv)
{
    const char *name;
    size_t at = 0;

    (void)argc;
    (void)argv;
    while ((name = port_file_next(&at)) != NULL)
        session_print(session, "%s\n", name);
    return 0;
}

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
    unsigned long seconds = strtoul(argv[1], NULL, 10);
    uint64_t end = port_clock_ns() + (seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S) * NS_PER_S;

    while (any_left(argc, argv)) {
        if (port_clock_ns() >= end)
            return session_fail(session, "some have not ended after %s seconds", argv[1]);
        port_sleep_ns(STEP_NS);
    }
    return 0;
}

static int show_log(struct session *session, int argc, char **argv)
{
    (void)argc;
    return port_console_show(session, argv[1], false) ? 0 : session_fail(session, "nothing is kept of '%s'", argv[1]);
}

static int run_said(struct session *session, int argc, char **argv)
{
    (void)argc;
    return port_console_said(argv[1], argv[2]) ? 0 : session_fail(session, "%s did not say: %s", argv[1], argv[2]);
}

static int run_exit(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    (void)argv;
    port_exit();
    return 0;
}

/* "not COMMAND ...": for scripts, where something must fail. */
static int run_not(struct session *session, int argc, char **argv)
{
    return command_run(session, argc - 1, argv + 1) == 0;
}

static int run_echo(struct session *session, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        session_print(session, "%s%s", i > 1 ? " " : "", argv[i]);
    session_print(session, "\n");
    return 0;
}

static int run_sleep(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    port_sleep_ns(strtoul(argv[1], NULL, 10) % WAIT_MAX_S * NS_PER_S);
    return 0;
}

static int run_check(struct session *session, int argc, char **argv)
{
    const char *wrong = port_store_audit();

    (void)argc;
    (void)argv;
    return wrong == NULL ? 0 : session_fail(session, "the store: %s", wrong);
}

/* clang-format off: a row a command */
const struct command dom0_commands[] = {
    { "files", "files", "what dom0's archive holds", 0, 0, run_files },
    { "log", "log GUEST", "what it said on its console, dead or alive", 1, 1, show_log },
    { "said", "said GUEST TEXT", "well if the text is in what is kept of it", 2, 2, run_said },
    { "wait", "wait SECONDS [GUEST...]", "until they ended, but not longer", 1, -1, run_wait },
    { "sleep", "sleep SECONDS", "nothing, for a while", 1, 1, run_sleep },
    { "echo", "echo WORD...", "says it", 0, -1, run_echo },
    { "not", "not COMMAND...", "well if that fails", 1, -1, run_not },
    { "exit", "exit", "ends the machine", 0, 0, run_exit },
    { "check", "check", "recounts what the store keeps as numbers", 0, 0, run_check },
    { NULL },
};
/* clang-format on */
