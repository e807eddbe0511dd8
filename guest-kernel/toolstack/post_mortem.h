/* SPDX-License-Identifier: MIT */
/*
 * What a guest was doing: registers, the instruction, and who called, by the names of its kernel's functions. For one
 * that crashed; of one that runs it is a look in passing.
 */
#ifndef TOOLSTACK_POST_MORTEM_H
#define TOOLSTACK_POST_MORTEM_H

#include "toolstack/guests.h"

/* SAY gets a line at a time. guests_lock is held. Nothing is said of vCPUs that never ran. */
void post_mortem(const struct guest *guest, void (*say)(void *context, const char *line), void *context);

#endif
