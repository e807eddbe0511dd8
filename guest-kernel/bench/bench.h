/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks: one operation a row, timed with the TSC.
 *
 * Under QEMU's -icount the TSC counts executed instructions, without it time: the same code
 * measures both, and the command line says which it is.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cmdline.h"

#define BATCH_MAX 512

/* Which sizes of batch a row is measured with. */
enum bench_batches {
    BATCH_ONE,    /* 1 */
    BATCH_DOUBLE, /* 1, 2, 4 ... 512 */
    BATCH_EMPTY,  /* 1, 8, 64 */
    BATCH_EIGHT,  /* 8 */
    BATCH_THREE,  /* 3: the parts of one call, but the figure is for all of it */
};

struct bench_row {
    const char *name;
    enum bench_batches batches;
    unsigned rounds; /* calls in one measurement */
    /* Makes ROUNDS calls of BATCH elements each; returns the cycles that they took. */
    uint64_t (*run)(unsigned rounds, unsigned batch);
    bool (*setup)(void); /* NULL: nothing to prepare */
    void (*teardown)(void);
};

/* The rows of each file, ended by a row without a name. */
extern const struct bench_row bench_cpu_rows[];
extern const struct bench_row bench_paging_rows[];
extern const struct bench_row bench_pin_rows[];
extern const struct bench_row bench_domain_rows[];
extern const struct bench_row bench_event_rows[];
extern const struct bench_row bench_grant_rows[];
extern const struct bench_row bench_trap_rows[];
extern const struct bench_row bench_user_rows[];

/* The body, ROUNDS times; what it took is what the function returns. */
/* No-operations that tell a plugin of the emulator what is timed (docs/measuring.md). */
#define BENCH_MARK(n) asm volatile("nopl 0x54454e0" #n "(%%rax,%%rax,1)" ::: "memory")

static inline uint64_t bench_begin(void)
{
    BENCH_MARK(1);
    return arch_cycles();
}

/* Cycles since bench_begin. */
static inline uint64_t bench_end(uint64_t begun)
{
    uint64_t now = arch_cycles();

    BENCH_MARK(2);
    return now - begun;
}

#define BENCH_LOOP(rounds, ...)                                                                    \
    do {                                                                                           \
        uint64_t start_ = bench_begin();                                                           \
                                                                                                   \
        for (unsigned round_ = (rounds); round_ > 0; round_--) {                                   \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        return bench_end(start_);                                                                  \
    } while (0)

/* Runs the named rows, or all of them. */
void bench_run(const struct name_list *names);

#endif
