/* SPDX-License-Identifier: MIT */
/*
 * Switches between processes, made by a ring of pipes: a byte goes round, and who gets it reads
 * through its own memory and hands it on. A step costs a switch, a read, a write, and the memory;
 * what one process costs that hands the byte to itself (-pass) is the same without the switch.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define RING_MAX   16U
#define MEMORY_MAX (64UL << 10)

static int pipes[RING_MAX][2];
static unsigned nr_ring;
static uint64_t memory[MEMORY_MAX / sizeof(uint64_t)];
static size_t nr_words;

static void read_memory(void)
{
    for (size_t i = 0; i < nr_words; i++)
        (void)((volatile uint64_t *)memory)[i];
}

static bool take(unsigned from)
{
    char byte;

    return read(pipes[from][0], &byte, 1) == 1;
}

static bool give(unsigned to)
{
    return write(pipes[to][1], "", 1) == 1;
}

/* Number ME of the ring, until its parent ends. */
static void pass_on(unsigned me, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    memset(memory, (int)me, sizeof(memory)); /* its own pages, not its parent's */
    while (take(me)) {
        read_memory();
        if (!give((me + 1) % nr_ring))
            break;
    }
    _exit(1);
}

static void make_ring(unsigned size, size_t bytes)
{
    pid_t parent = getpid();

    nr_ring = size;
    nr_words = bytes / sizeof(uint64_t);
    memset(memory, 0xff, sizeof(memory));
    for (unsigned i = 0; i < size; i++)
        must(pipe(pipes[i]) == 0, "pipe");
    for (unsigned i = 1; i < size; i++) {
        pid_t child = fork();
        if (child == 0)
            pass_on(i, parent);
        must(child > 0, "fork");
    }
}

static void ring_of_2(void)
{
    make_ring(2, 0);
}

static void ring_of_16(void)
{
    make_ring(16, MEMORY_MAX);
}

/* The parent is number 0. */
static uint64_t around(unsigned rounds)
{
    uint64_t begun, took;
    bool well = true;

    begun = timed_begin();
    for (unsigned i = 0; i < rounds; i++) {
        well &= give(1) && take(0);
        read_memory();
    }
    took = timed_end(begun);
    must(well, "passing a byte round the ring");
    return took;
}

/* As many steps as a round has, by one process. */
static uint64_t alone(unsigned rounds)
{
    uint64_t begun, took;
    bool well = true;

    begun = timed_begin();
    for (unsigned i = 0; i < rounds * nr_ring; i++) {
        well &= give(0) && take(0);
        read_memory();
    }
    took = timed_end(begun);
    must(well, "passing a byte to oneself");
    return took;
}

const struct row pipe_rows[] = {
    { "pipe", around, 50, 1, ring_of_2, NULL },
    { "switch-2p-0k", around, 50, 2, ring_of_2, alone },
    { "switch-16p-64k", around, 2, 16, ring_of_16, alone },
    { NULL, NULL, 0, 0, NULL, NULL },
};
