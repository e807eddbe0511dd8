/* SPDX-License-Identifier: MIT */
/* Processes that are made, replaced and ended: an operation is all of that, until the parent has
 * heard of the end. */
#define _GNU_SOURCE
#include "bench.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define COW_PAGES 256UL
#define EMPTY     "/empty" /* a program that only ends (empty.c) */

static char *pages;

static void nothing(void)
{
}

static void become_empty(void)
{
    char *argv[] = { (char *)EMPTY, NULL }, *environment[] = { NULL };

    execve(EMPTY, argv, environment);
    _exit(99);
}

static void write_pages(void)
{
    for (size_t page = 0; page < COW_PAGES; page++)
        ((volatile char *)pages)[page * PAGE] = 2;
}

static void make_pages(void)
{
    pages = map(COW_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    write_pages();
}

static void check_empty(void)
{
    must(access(EMPTY, X_OK) == 0, "finding " EMPTY);
}

static uint64_t fork_rounds(unsigned rounds, void (*in_child)(void))
{
    uint64_t begun = timed_begin();

    for (unsigned i = 0; i < rounds; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            in_child();
            _exit(0);
        }
        must(child > 0 && waitpid(child, &status, 0) == child, "fork or waitpid");
        if (status != 0)
            fail("a child ended with status %#x", (unsigned)status);
    }
    return timed_end(begun);
}

static uint64_t fork_exit(unsigned rounds)
{
    return fork_rounds(rounds, nothing);
}

static uint64_t fork_exec(unsigned rounds)
{
    return fork_rounds(rounds, become_empty);
}

static uint64_t fork_write(unsigned rounds)
{
    return fork_rounds(rounds, write_pages);
}

const struct row process_rows[] = {
    { "fork-exit", fork_exit, 4, 1, NULL, NULL },
    { "fork-exec", fork_exec, 2, 1, check_empty, NULL },
    { "fork-cow-256", fork_write, 1, 1, make_pages, NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
