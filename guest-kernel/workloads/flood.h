/* SPDX-License-Identifier: MIT */
/*
 * Guests that mean harm: each kind does one thing without end, as fast as it can, and breaks what
 * rules it likes. What is promised is about the others: they go on, and when it is destroyed nothing
 * is left of it.
 */
#ifndef WORKLOADS_FLOOD_H
#define WORKLOADS_FLOOD_H

#include <stdint.h>

struct flood {
    const char *kind;
    void (*burst)(void); /* called for ever */
};

/* Tables; the last row has no kind. */
extern const struct flood floods_of_grants[], floods_of_rings[];

/* Does not return, unless there is no such kind. */
void flood(const char *kind);

uint64_t flood_random(void);

#endif
