/* SPDX-License-Identifier: MIT */
/*
 * Runs workloads and says what came out, one line each and a verdict.
 */
#include <stdarg.h>

#include "arch/arch.h"
#include "kernel/printf.h"
#include "kernel/smp.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "workloads/list.h"
#include "workloads/workload.h"

#define NOTES_MAX 12 /* failures shown in full, per workload */

static struct {
    struct spinlock lock;
    unsigned nr_failed;
    bool skipped;
    char reason[192], context[96];
} current;

static struct {
    unsigned passed, failed, skipped;
} verdict;

static void note_failure(const char *text)
{
    bool enabled = arch_irq_disable();

    spin_lock(&current.lock);
    if (current.nr_failed++ == 0)
        ksnprintf(current.reason, sizeof(current.reason), "%s", text);
    else if (current.nr_failed <= NOTES_MAX)
        kprintf("  also: %s\n", text);
    spin_unlock(&current.lock);
    arch_irq_restore(enabled);
}

bool check_true(bool holds, const char *what, const char *file, int line)
{
    char text[192];

    if (!holds) {
        ksnprintf(text, sizeof(text), "%s:%d: not true: %s %s", file, line, what, current.context);
        note_failure(text);
    }
    return holds;
}

bool check_equal(uint64_t got, uint64_t expected, const char *what, const char *file, int line)
{
    char text[192];
    bool small =
        (long)got > -4096 && (long)got < 4096 && (long)expected > -4096 && (long)expected < 4096;

    if (got == expected)
        return true;
    if (small)
        ksnprintf(text, sizeof(text), "%s:%d: %s: expected %ld, got %ld %s", file, line, what,
                 (long)expected, (long)got, current.context);
    else
        ksnprintf(text, sizeof(text), "%s:%d: %s: expected 0x%lx, got 0x%lx %s", file, line, what,
                 (unsigned long)expected, (unsigned long)got, current.context);
    note_failure(text);
    return false;
}

void workload_skip(const char *format, ...)
{
    va_list args;

    current.skipped = true;
    va_start(args, format);
    kvsnprintf(current.reason, sizeof(current.reason), format, args);
    va_end(args);
}

void check_context(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    kvsnprintf(current.context, sizeof(current.context), format, args);
    va_end(args);
}

static void run_one(const struct workload *workload)
{
    memset(&current, 0, sizeof(current));
    workload->run();
    if (current.nr_failed > 0) {
        verdict.failed++;
        kprintf("WORKLOAD %s FAIL %s\n", workload->name, current.reason);
    } else if (current.skipped) {
        verdict.skipped++;
        kprintf("WORKLOAD %s SKIP %s\n", workload->name, current.reason);
    } else {
        verdict.passed++;
        kprintf("WORKLOAD %s PASS\n", workload->name);
    }
}

void workloads_list(void)
{
    for (unsigned i = 0; i < nr_workloads; i++)
        kprintf("LIST %s %s\n", workloads[i].name, workloads[i].description);
}

static void run_named(const char *name)
{
    for (unsigned i = 0; i < nr_workloads; i++) {
        if (strcmp(workloads[i].name, name) == 0) {
            run_one(&workloads[i]);
            return;
        }
    }
    verdict.failed++;
    kprintf("WORKLOAD %s FAIL no such workload\n", name);
}

void workloads_run(const struct name_list *names)
{
    for (unsigned i = 0; i < names->count; i++)
        run_named(names->names[i]);
    for (unsigned i = 0; names->count == 0 && i < nr_workloads; i++)
        run_one(&workloads[i]);
    kprintf("VERDICT %u passed, %u failed, %u skipped\n", verdict.passed, verdict.failed,
           verdict.skipped);
}
