/* SPDX-License-Identifier: MIT */
/*
 * A guest with nothing left to do but what it is asked for.
 */
#ifndef DRIVERS_FRONT_STAY_H
#define DRIVERS_FRONT_STAY_H

/* Repeats lines that are typed, and ends as control/shutdown in the store wants it. */
void stay(void) __attribute__((noreturn));

#endif
