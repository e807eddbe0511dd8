/* SPDX-License-Identifier: MIT */
/*
 * dom0's own commands: what there is.
 */
#include "toolstack/commands.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"
#include "toolstack/post_mortem.h"

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

static int show_log(struct session *session, int argc, char **argv)
{
    (void)argc;
    return port_console_show(session, argv[1], false) ? 0 : session_fail(session, "nothing is kept of '%s'", argv[1]);
}

static int run_exit(struct session *session, int argc, char **argv)
{
    (void)session;
    (void)argc;
    (void)argv;
    port_exit();
    return 0;
}

static int run_check(struct session *session, int argc, char **argv)
{
    const char *wrong = port_store_audit();

    (void)argc;
    (void)argv;
    return wrong == NULL ? 0 : session_fail(session, "the store: %s", wrong);
}

static void print_line(void *session, const char *line)
{
    session_print(session, "%s\n", line);
}

static int run_xenctx(struct session *session, int argc, char **argv)
{
    struct guest *guest;

    (void)argc;
    guests_lock();
    guest = guest_find(argv[1]);
    if (guest != NULL)
        post_mortem(guest, print_line, session);
    guests_unlock();
    return guest != NULL ? 0 : session_fail(session, "there is no guest '%s'", argv[1]);
}

/* clang-format off: a row a command */
const struct command dom0_commands[] = {
    { "files", "files", "what dom0's archive holds", 0, 0, run_files },
    { "log", "log GUEST", "what it said on its console, dead or alive", 1, 1, show_log },
    { "xenctx", "xenctx GUEST", "what its vCPUs are doing: registers, code, who called", 1, 1, run_xenctx },
    { "exit", "exit", "ends the machine", 0, 0, run_exit },
    { "check", "check", "recounts what the store keeps as numbers", 0, 0, run_check },
    { NULL },
};
/* clang-format on */
