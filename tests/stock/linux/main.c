/* SPDX-License-Identifier: MIT */
/*
 * checks NAME...: runs these checks ("all": those that need nothing special), each in a process of its own with a time limit. One line a
 * check, "CHECK NAME PASS" or "CHECK NAME FAIL why", and at the end "CHECKS n passed, n failed".
 */
#define _GNU_SOURCE
#include "checks.h"
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 300 /* generous: no check is about speed */

static const struct check {
    const char *name;
    void (*run)(void);
    bool in_all; /* needs nothing special */
} checks[] = {
    { "memory", check_memory, true },       { "protection", check_protection, true },
    { "shootdown", check_shootdown, true }, { "fork", check_fork, true },
    { "exec", check_exec, true },           { "pipes", check_pipes, true },
    { "signals", check_signals, true },     { "threads", check_threads, true },
    { "clocks", check_clocks, true },       { "timers", check_timers, true },
    { "registers", check_registers, true }, { "steal", check_steal, false },
};
#define NR_CHECKS (sizeof(checks) / sizeof(checks[0]))

static unsigned nr_failures;

bool failed(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (__atomic_fetch_add(&nr_failures, 1, __ATOMIC_SEQ_CST) < 8)
        printf("  %s\n", text);
    return false;
}

unsigned nr_cpus(void)
{
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

void run_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* How the process of a check ended, in words; NULL: well. */
static const char *verdict(int status)
{
    static char text[64];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return "it did not end in time";
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof(text), "the lines above say why");
    return text;
}

static bool run_one(const struct check *check)
{
    const char *wrong;
    int status = -1;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT_S);
        check->run();
        fflush(stdout);
        _exit(nr_failures > 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        wrong = "no process for it";
    else
        wrong = verdict(status);
    printf("CHECK %s %s%s\n", check->name, wrong ? "FAIL " : "PASS", wrong ? wrong : "");
    return !wrong;
}

static bool is_wanted(const struct check *check, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], check->name) == 0 || (strcmp(argv[i], "all") == 0 && check->in_all))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "--status") == 0) /* what check_exec becomes */
        return atoi(argv[2]);
    for (size_t i = 0; i < NR_CHECKS; i++) {
        if (!is_wanted(&checks[i], argc, argv))
            continue;
        if (run_one(&checks[i]))
            passed++;
        else
            bad++;
    }
    printf("CHECKS %u passed, %u failed\n", passed, bad);
    return bad > 0 || passed == 0;
}
