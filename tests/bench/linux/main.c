/* SPDX-License-Identifier: MIT */
/*
 * The first process of the guest: measures rows, each in a process of its own, and powers the
 * machine off. The kernel's command line tells by "unit=instructions" or "unit=ns" what is counted,
 * and by "rows=a,b" which rows (without it, all). Lines:
 *
 *     BENCH row,batch,operations,value     a batch of them took that; batches count from 1
 *     BENCHERROR row: why                  nothing is known of it
 *     BENCHEND count                       so many BENCH lines there were
 *
 * In the same order the plugin gets a report for each BENCH line. They are printed when a row is
 * over: what the console causes is not to fall into a timed part.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BATCHES    15
#define BATCH_NS   20000000UL /* at least, when time is measured */
#define ROUNDS_MAX (1U << 24)
#define LIMIT_S    600 /* of a row; generous */
#define SETTLE_US  200000
#define NR(array)  (sizeof(array) / sizeof((array)[0]))

static const struct row *const groups[] = { call_rows, memory_rows, process_rows, pipe_rows };
static bool by_instructions;
static const char *row_name = "";
static unsigned *nr_lines; /* shared with the rows' processes */

uint64_t clock_read(void)
{
    struct timespec t;

    if (by_instructions)
        return __builtin_ia32_rdtsc();
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void fail(const char *format, ...)
{
    va_list args;

    printf("BENCHERROR %s: ", row_name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

/* So many rounds that a batch takes long enough for the clock. */
static unsigned rounds_by_time(uint64_t (*run)(unsigned rounds))
{
    unsigned rounds = 1;

    while (run(rounds) < BATCH_NS && rounds < ROUNDS_MAX)
        rounds *= 2;
    return rounds;
}

static void measure(const struct row *row, const char *suffix, uint64_t (*run)(unsigned rounds))
{
    unsigned rounds = by_instructions ? row->rounds : rounds_by_time(run);
    uint64_t values[BATCHES];

    run(rounds);
    run(rounds);
    MARK(4);
    for (unsigned i = 0; i < BATCHES; i++) {
        values[i] = run(rounds);
        MARK(3);
    }
    for (unsigned i = 0; i < BATCHES; i++, ++*nr_lines)
        printf("BENCH %s%s,%u,%u,%lu\n", row->name, suffix, i + 1, rounds * row->operations,
               values[i]);
    fflush(stdout);
}

/* Returns whether it could be measured. */
static bool run_row(const struct row *row)
{
    int status = -1;
    pid_t child;

    usleep(SETTLE_US);
    row_name = row->name;
    child = fork();
    if (child == 0) {
        alarm(LIMIT_S);
        if (row->prepare)
            row->prepare();
        measure(row, "", row->run);
        if (row->pass) {
            usleep(SETTLE_US);
            measure(row, "-pass", row->pass);
        }
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        printf("BENCHERROR %s: no process for it\n", row->name);
    else if (WIFSIGNALED(status))
        printf("BENCHERROR %s: ended by signal %d\n", row->name, WTERMSIG(status));
    return child > 0 && status == 0;
}

/* Is the name in the list "a,b,c"? No list has all. */
static bool is_wanted(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; at != NULL; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ','))
            return true;
    return list == NULL;
}

static void run_rows(const char *list)
{
    bool well = true;

    for (size_t g = 0; g < NR(groups); g++)
        for (const struct row *row = groups[g]; row->name != NULL; row++)
            if (is_wanted(list, row->name))
                well &= run_row(row);
    if (well)
        printf("BENCHEND %u\n", *nr_lines);
}

int main(void)
{
    const char *unit = getenv("unit");

    setvbuf(stdout, NULL, _IOLBF, 0);
    by_instructions = unit != NULL && strcmp(unit, "instructions") == 0;
    nr_lines = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mkdir("/dev", 0755);
    if (getpid() != 1 || nr_lines == MAP_FAILED || mount("dev", "/dev", "devtmpfs", 0, NULL) != 0)
        printf("BENCHERROR start: this wants to be the first process, and a kernel with devtmpfs: "
               "%m\n");
    else
        run_rows(getenv("rows"));
    tcdrain(STDOUT_FILENO);
    usleep(SETTLE_US);
    reboot(RB_POWER_OFF);
    return 1;
}
