/* SPDX-License-Identifier: MIT */
/*
 * Runs benchmarks and prints a line each: the minimum of several measurements, for ticks the median
 * too.
 */
#include "arch/arch.h"
#include "bench/bench.h"
#include "kernel/printf.h"
#include "kernel/string.h"

#define REPEATS_INSTRUCTIONS 3 /* the minimum leaves out what interrupted the hypervisor */
#define REPEATS_TICKS        9
#define REPEATS_MAX          16

static const struct bench_row *const groups[] = {
    bench_cpu_rows,   bench_paging_rows, bench_pin_rows,
    bench_event_rows, bench_grant_rows,  bench_trap_rows,
    bench_user_rows,  bench_domain_rows,
};

static unsigned nr_lines;

/* VALUE is in hundredths. */
static void print_line(const struct bench_row *row, unsigned batch, const char *unit,
                       uint64_t value)
{
    kprintf("BENCH %s,%u,%s,%lu.%02lu\n", row->name, batch, unit, value / 100, value % 100);
    nr_lines++;
}

static void sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint64_t value = values[i];
        unsigned at = i;

        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static void measure(const struct bench_row *row, unsigned batch)
{
    unsigned repeats = cmdline.bench_ticks ? REPEATS_TICKS : REPEATS_INSTRUCTIONS;
    unsigned rounds = cmdline.rounds != 0 ? cmdline.rounds : row->rounds;
    unsigned elements = row->batches == BATCH_THREE ? 1 : batch;
    uint64_t values[REPEATS_MAX];

    if (batch >= 8 && rounds > 64)
        rounds = rounds / 8 > 16 ? rounds / 8 : 16;
    row->run(rounds / 8 + 2, batch); /* warm up */
    BENCH_MARK(4);
    for (unsigned i = 0; i < repeats; i++)
        values[i] = row->run(rounds, batch) * 100 / rounds / elements;
    BENCH_MARK(3);
    sort(values, repeats);
    print_line(row, batch, cmdline.bench_ticks ? "ticks" : "instructions", values[0]);
    if (cmdline.bench_ticks)
        print_line(row, batch, "ticks-median", values[repeats / 2]);
}

static void run_row(const struct bench_row *row)
{
    static const unsigned last[] = {
        [BATCH_ONE] = 1,   [BATCH_DOUBLE] = BATCH_MAX, [BATCH_EMPTY] = 64,
        [BATCH_EIGHT] = 8, [BATCH_THREE] = 3,
    };
    unsigned factor = row->batches == BATCH_EMPTY ? 8 : 2;
    unsigned batch =
        row->batches == BATCH_EIGHT || row->batches == BATCH_THREE ? last[row->batches] : 1;

    if (row->setup != NULL && !row->setup()) {
        kprintf("tenon-guest: benchmark %s cannot be set up\n", row->name);
        return;
    }
    for (; batch <= last[row->batches]; batch *= factor)
        measure(row, batch);
    if (row->teardown != NULL)
        row->teardown();
}

static bool wanted(const struct name_list *names, const char *name)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return names->count == 0;
}

static bool exists(const char *name)
{
    for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct bench_row *row = groups[g]; row->name != NULL; row++)
            if (strcmp(row->name, name) == 0)
                return true;
    return false;
}

void bench_run(const struct name_list *names)
{
    for (unsigned i = 0; i < names->count; i++)
        if (!exists(names->names[i]))
            kprintf("tenon-guest: no benchmark is called '%s'\n", names->names[i]);
    for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct bench_row *row = groups[g]; row->name != NULL; row++)
            if (wanted(names, row->name))
                run_row(row);
    kprintf("BENCHEND %u rows\n", nr_lines);
}
