/* SPDX-License-Identifier: MIT */
/*
 * What the store costs on this computer: one line a figure, nanoseconds and steps an operation,
 * among few guests and among many. Steps are exact; nanoseconds are for a first impression, and
 * nothing is asserted of them.
 */
#include "guests.h"
#include <stdio.h>
#include <time.h>

#define TIMES 20000U

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t steps_now(void)
{
    struct store_counters counters;

    store_counters(store, &counters);
    return counters.steps;
}

static void write_one(unsigned i)
{
    put(0, 0, "/local/domain/1/device/vbd/51712/state", i & 1 ? "1" : "2");
}

static void read_one(unsigned i)
{
    (void)i;
    get(0, 0, "/local/domain/1/device/vbd/51712/state");
}

static void through_ring(unsigned i)
{
    put(1, 0, "device/vbd/51712/state", i & 1 ? "1" : "2");
}

static void write_watched(unsigned i)
{
    write_one(i);
    events(1);
}

static void connect_device(unsigned i)
{
    uint32_t tx = start(0);

    (void)i;
    put(0, tx, "/local/domain/1/device/vbd/51712/ring-ref", "8");
    put(0, tx, "/local/domain/1/device/vbd/51712/event-channel", "9");
    put(0, tx, "/local/domain/1/device/vbd/51712/state", "3");
    finish(0, tx);
}

static const struct {
    const char *name;
    void (*once)(unsigned i);
} rows[] = {
    { "read", read_one },
    { "write", write_one },
    { "write-ring", through_ring },
    { "write-watched", write_watched },
    { "connect-transaction", connect_device },
};

static void measure(unsigned nr_guests, unsigned nr_nodes)
{
    char path[64];

    begin(NULL);
    introduce(1, nr_guests);
    for (unsigned i = 1; i <= nr_guests; i++) {
        put(i, 0, "device/vbd/51712/state", "1");
        watch(i, "device", "d");
    }
    for (unsigned i = 0; i < nr_nodes; i++) {
        snprintf(path, sizeof(path), "/local/domain/0/many/%u", i);
        put(0, 0, path, "");
    }
    run();
    for (unsigned r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint64_t steps = steps_now(), ns = now_ns();
        for (unsigned i = 0; i < TIMES; i++)
            rows[r].once(i);
        printf("store,%s,guests=%u nodes=%u,%.0f ns,%.1f steps\n", rows[r].name, nr_guests,
               nr_nodes, (double)(now_ns() - ns) / TIMES, (double)(steps_now() - steps) / TIMES);
    }
    end();
}

int main(void)
{
    measure(1, 10);
    measure(100, 100000);
    return 0;
}
