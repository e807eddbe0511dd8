/* SPDX-License-Identifier: MIT */
/*
 * The verbs that only look, for the table in verbs_guest.c.
 */
#ifndef TOOLSTACK_VERBS_H
#define TOOLSTACK_VERBS_H

#include "toolstack/commands.h"
#include "toolstack/guests.h"

int verb_list(struct session *session, int argc, char **argv);
int verb_info(struct session *session, int argc, char **argv);
int verb_vcpu_list(struct session *session, int argc, char **argv);
int verb_domid(struct session *session, int argc, char **argv);
int verb_domname(struct session *session, int argc, char **argv);
int verb_uptime(struct session *session, int argc, char **argv);
int verb_dmesg(struct session *session, int argc, char **argv);
int verb_debug_keys(struct session *session, int argc, char **argv);

#endif
