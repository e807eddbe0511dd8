/* SPDX-License-Identifier: MIT */
/*
 * The commands that a session may give: xl's verbs, the store's, dom0's own, and what scripts need.
 */
#ifndef TOOLSTACK_COMMANDS_H
#define TOOLSTACK_COMMANDS_H

#include "toolstack/session.h"

#define COMMAND_ARGS_MAX 32

struct command {
    const char *name;
    const char *arguments; /* in words, for help */
    const char *what;
    int min, max; /* arguments; max -1: any number */
    int (*run)(struct session *session, int argc, char **argv); /* argv[0] is its name. Returns the status */
};

/* Tables of commands; the last row has no name. */
extern const struct command xl_verbs[], store_commands[], dom0_commands[], script_commands[];

/* Carries one out. Returns its status: 0 all is well, 1 it failed, 2 it was used wrongly. */
int command_run(struct session *session, int argc, char **argv);

/* The same for a line: words between blanks, '...' and "..." keep blanks, # begins a comment. An empty line is no
 * command: 0. */
int command_run_line(struct session *session, char *line);

#endif
