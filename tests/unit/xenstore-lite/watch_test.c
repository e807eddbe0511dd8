/* SPDX-License-Identifier: MIT */
/* Watches: who is told what, and in which order. */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

START_TEST(a_watch_fires_once_at_once)
{
    begin(NULL);
    introduce(1, 1);
    IS(watch(0, "/not/there", "tok"), "OK");
    ck_assert_uint_eq(wakes, 1);
    IS(events(0), "/not/there tok;");
    IS(events(0), "");
    IS(watch(1, "data", ""), "OK"); /* an empty token is one */
    IS(events(1), "data ;");
    IS(watch(1, "/", "all"), "OK"); /* though it may not read it */
    IS(events(1), "/ all;");
    IS(watch(0, "/not/there", "tok"), "!EEXIST");
    IS(watch(0, "/not/there", "tok2"), "OK");
    IS(watch(1, "/local/domain/1/data", ""), "!EEXIST"); /* the same path */
    IS(unwatch(0, "/not/there", "tok"), "OK");
    IS(unwatch(0, "/not/there", "tok"), "!ENOENT");
    IS(unwatch(1, "/not/there", "tok2"), "!ENOENT"); /* another's */
    IS(ask(1, XS_WATCH, 77, 2, "data", "in no transaction"), "OK");
    IS(ask(1, XS_UNWATCH, 77, 2, "data", "in no transaction"), "OK");
    end();
}
END_TEST

START_TEST(changes_at_and_below_are_told_and_no_others)
{
    begin(NULL);
    put(0, 0, "/a/b/c", "1");
    watch(0, "/a/b", "t");
    events(0);
    put(0, 0, "/a/b", "2");
    IS(events(0), "/a/b t;");
    put(0, 0, "/a/b/c", "2");
    IS(events(0), "/a/b/c t;");
    put(0, 0, "/a/b/x/y/z", "2"); /* only the path that was asked for */
    IS(events(0), "/a/b/x/y/z t;");
    allow(0, 0, "/a/b/c", "r0");
    IS(events(0), "/a/b/c t;");
    ask(0, XS_MKDIR, 0, 1, "/a/b/d");
    IS(events(0), "/a/b/d t;");
    ask(0, XS_MKDIR, 0, 1, "/a/b/d"); /* was there */
    put(0, 0, "/a", "2");
    put(0, 0, "/a/bb", "2");
    put(0, 0, "/b", "2");
    get(0, 0, "/a/b/c");
    remove_path(0, 0, "/a/b/none");
    IS(events(0), "");
    end();
}
END_TEST

START_TEST(a_removal_is_told_at_the_top_and_to_those_who_watch_below)
{
    begin(NULL);
    put(0, 0, "/a/b/c", "1");
    put(0, 0, "/a/b/d", "1");
    watch(0, "/", "root");
    watch(0, "/a/b", "b");
    watch(0, "/a/b/c", "c");
    watch(0, "/a/b/c/deeper", "none");
    watch(0, "/a/x", "none");
    events(0);
    remove_path(0, 0, "/a");
    IS(events(0), "/a root;/a/b b;/a/b/c c;");
    end();
}
END_TEST

START_TEST(events_come_in_the_order_of_changes)
{
    char wanted[4096] = "";

    begin(NULL);
    introduce(1, 1);
    watch(1, "data", "t");
    events(1);
    for (unsigned i = 0; i < 100; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/local/domain/1/data/%u", i * 7919 % 100);
        put(0, 0, path, "");
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s t;", path + 16);
    }
    IS(events(1), wanted);
    end();
}
END_TEST

START_TEST(what_waits_already_is_not_told_twice)
{
    struct store_counters counters;

    begin(NULL);
    watch(0, "/a", "t");
    put(0, 0, "/a/x", "1");
    put(0, 0, "/a/y", "1");
    put(0, 0, "/a/x", "2");
    IS(events(0), "/a t;/a/x t;/a/y t;");
    put(0, 0, "/a/x", "3"); /* the last one is taken: this is news */
    IS(events(0), "/a/x t;");
    store_counters(store, &counters);
    ck_assert_uint_eq(counters.events_merged, 1);
    end();
}
END_TEST

START_TEST(only_who_may_read_is_told)
{
    begin(NULL);
    introduce(1, 3);
    put(0, 0, "/x/y", "1");
    for (unsigned i = 1; i <= 3; i++) {
        watch(i, "/x", "t");
        events(i);
    }
    allow(0, 0, "/x/y", "n0 r1 w2");
    IS(events(1), "/x/y t;"); /* from now on it may */
    put(0, 0, "/x/y", "2");
    IS(events(1), "/x/y t;");
    IS(events(2), "");
    IS(events(3), "");
    allow(0, 0, "/x/y", "n0 n1 n2");
    IS(events(1), "/x/y t;"); /* till now it might */
    allow(0, 0, "/x/y", "r0 n1");
    events(2);
    events(3);
    put(0, 0, "/x/y", "3");
    IS(events(1), "");
    IS(events(2), "/x/y t;");
    IS(events(3), "/x/y t;");
    allow(0, 0, "/x/y", "n3");
    events(3);
    remove_path(0, 0, "/x");
    IS(events(3), ""); /* /x was not for it to read, and it does not watch /x/y */
    end();
}
END_TEST

START_TEST(a_removed_node_is_told_to_those_who_might_read_it)
{
    begin(NULL);
    introduce(1, 2);
    put(0, 0, "/x/y", "1");
    allow(0, 0, "/x/y", "n0 r1");
    watch(1, "/x/y", "t");
    watch(2, "/x/y", "t");
    events(1);
    events(2);
    remove_path(0, 0, "/x");
    IS(events(1), "/x/y t;");
    IS(events(2), "");
    end();
}
END_TEST

START_TEST(domains_that_come_and_go_are_told_to_dom0)
{
    begin(NULL);
    IS(watch(0, "@introduceDomain", "i"), "OK");
    IS(watch(0, "@releaseDomain", "r"), "OK");
    IS(events(0), "@introduceDomain i;@releaseDomain r;");
    introduce(1, 1);
    IS(watch(1, "@releaseDomain", "r"), "OK");
    IS(events(1), "@releaseDomain r;");
    IS(events(0), "@introduceDomain i;");
    introduce(2, 3);
    ck_assert_int_eq(store_introduce(store, 3, 1, 7), 0); /* only its port is new */
    IS(events(0), "@introduceDomain i;");
    store_release(store, 2);
    IS(events(0), "@releaseDomain r;");
    IS(events(1), "");
    allow(0, 0, "@releaseDomain", "n0 r1");
    store_domains_changed(store); /* nothing happened */
    IS(events(0), "");
    guests[3].life = STORE_DOMAIN_STOPPED;
    store_domains_changed(store);
    IS(events(0), "@releaseDomain r;");
    IS(events(1), "@releaseDomain r;");
    store_domains_changed(store); /* that was told */
    IS(events(0), "");
    ask(0, XS_RESUME, 0, 1, "3");
    store_domains_changed(store);
    IS(events(0), "@releaseDomain r;");
    guests[3].life = STORE_DOMAIN_GONE;
    store_domains_changed(store);
    IS(events(0), "@releaseDomain r;");
    ck_assert(!guests[3].mapped);
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "3"), "F");
    end();
}
END_TEST

START_TEST(transactions_are_told_when_they_are_committed)
{
    uint32_t tx;

    begin(NULL);
    introduce(1, 1);
    put(0, 0, "/a/old/below", "1");
    watch(0, "/a", "t");
    watch(0, "/a/old/below", "below");
    events(0);
    tx = start(0);
    put(0, tx, "/a/z", "1");
    put(0, tx, "/a/y/x", "1");
    put(0, tx, "/a/z", "2");
    put(0, tx, "/a/v/w", "1");
    remove_path(0, tx, "/a/old");
    put(0, tx, "/a/gone", "1");
    remove_path(0, tx, "/a/gone"); /* never was */
    allow(0, tx, "/a/y", "r0");
    IS(events(0), "");
    IS(finish(0, tx), "OK");
    IS(events(0), "/a/z t;/a/y t;/a/y/x t;/a/v/w t;/a/old t;/a/old/below below;");
    tx = start(0);
    put(0, tx, "/a/z", "3");
    ask(0, XS_TRANSACTION_END, tx, 1, "F");
    IS(events(0), "");
    tx = start(0);
    get(0, tx, "/a/z");
    put(0, tx, "/a/new", "3");
    put(0, 0, "/a/z", "4");
    events(0);
    IS(finish(0, tx), "!EAGAIN");
    IS(events(0), "");
    end();
}
END_TEST

START_TEST(a_watch_that_is_gone_tells_nothing_more)
{
    begin(NULL);
    introduce(1, 1);
    guests[1].silent = true;
    watch(0, "/a", "t");
    watch(0, "/a", "u");
    put(0, 0, "/a/x", "1");
    unwatch(0, "/a", "t");
    IS(events(0), "/a u;/a/x u;");
    guests[1].silent = false;
    watch(1, "data", "t");
    watch(1, "data", "u");
    uint32_t tx = start(1);
    IS(ask(1, XS_RESET_WATCHES, 0, 1, ""), "OK");
    IS(finish(1, tx), "!ENOENT"); /* transactions end as well */
    events(1);
    put(1, 0, "data", "1");
    IS(events(1), "");
    end();
}
END_TEST

/* A guest that does not read costs no more than its quota, and is told in the end where to look. */
START_TEST(too_many_events_become_one_for_the_watch)
{
    struct store_config config = { .quota = { [STORE_QUOTA_EVENT_BYTES] = 2000 } };
    struct store_counters counters;
    char path[64];

    begin(&config);
    introduce(1, 1);
    watch(1, "data", "t");
    watch(1, "data/sub", "u");
    events(1);
    guests[1].silent = true;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/data/sub/%u", i);
        put(0, 0, path, "");
    }
    store_counters(store, &counters);
    ck_assert_uint_lt(counters.events_queued, 100);
    ck_assert_uint_ge(counters.events_overflowed, 2);
    ck_assert(strstr(log_text, "d1: quota event-bytes"));
    guests[1].silent = false;
    store_ring_event(store, 1);
    const char *text = events(1);
    ck_assert(strstr(text, "data/sub/0 t;"));
    ck_assert_ptr_null(strstr(text, "data/sub/499 t;"));
    ck_assert(strstr(text, ";data t;"));
    ck_assert(strstr(text, ";data/sub u;"));
    put(0, 0, "/local/domain/1/data/sub/499", "");
    IS(events(1), "data/sub/499 u;data/sub/499 t;");
    end();
}
END_TEST

START_TEST(tokens_have_a_longest)
{
    char token[1100];

    begin(NULL);
    memset(token, 't', sizeof(token));
    token[1023] = 0;
    IS(watch(0, "/a", token), "!E2BIG");
    token[1022] = 0;
    IS(watch(0, "/a", token), "OK");
    ck_assert_uint_eq(strlen(events(0)), 2 + 1 + 1022 + 1);
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_watch_fires_once_at_once },
        { changes_at_and_below_are_told_and_no_others },
        { a_removal_is_told_at_the_top_and_to_those_who_watch_below },
        { events_come_in_the_order_of_changes },
        { what_waits_already_is_not_told_twice },
        { only_who_may_read_is_told },
        { a_removed_node_is_told_to_those_who_might_read_it },
        { domains_that_come_and_go_are_told_to_dom0 },
        { transactions_are_told_when_they_are_committed },
        { a_watch_that_is_gone_tells_nothing_more },
        { too_many_events_become_one_for_the_watch },
        { tokens_have_a_longest },
    };

    return RUN_TESTS("xenstore-lite/watch", tests);
}
