/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks: one operation a row, timed with the TSC.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "kernel/cmdline.h"

/* Runs the named rows, or all of them. */
void bench_run(const struct name_list *names);

#endif
