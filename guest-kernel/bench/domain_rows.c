/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of what dom0 does with domains: a tiny guest is made, from nothing to ready to run, and destroyed.
 */
#include "arch/pv/pv.h"
#include "bench/bench.h"
#include "workloads/tiny_guest.h"

#define LIVE 99

static struct tiny live[LIVE];
static unsigned nr_live;

static bool live_setup(void)
{
    for (nr_live = 0; nr_live < LIVE; nr_live++)
        if (!tiny_create(&live[nr_live], TINY_BLOCK))
            return false;
    return true;
}

static void live_teardown(void)
{
    while (nr_live > 0)
        tiny_destroy(&live[--nr_live]);
}

/* Only its making is timed. */
static uint64_t create(unsigned rounds, unsigned batch)
{
    uint64_t total = 0;

    (void)batch;
    for (unsigned i = 0; i < rounds; i++) {
        struct tiny t;
        uint64_t begun = bench_begin();

        if (!tiny_create(&t, TINY_BLOCK))
            return 0;
        total += bench_end(begun);
        tiny_destroy(&t);
    }
    return total;
}

const struct bench_row bench_domain_rows[] = {
    { "domain-create", BATCH_ONE, 16, create, NULL, NULL },
    { "domain-create-100th", BATCH_ONE, 16, create, live_setup, live_teardown },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
