/* SPDX-License-Identifier: MIT */
/*
 * Checks that run inside a Linux guest: each says what it found wrong, on a line of its own, and that it failed.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Notes a failure; the check goes on, or returns. Always false. */
bool failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline bool check(bool holds, const char *file, int line, const char *text)
{
    return holds || failed("%s:%d: not true: %s", file, line, text);
}

#define CHECK(condition) check(condition, __FILE__, __LINE__, #condition)

unsigned nr_cpus(void);
/* From now on the calling thread runs there. */
void run_on(unsigned cpu);
uint64_t now_ns(void); /* CLOCK_MONOTONIC */
/* The same sequence for the same seed. */
uint64_t next_random(uint64_t *seed);

/* ---- memory.c ---- */
void check_memory(void);
void check_protection(void);
void check_shootdown(void);
/* ---- processes.c ---- */
void check_fork(void);
void check_exec(void);
void check_pipes(void);
void check_signals(void);
/* ---- threads.c ---- */
void check_threads(void);
void check_clocks(void);
void check_timers(void);
/* ---- registers.c ---- */
void check_registers(void);
void check_steal(void);

#endif
