/* SPDX-License-Identifier: MIT */
/*
 * Commands that check dom0 itself, for the table in script_commands.c.
 */
#ifndef TOOLSTACK_CHECKS_H
#define TOOLSTACK_CHECKS_H

#include "toolstack/session.h"

/* ---- use.c ---- */
int run_remember(struct session *session, int argc, char **argv);
int run_unchanged(struct session *session, int argc, char **argv);

/* ---- churn.c ---- */
int run_churn(struct session *session, int argc, char **argv);

#endif
