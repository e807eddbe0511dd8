/* SPDX-License-Identifier: MIT */
/* Memory: what is written is read again, and what is protected faults, on every processor. */
#define _GNU_SOURCE
#include "checks.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define PAGE 4096UL

static void *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    return at == MAP_FAILED ? NULL : at;
}

/* Every word is its own address, mixed with the round. */
static void fill_and_verify(size_t size, uint64_t round)
{
    uint64_t *words = map(size);
    size_t nr_words = size / sizeof(*words);

    if (!words)
        return;
    for (size_t i = 0; i < nr_words; i++)
        CHECK(i % 512 || words[i] == 0); /* fresh pages are empty */
    for (size_t i = 0; i < nr_words; i++)
        words[i] = (uint64_t)&words[i] ^ round;
    for (size_t i = 0; i < nr_words; i++)
        if (words[i] != ((uint64_t)&words[i] ^ round)) {
            failed("word %zu of %zu bytes is %lx", i, size, words[i]);
            break;
        }
    munmap(words, size);
}

/* All sizes up to half of what is free. */
void check_memory(void)
{
    struct sysinfo info;

    sysinfo(&info);
    for (size_t size = PAGE; size <= info.freeram / 2; size *= 2)
        fill_and_verify(size, size);
    fill_and_verify(info.freeram / 2 & ~(PAGE - 1), 1);
}

/* ---- protection ---- */

static sigjmp_buf back;
static void *volatile fault_at;

static void fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(back, 1);
}

/* Does this access fault, and at that address? */
static bool faults(volatile char *at, bool write)
{
    if (sigsetjmp(back, 1))
        return fault_at == (void *)at;
    if (write)
        *at = 1;
    else
        (void)*at;
    return false;
}

static void catch_faults(void)
{
    struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

    sigaction(SIGSEGV, &action, NULL);
}

/* Pages change their rights as it falls; each access does what the rights say. */
void check_protection(void)
{
    static const int rights[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
    enum { PAGES = 64, STEPS = 4000 };
    char *area = map(PAGES * PAGE);
    int has[PAGES];
    uint64_t seed = 7;

    if (!area)
        return;
    catch_faults();
    for (unsigned i = 0; i < PAGES; i++)
        has[i] = 2;
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned page = (unsigned)(next_random(&seed) % PAGES);
        if (step % 3 == 0) {
            has[page] = (int)(next_random(&seed) % 3);
            CHECK(mprotect(area + page * PAGE, PAGE, rights[has[page]]) == 0);
        }
        bool write = next_random(&seed) % 2;
        CHECK(faults(area + page * PAGE + next_random(&seed) % PAGE, write) == (has[page] < (write ? 2 : 1)));
    }
    munmap(area, PAGES * PAGE);
    CHECK(faults(area, false));
}

/* ---- shootdown ---- */

static char *volatile shared;
static volatile bool stop;

/* Reads what the main thread maps and unmaps: old translations would show old numbers. */
static void *read_along(void *argument)
{
    run_on((unsigned)(uintptr_t)argument);
    while (!stop) {
        volatile uint64_t *at = (volatile uint64_t *)shared;
        uint64_t before, after;
        if (sigsetjmp(back, 1))
            continue;
        before = at[0];
        after = at[0];
        CHECK(after >= before);
    }
    return NULL;
}

void check_shootdown(void)
{
    enum { ROUNDS = 500 };
    pthread_t reader;
    char *area = map(2 * PAGE);

    if (!area || nr_cpus() < 2)
        return;
    catch_faults();
    shared = area;
    run_on(0);
    CHECK(pthread_create(&reader, NULL, read_along, (void *)1UL) == 0);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        void *fresh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile uint64_t *)fresh = round;
        /* In one step another page takes its place. */
        CHECK(mremap(fresh, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area) == area);
        CHECK(*(volatile uint64_t *)area == round);
    }
    stop = true;
    pthread_join(reader, NULL);
}
