/* SPDX-License-Identifier: MIT */
/*
 * Unit workloads: each states promises of the ABI in the comment that opens its file, and checks
 * them.
 *
 * A check that fails is noted with its place and what was expected; the workload goes on, so that
 * one run shows all that is wrong. What cannot go on after a failed check returns.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cmdline.h"

struct workload {
    const char *name, *description;
    void (*run)(void);
};

void workloads_list(void);
void workloads_run(const struct name_list *names);

/* Each returns whether the check held. From any CPU. */
bool check_true(bool holds, const char *what, const char *file, int line);
bool check_equal(uint64_t got, uint64_t expected, const char *what, const char *file, int line);

/* The workload cannot be run here. It returns after this. */
void workload_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Said ahead of a check in a loop: which round it is. Shown with a failure. */
void check_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition) check_true((condition), #condition, __FILE_NAME__, __LINE__)
#define CHECK_EQ(got, expected)                                                                    \
    check_equal((uint64_t)(got), (uint64_t)(expected), #got, __FILE_NAME__, __LINE__)

#endif
