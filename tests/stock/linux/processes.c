/* SPDX-License-Identifier: MIT */
/* Processes: forked, replaced, joined by pipes, interrupted by signals. */
#define _GNU_SOURCE
#include "checks.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

static bool child_is_well(pid_t child)
{
    int status;

    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Copy on write: what one writes the others do not see. */
static int own_pages(uint64_t *words, size_t nr_words, uint64_t mark)
{
    for (size_t i = 0; i < nr_words; i += 64)
        if (words[i] != i)
            return 1;
    for (size_t i = 0; i < nr_words; i += 64)
        words[i] = i ^ mark;
    for (size_t i = 0; i < nr_words; i += 64)
        if (words[i] != (i ^ mark))
            return 2;
    return 0;
}

void check_fork(void)
{
    enum { CHILDREN = 24, ROUNDS = 8, WORDS = 64 * PAGE / 8 };
    uint64_t *words = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t children[CHILDREN];

    for (size_t i = 0; i < WORDS; i++)
        words[i] = i;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CHILDREN; i++) {
            children[i] = fork();
            if (children[i] == 0)
                _exit(own_pages(words, WORDS, (uint64_t)(i + 1) << 40));
            CHECK(children[i] > 0);
        }
        for (unsigned i = 0; i < CHILDREN; i++)
            CHECK(child_is_well(children[i]));
    }
    CHECK(own_pages(words, WORDS, 1UL << 60) == 0); /* nothing of theirs came here */
}

void check_exec(void)
{
    char number[8];
    int status;

    for (int i = 0; i < 100; i++) {
        snprintf(number, sizeof(number), "%d", i);
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "checks", "--status", number, (char *)NULL);
            _exit(255);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == i);
    }
}

/* A ring of processes: a number goes round, each adds one. */
void check_pipes(void)
{
    enum { RING = 8, TURNS = 200 };
    int pipes[RING][2], value = 0;
    pid_t children[RING];

    for (unsigned i = 0; i < RING; i++)
        CHECK(pipe(pipes[i]) == 0);
    for (unsigned i = 1; i < RING; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (unsigned turn = 0; turn < TURNS; turn++) {
                if (read(pipes[i - 1][0], &value, sizeof(value)) != sizeof(value))
                    _exit(1);
                value++;
                if (write(pipes[i][1], &value, sizeof(value)) != sizeof(value))
                    _exit(2);
            }
            _exit(0);
        }
    }
    for (unsigned turn = 0; turn < TURNS; turn++) {
        value++;
        CHECK(write(pipes[0][1], &value, sizeof(value)) == sizeof(value));
        CHECK(read(pipes[RING - 1][0], &value, sizeof(value)) == sizeof(value));
    }
    CHECK(value == RING * TURNS);
    for (unsigned i = 1; i < RING; i++)
        CHECK(child_is_well(children[i]));
}

/* ---- signals ---- */

static volatile sig_atomic_t got, depth, deepest;
static char *stack_from;
static volatile bool on_stack;

static void on_signal(int signal)
{
    char here;

    (void)signal;
    on_stack = &here >= stack_from && &here < stack_from + 65536;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (depth == 1)
        raise(SIGUSR2); /* one inside the other */
    depth--;
    got++;
}

/* Sent by another process while this one computes. */
static void bombarded(void)
{
    enum { SIGNALS = 200 };
    pid_t parent = getpid(), child = fork();
    uint64_t sum = 0, seed = 3;

    if (child == 0) {
        for (unsigned i = 0; i < SIGNALS; i++) {
            kill(parent, SIGUSR1);
            usleep(500);
        }
        _exit(0);
    }
    got = 0;
    while (waitpid(child, NULL, WNOHANG) == 0)
        sum += next_random(&seed) & 1;
    CHECK(got > 0);
    CHECK(sum > 0);
}

void check_signals(void)
{
    static char stack[65536];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER };

    stack_from = stack;
    CHECK(sigaltstack(&alternate, NULL) == 0);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    for (unsigned i = 0; i < 1000; i++)
        raise(SIGUSR1);
    CHECK(got == 2000);
    CHECK(deepest == 2);
    CHECK(on_stack);
    bombarded();
}
