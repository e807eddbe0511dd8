/* SPDX-License-Identifier: MIT */
/*
 * What Linux' operations cost: rows, and how a row tells what of it is timed.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL

struct row {
    const char *name; /* as in tests/bench/linux/rows */
    /* Runs so many rounds; returns what the clock advanced in the timed parts of them. */
    uint64_t (*run)(unsigned rounds);
    unsigned rounds; /* of a batch whose instructions are counted: short, so that most see no timer
                        tick */
    unsigned operations;   /* in a round */
    void (*prepare)(void); /* NULL: nothing to prepare */
    /* NULL, or what is in RUN beside the operation: figures of it are reported as a row NAME-pass,
     * an operation each time, and subtracted later. */
    uint64_t (*pass)(unsigned rounds);
};

/* The rows of each file, ended by one without a name. */
extern const struct row call_rows[], memory_rows[], process_rows[], pipe_rows[];

/* Ends the row's process, with the reason in words. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static inline void must(bool holds, const char *what)
{
    if (!holds)
        fail("%s failed: %m", what);
}

/* mmap, where nothing else is and page tables begin: what is mapped takes the same tables each
 * time. One at a time. */
void *map(size_t size, int rights, int flags, int file);

/* No-operations that tell the emulator's plugin what is timed (docs/measuring.md). */
#define MARK(n) __asm__ volatile("nopl 0x54454e0" #n "(%%rax,%%rax,1)" ::: "memory")

/* The TSC, which counts instructions under -icount, or CLOCK_MONOTONIC in nanoseconds: what the
 * rows are measured by. */
uint64_t clock_read(void);

/* A timed part begins. It may not contain another. */
static inline uint64_t timed_begin(void)
{
    MARK(1);
    return clock_read();
}

/* It ended; returns what it took. */
static inline uint64_t timed_end(uint64_t begun)
{
    uint64_t now = clock_read();

    MARK(2);
    return now - begun;
}

#endif
