/* SPDX-License-Identifier: MIT */
/*
 * What a write costs, in steps (table entries, nodes and watches looked at): the same however many
 * guests and nodes there are. Steps are exact: no clock is asked.
 */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <string.h>

static uint64_t steps_now(void)
{
    struct store_counters counters;

    store_counters(store, &counters);
    return counters.steps;
}

/* The guests have a home of a few nodes with watches on them, as front ends do. */
static void furnish(unsigned nr_guests, unsigned nr_nodes)
{
    struct store_config config = { .hash_key = { 1, 2 } };
    char path[64];

    config.quota[STORE_QUOTA_NODES] = 100000;
    begin(&config);
    introduce(1, nr_guests);
    for (unsigned i = 1; i <= nr_guests; i++) {
        watch(i, "device", "d");
        watch(i, "control/shutdown", "s");
        watch(i, "/local/domain/0/backend", "b"); /* they may not read it all */
        watch(i, "/", "all");
        put(i, 0, "device/vbd/51712/state", "1");
    }
    for (unsigned i = 0; i < nr_nodes; i++) {
        snprintf(path, sizeof(path), "/local/domain/0/many/%u", i);
        put(0, 0, path, "");
        snprintf(path, sizeof(path), "/local/domain/1/many/%u", i);
        put(0, 0, path, "");
    }
    events(0);
    run();
    for (unsigned i = 1; i <= nr_guests; i++)
        events(i);
}

static uint64_t steps_of_writes(void)
{
    uint64_t before = steps_now();

    for (unsigned i = 0; i < 200; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%u", i);
        ck_assert_str_eq(put(0, 0, "/local/domain/1/device/vbd/51712/state", value), "OK");
        ck_assert_str_eq(put(0, 0, "/local/domain/0/backend/vbd/1/51712/state", value), "OK");
    }
    return (steps_now() - before) / 200;
}

START_TEST(a_write_costs_the_same_among_many)
{
    uint64_t few, many;

    furnish(2, 10);
    few = steps_of_writes();
    end();
    furnish(100, 10000);
    many = steps_of_writes();
    end();
    /* Chains in tables have other lengths; nothing else differs. */
    ck_assert_msg(many <= few + few / 2, "%lu steps among few, %lu among many", few, many);
}
END_TEST

START_TEST(a_transaction_costs_what_it_touches)
{
    uint64_t cost[2];

    for (unsigned round = 0; round < 2; round++) {
        furnish(round ? 100 : 2, round ? 10000 : 10);
        uint64_t before = steps_now();
        for (unsigned i = 0; i < 100; i++) {
            uint32_t tx = start(0);
            put(0, tx, "/local/domain/1/device/vbd/51712/state", "4");
            put(0, tx, "/local/domain/1/device/vbd/51712/new", "4");
            ck_assert_str_eq(finish(0, tx), "OK");
            remove_path(0, 0, "/local/domain/1/device/vbd/51712/new");
        }
        cost[round] = (steps_now() - before) / 100;
        end();
    }
    ck_assert_msg(cost[1] <= cost[0] + cost[0] / 2, "%lu steps among few, %lu among many", cost[0],
                  cost[1]);
}
END_TEST

/* A change is told to those concerned, and looked at by nobody else. */
START_TEST(watches_of_others_cost_nothing)
{
    struct store_counters before, after;

    furnish(100, 10);
    store_counters(store, &before);
    put(0, 0, "/local/domain/7/device/vbd/51712/state", "2");
    run();
    store_counters(store, &after);
    ck_assert_uint_eq(after.events_queued - before.events_queued,
                      2); /* device and / of the seventh */
    ck_assert_uint_lt(after.steps - before.steps, 60);
    ck_assert_str_eq(events(7),
                     "device/vbd/51712/state d;/local/domain/7/device/vbd/51712/state all;");
    ck_assert_str_eq(events(8), "");
    end();
}
END_TEST

START_TEST(an_idle_guest_costs_nothing)
{
    furnish(100, 10);
    uint64_t before = steps_now();
    for (unsigned i = 1; i <= 100; i++)
        store_ring_event(store, (domid_t)i);
    run();
    ck_assert_uint_eq(steps_now(), before);
    ck_assert(!store_work(store, 1));
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_write_costs_the_same_among_many },
        { a_transaction_costs_what_it_touches },
        { watches_of_others_cost_nothing },
        { an_idle_guest_costs_nothing },
    };

    return RUN_TESTS("xenstore-lite/cost", tests);
}
