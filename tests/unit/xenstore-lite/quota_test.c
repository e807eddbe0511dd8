/* SPDX-License-Identifier: MIT */
/* Quotas: each is reached, refused with its name in the log, and given back. dom0 has none. */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

static void begin_with(enum store_quota quota, uint32_t value)
{
    struct store_config config = { .quota = { 0 } };

    config.quota[quota] = value;
    begin(&config);
    introduce(1, 2);
}

static void check_log(enum store_quota quota)
{
    char text[64];

    snprintf(text, sizeof(text), "d1: quota %s: ", store_quota_name(quota));
    ck_assert_msg(strstr(log_text, text) != NULL, "%s", log_text);
}

START_TEST(nodes)
{
    uint32_t tx;

    begin_with(STORE_QUOTA_NODES, 5);
    allow(0, 0, "/local/domain/1", "n0 b1"); /* so that itself is not counted */
    IS(put(1, 0, "data/a", ""), "OK");
    IS(put(1, 0, "data/b/c/d", ""), "OK");
    ck_assert_str_eq(log_text, "");
    IS(put(1, 0, "data/e", ""), "!ENOSPC");
    check_log(STORE_QUOTA_NODES);
    IS(put(1, 0, "data/e/f", ""), "!ENOSPC");
    IS(ask(1, XS_MKDIR, 0, 1, "data/e"), "!ENOSPC");
    IS(get(1, 0, "data/e"), "!ENOENT");
    IS(put(1, 0, "data/a", "changed"), "OK");
    IS(put(2, 0, "data/a", ""), "OK"); /* another's quota */
    IS(put(0, 0, "/local/domain/1/data/by0", ""), "OK");
    remove_path(0, 0, "/local/domain/1/data/by0");
    IS(remove_path(1, 0, "data/b/c/d"), "OK");
    IS(put(1, 0, "data/e", ""), "OK");
    /* In a transaction, what counts is what is left in the end. */
    tx = start(1);
    IS(remove_path(1, tx, "data/b"), "OK");
    IS(put(1, tx, "data/f", ""), "OK");
    IS(put(1, tx, "data/g", ""), "OK");
    IS(finish(1, tx), "OK");
    tx = start(1);
    IS(put(1, tx, "data/h", ""), "OK");
    IS(finish(1, tx), "!ENOSPC");
    IS(get(1, 0, "data/h"), "!ENOENT");
    /* Removing the same in two ways counts once. */
    tx = start(1);
    IS(remove_path(1, tx, "data/a"), "OK");
    IS(remove_path(1, tx, "data"), "OK");
    for (unsigned i = 0; i < 5; i++) {
        char path[32];
        snprintf(path, sizeof(path), "data/new%u", i);
        IS(put(1, tx, path, ""), "OK");
    }
    IS(finish(1, tx), "!ENOSPC");
    IS(list(1, 0, "data"), "a e f g ");
    end();
}
END_TEST

START_TEST(a_node_given_to_a_guest_counts_and_taken_away_does_not)
{
    begin_with(STORE_QUOTA_NODES, 3);
    IS(put(1, 0, "a", ""), "OK"); /* with its home: two */
    put(0, 0, "/x", "");
    allow(0, 0, "/x", "n1");
    IS(put(1, 0, "b", ""), "!ENOSPC");
    allow(0, 0, "/x", "n0");
    IS(put(1, 0, "b", ""), "OK");
    end();
}
END_TEST

START_TEST(node_size)
{
    char value[301];

    begin_with(STORE_QUOTA_NODE_SIZE, 200);
    memset(value, 'v', sizeof(value));
    value[201] = 0;
    IS(put(1, 0, "a", value), "!ENOSPC");
    check_log(STORE_QUOTA_NODE_SIZE);
    IS(get(1, 0, "a"), "!ENOENT");
    IS(put(0, 0, "/a", value), "OK");
    value[200] = 0;
    IS(put(1, 0, "a", value), "OK");
    end();
}
END_TEST

START_TEST(permissions)
{
    begin_with(STORE_QUOTA_PERMISSIONS, 3);
    put(1, 0, "a", "");
    IS(allow(1, 0, "a", "n1 r2 r3"), "OK");
    IS(allow(1, 0, "a", "n1 r2 r3 r4"), "!ENOSPC");
    check_log(STORE_QUOTA_PERMISSIONS);
    IS(allowed(1, 0, "a"), "n1 r2 r3");
    IS(allow(0, 0, "/local/domain/1/a", "n1 r2 r3 r4"), "OK");
    end();
}
END_TEST

START_TEST(watches)
{
    begin_with(STORE_QUOTA_WATCHES, 2);
    IS(watch(1, "a", "1"), "OK");
    IS(watch(1, "a", "2"), "OK");
    IS(watch(1, "a", "2"), "!EEXIST");
    IS(watch(1, "a", "3"), "!E2BIG");
    check_log(STORE_QUOTA_WATCHES);
    IS(watch(2, "a", "3"), "OK");
    IS(unwatch(1, "a", "1"), "OK");
    IS(watch(1, "a", "3"), "OK");
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(watch(0, "/a", (char[]){ (char)('a' + i), 0 })[0], 'O');
    end();
}
END_TEST

START_TEST(transactions)
{
    uint32_t first;

    begin_with(STORE_QUOTA_TRANSACTIONS, 2);
    first = start(1);
    ck_assert_uint_ne(start(1), 0);
    IS(ask(1, XS_TRANSACTION_START, 0, 1, ""), "!ENOSPC");
    check_log(STORE_QUOTA_TRANSACTIONS);
    ck_assert_uint_ne(start(2), 0);
    IS(finish(1, first), "OK");
    ck_assert_uint_ne(start(1), 0);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_ne(start(0), 0);
    end();
}
END_TEST

START_TEST(transaction_nodes)
{
    uint32_t tx;

    begin_with(STORE_QUOTA_TRANSACTION_NODES, 8);
    tx = start(1);
    IS(get(1, tx, "a/b"), "!ENOENT"); /* with those on the way: /, local, domain, 1, a, b */
    IS(put(1, tx, "a/c", "x"), "OK");
    IS(put(1, tx, "a/d/e", "x"), "!ENOSPC");
    check_log(STORE_QUOTA_TRANSACTION_NODES);
    IS(get(1, tx, "a/c"), "x"); /* what was there is */
    IS(finish(1, tx), "OK");
    IS(get(1, 0, "a/d"), "!ENOENT");
    end();
}
END_TEST

START_TEST(transaction_bytes)
{
    char value[1001];
    uint32_t first, second;

    begin_with(STORE_QUOTA_TRANSACTION_BYTES, 12000);
    memset(value, 'v', sizeof(value));
    value[1000] = 0;
    first = start(1);
    second = start(1);
    for (unsigned i = 0; i < 20; i++) /* again and again the same: that is not more */
        IS(put(1, first, "a", value), "OK");
    IS(put(1, first, "b", value), "OK");
    IS(put(1, second, "a", value), "OK");
    IS(put(1, second, "b", value), "OK");
    const char *answer = "OK";
    for (unsigned i = 0; i < 12 && answer[0] == 'O'; i++) {
        char path[8];
        snprintf(path, sizeof(path), "c%u", i);
        answer = put(1, second, path, value);
    }
    IS(answer, "!ENOSPC");
    check_log(STORE_QUOTA_TRANSACTION_BYTES);
    IS(finish(1, first), "OK");
    IS(put(1, second, "d", value), "OK"); /* there is room again */
    IS(finish(1, second), "!EAGAIN");     /* /a was not there when it was written */
    end();
}
END_TEST

START_TEST(path_length)
{
    char path[200];

    begin_with(STORE_QUOTA_PATH_LENGTH, 100);
    memset(path, 'p', sizeof(path));
    path[101] = 0;
    IS(put(1, 0, path, ""), "!EINVAL");
    check_log(STORE_QUOTA_PATH_LENGTH);
    IS(watch(1, path, ""), "!EINVAL");
    path[100] = 0;
    IS(put(1, 0, path, ""), "OK");
    path[0] = '/';
    path[100] = 'p';
    path[150] = 0;
    IS(put(0, 0, path, ""), "OK");
    end();
}
END_TEST

/* A guest that asks without taking the answers is not asked what else it wants. */
START_TEST(outstanding)
{
    char message[1024], value[1500];
    size_t size;

    begin_with(STORE_QUOTA_OUTSTANDING, 0);
    memset(value, 'v', sizeof(value));
    value[1499] = 0;
    put(1, 0, "a", value);
    guests[1].silent = true;
    size = message_make(message, XS_READ, 0, "a", 2);
    for (unsigned i = 0; i < 20; i++)
        ring_put(1, message, size);
    store_ring_event(store, 1);
    run();
    check_log(STORE_QUOTA_OUTSTANDING);
    ck_assert_uint_ge(guests[1].page->req_prod - guests[1].page->req_cons, size * 18);
    guests[1].silent = false;
    store_ring_event(store, 1);
    run();
    ck_assert_uint_eq(guests[1].page->req_prod, guests[1].page->req_cons);
    IS(get(1, 0, "a"), value);
    end();
}
END_TEST

START_TEST(the_log_is_not_flooded)
{
    unsigned lines = 0;

    begin_with(STORE_QUOTA_WATCHES, 1);
    watch(1, "a", "1");
    for (unsigned i = 0; i < 1000; i++)
        IS(watch(1, "a", "2"), "!E2BIG");
    for (const char *at = log_text; (at = strchr(at, '\n')); at++)
        lines++;
    ck_assert_uint_eq(lines, 10);
    ck_assert(strstr(log_text, "refused 512 times"));
    end();
}
END_TEST

START_TEST(names_that_are_gone_hold_no_table)
{
    char path[32];

    begin(NULL);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(path, sizeof(path), "/d/%u", i);
            put(0, 0, path, "");
        }
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(path, sizeof(path), "/d/%u", i * 7 % 1000);
            IS(get(0, 0, path), "");
            IS(remove_path(0, 0, path), "OK");
            IS(get(0, 0, path), "!ENOENT");
        }
        IS(list(0, 0, "/d"), "");
    }
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { nodes },
        { a_node_given_to_a_guest_counts_and_taken_away_does_not },
        { node_size },
        { permissions },
        { watches },
        { transactions },
        { transaction_nodes },
        { transaction_bytes },
        { path_length },
        { outstanding },
        { the_log_is_not_flooded },
        { names_that_are_gone_hold_no_table },
    };

    return RUN_TESTS("xenstore-lite/quota", tests);
}
