/* SPDX-License-Identifier: MIT */
/* Rings, byte by byte: messages in pieces, wrapping indices, guests that break the rules,
 * reconnection, turns. */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

static size_t make_write(char *message, const char *path, const char *value)
{
    char payload[256];
    size_t length = strlen(path) + 1;

    memcpy(payload, path, length);
    memcpy(payload + length, value, strlen(value));
    return message_make(message, XS_WRITE, 0, payload, length + strlen(value));
}

static void kick(unsigned who)
{
    store_ring_event(store, (domid_t)who);
    run();
}

static bool got_reply(void)
{
    bool got = reply.req_id != 0;

    reply.req_id = 0;
    return got;
}

START_TEST(a_message_may_come_in_any_pieces)
{
    char message[256];

    begin(NULL);
    introduce(1, 1);
    for (unsigned wrap = 0; wrap < 2; wrap++)
        for (size_t split = 0, size = 1; split <= size; split++) {
            char value[16];
            snprintf(value, sizeof(value), "%zu", split);
            size = make_write(message, "data/x", value);
            if (wrap) { /* so that the ring's end falls into it */
                guests[1].page->req_cons = guests[1].page->req_prod = 0;
                guests[1].page->rsp_cons = guests[1].page->rsp_prod = 0;
                guests[1].page->connection = XENSTORE_RECONNECT;
                kick(1);
                while (guests[1].page->req_prod < XENSTORE_RING_SIZE - size / 2)
                    get(1, 0, "data/x");
            }
            reply.req_id = 0;
            ring_put(1, message, split);
            kick(1);
            ck_assert(got_reply() == (split == size));
            ring_put(1, message + split, size - split);
            kick(1);
            if (split < size)
                ck_assert(got_reply());
            IS(get(1, 0, "data/x"), value);
        }
    end();
}
END_TEST

START_TEST(one_byte_at_a_time_with_indices_that_run_over)
{
    char message[256];

    begin(NULL);
    memset(guests[1].page, 0, sizeof(*guests[1].page));
    guests[1].page->req_cons = guests[1].page->req_prod = 0xfffffff0U;
    guests[1].page->rsp_cons = guests[1].page->rsp_prod = 0xffffff00U;
    introduce(1, 1);
    for (unsigned i = 0; i < 20; i++) {
        size_t size = make_write(message, "data/x", "value");
        reply.req_id = 0;
        for (size_t n = 0; n < size; n++) {
            ck_assert(!got_reply());
            ring_put(1, message + n, 1);
            kick(1);
        }
        ck_assert(got_reply());
    }
    ck_assert_uint_lt(guests[1].page->req_prod, 10000);
    ck_assert_uint_lt(guests[1].page->rsp_prod, 10000);
    IS(get(1, 0, "data/x"), "value");
    end();
}
END_TEST

START_TEST(both_sides_hear_of_every_step)
{
    char message[256];
    unsigned before;

    begin(NULL);
    ck_assert_uint_eq(guests[1].notified, 0);
    introduce(1, 1);
    ck_assert_uint_ge(guests[1].notified, 1); /* a guest may wait for the store to come */
    before = guests[1].notified;
    ring_put(1, message, message_make(message, XS_READ, 0, "x", 2) - 1);
    kick(1);
    ck_assert_uint_eq(guests[1].notified, before + 1); /* taken, though there is no reply yet */
    kick(1);
    ck_assert_uint_eq(guests[1].notified, before + 1); /* nothing happened */
    ck_assert_uint_eq(guests[1].page->server_features, 3);
    end();
}
END_TEST

/* The guest has watches and an open transaction: they end with the connection, and the guest knows
 * why. */
static void check_closed(unsigned who, uint32_t why)
{
    struct store_counters counters;
    char message[256];
    uint32_t cons;

    ck_assert_uint_eq(guests[who].page->error, why);
    ck_assert_ptr_null(audit_now());
    store_counters(store, &counters);
    ck_assert_uint_eq(counters.watches, 0);
    ck_assert(strstr(log_text, "d1: ring closed"));
    cons = guests[who].page->req_cons;
    ring_put(who, message, make_write(message, "data/late", "x"));
    kick(who);
    ck_assert_uint_eq(guests[who].page->req_cons, cons); /* nobody reads */
    IS(get(0, 0, "/local/domain/1/data/late"), "!ENOENT");
    IS(get(2, 0, "data"), "there"); /* others are served */
}

static void check_reconnects(unsigned who)
{
    struct xenstore_domain_interface *page = guests[who].page;

    page->connection = XENSTORE_RECONNECT;
    guests[who].have = 0;
    kick(who);
    ck_assert_uint_eq(page->connection, XENSTORE_CONNECTED);
    ck_assert_uint_eq(page->error, XENSTORE_ERROR_NONE);
    ck_assert_uint_eq(page->req_cons | page->req_prod | page->rsp_cons | page->rsp_prod, 0);
    IS(get(who, 0, "data"), "there");
    ck_assert_uint_ne(start(who), 0);
}

static void begin_with_things(void)
{
    begin(NULL);
    introduce(1, 2);
    put(1, 0, "data", "there");
    put(2, 0, "data", "there");
    watch(1, "data", "t");
    put(1, start(1), "data", "pending");
    events(1);
}

START_TEST(wild_indices_close_the_ring)
{
    static const uint32_t wild[] = { 1025, 4096, 0x80000000U, 0xffffffffU, 0xfffffc00U };

    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++)
        for (unsigned which = 0; which < 2; which++) {
            begin_with_things();
            guests[1].silent = true;
            if (which) {
                char message[64];
                ring_put(1, message, message_make(message, XS_READ, 0, "data", 5));
                guests[1].page->rsp_cons = guests[1].page->rsp_prod - wild[i];
            } else {
                guests[1].page->req_prod = guests[1].page->req_cons + wild[i];
            }
            kick(1);
            guests[1].page->req_prod = guests[1].page->req_cons;
            check_closed(1, XENSTORE_ERROR_RINGIDX);
            guests[1].silent = false;
            check_reconnects(1);
            end();
        }
}
END_TEST

/* Indices that are ours may be overwritten: only our own record counts. */
START_TEST(our_indices_are_not_believed)
{
    begin(NULL);
    introduce(1, 1);
    put(1, 0, "data", "x");
    uint32_t cons = guests[1].page->req_cons, prod = guests[1].page->rsp_prod;
    guests[1].silent = true;
    guests[1].page->req_cons = 12345;
    guests[1].page->rsp_prod = 54321;
    kick(1);
    ck_assert_uint_eq(guests[1].page->error, XENSTORE_ERROR_NONE);
    guests[1].page->req_cons = cons;
    guests[1].page->rsp_prod = prod;
    guests[1].silent = false;
    IS(get(1, 0, "data"), "x");
    end();
}
END_TEST

START_TEST(a_message_that_is_too_long_closes_the_ring)
{
    static const uint32_t lengths[] = { 4097, 0x7fffffffU, 0xffffffffU, 0xfffffff0U };

    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct xsd_sockmsg header = { .type = XS_READ, .len = lengths[i] };
        begin_with_things();
        ring_put(1, &header, sizeof(header));
        kick(1);
        check_closed(1, XENSTORE_ERROR_PROTO);
        check_reconnects(1);
        end();
    }
}
END_TEST

START_TEST(the_longest_message_is_taken)
{
    char payload[XENSTORE_PAYLOAD_MAX];

    begin(NULL);
    introduce(1, 1);
    memset(payload, 'x', sizeof(payload));
    memcpy(payload, "data", 5);
    IS(ask_bytes(1, XS_WRITE, 0, payload, sizeof(payload)),
       "!ENOSPC"); /* read, and found too large */
    payload[sizeof(payload) - 1] = 0;
    IS(ask_bytes(1, XS_READ, 0, payload, sizeof(payload)), "!EINVAL");
    put(1, 0, "data", "x");
    end();
}
END_TEST

START_TEST(reconnecting_forgets_what_was_under_way)
{
    struct store_counters counters;
    char message[256];

    begin_with_things();
    guests[1].silent = true;
    for (unsigned i = 0; i < 30; i++)
        ring_put(1, message, make_write(message, "data/x", "v"));
    ring_put(1, message, 7);
    kick(1);
    guests[1].silent = false;
    check_reconnects(1);
    store_counters(store, &counters);
    ck_assert_uint_eq(counters.watches, 0);
    IS(get(1, 0, "data"), "there");
    IS(events(1), "");
    end();
}
END_TEST

/* A guest that was restored brings a ring in the middle of its life. */
START_TEST(a_ring_goes_on_where_it_was)
{
    begin_with_things();
    get(1, 0, "data");
    ck_assert_uint_ne(guests[1].page->req_cons, 0);
    ck_assert_int_eq(store_release(store, 1), 0);
    ck_assert_int_eq(store_introduce(store, 1, 1, 1), 0);
    IS(get(1, 0, "data"), "there");
    end();
}
END_TEST

START_TEST(who_floods_waits_its_turn)
{
    char message[64];
    size_t size = message_make(message, XS_GET_DOMAIN_PATH, 0, "1", 2);
    struct store_counters before, after;

    begin(NULL);
    introduce(1, 20);
    for (unsigned i = 1; i <= 20; i++) {
        unsigned nr = i <= 19 ? 40 : 1;
        guests[i].silent = true;
        while (nr--)
            ring_put(i, message, size);
        store_ring_event(store, (domid_t)i);
    }
    store_counters(store, &before);
    ck_assert(store_work(store, 10));
    store_counters(store, &after);
    ck_assert_uint_eq(after.requests - before.requests, 10); /* no more than was asked for */
    /* The twentieth has one request: it is served before any of the others has all of its. */
    while (guests[20].page->rsp_prod == 0)
        ck_assert(store_work(store, 1));
    for (unsigned i = 1; i <= 19; i++)
        ck_assert_uint_ne(guests[i].page->req_prod, guests[i].page->req_cons);
    store_counters(store, &after);
    ck_assert_uint_le(after.requests - before.requests, 19 * 16 + 2);
    for (unsigned i = 1; i <= 20; i++)
        guests[i].silent = false;
    run();
    for (unsigned i = 1; i <= 20; i++) {
        store_ring_event(store, (domid_t)i);
        run();
        ck_assert_uint_eq(guests[i].page->req_prod, guests[i].page->req_cons);
    }
    end();
}
END_TEST

/* The order in which writes were done is that of dom0's events. */
START_TEST(turns_are_taken_within_one_call)
{
    char message[64], path[64];

    begin(NULL);
    introduce(1, 20);
    watch(0, "/local/domain", "t");
    events(0);
    for (unsigned i = 1; i <= 20; i++) {
        guests[i].silent = true;
        for (unsigned n = 0; n < (i < 20 ? 30 : 1); n++) {
            snprintf(path, sizeof(path), "data/%u", n);
            ring_put(i, message, make_write(message, path, "v"));
        }
        store_ring_event(store, (domid_t)i);
    }
    while (store_work(store, 100000))
        ;
    const char *text = events(0), *last = strstr(text, "/local/domain/20/");
    ck_assert_ptr_nonnull(last);
    for (unsigned i = 1; i < 20; i++) {
        snprintf(path, sizeof(path), ";/local/domain/%u/data/16 ", i);
        const char *seventeenth = strstr(text, path);
        ck_assert(seventeenth && seventeenth > last);
    }
    end();
}
END_TEST

/* Events must not keep a guest from its replies, nor the other way round. */
START_TEST(replies_and_events_take_turns)
{
    char message[64], path[64];
    bool reply_came = false;

    begin(NULL);
    introduce(1, 1);
    watch(1, "data", "t");
    events(1);
    guests[1].silent = true;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/data/%u", i);
        put(0, 0, path, "");
    }
    run();
    ring_put(1, message, message_make(message, XS_GET_DOMAIN_PATH, 0, "1", 2));
    store_ring_event(store, 1);
    for (unsigned taken = 0; taken < 60 && !reply_came; taken++) {
        reply.req_id = 0;
        ring_take(1);
        reply_came = got_reply();
        store_ring_event(store, 1);
        while (store_work(store, 64))
            ;
    }
    ck_assert(reply_came);
    guests[1].silent = false;
    store_ring_event(store, 1);
    ck_assert(strstr(events(1), "data/399 t;"));
    end();
}
END_TEST

START_TEST(released_in_the_middle_of_everything)
{
    struct store_counters counters;
    char message[64];

    for (unsigned way = 0; way < 3; way++) {
        begin(NULL);
        introduce(1, 10);
        for (unsigned i = 1; i <= 10; i++) {
            watch(i, "/", "t");
            for (unsigned n = 0; n < 5; n++)
                put(i, start(i), "data/x/y", "value");
            guests[i].silent = true;
            for (unsigned n = 0; n < 30; n++)
                ring_put(i, message, make_write(message, "data/x", "v"));
            ring_put(i, message, 9);
            store_ring_event(store, (domid_t)i);
        }
        store_work(store, 25);
        for (unsigned i = 2; i <= 9; i++) {
            guests[i].life = way == 0 ? STORE_DOMAIN_RUNNING : STORE_DOMAIN_GONE;
            if (way < 2)
                ck_assert_int_eq(store_release(store, (domid_t)i), 0);
        }
        if (way == 2)
            store_domains_changed(store);
        ck_assert_ptr_null(audit_now());
        store_counters(store, &counters);
        ck_assert_uint_eq(counters.clients, 1 + 2);
        ck_assert_uint_eq(counters.watches, 2);
        for (unsigned i = 2; i <= 9; i++) {
            store_ring_event(store, (domid_t)i); /* comes late */
            ck_assert(!guests[i].mapped);
        }
        guests[1].silent = guests[10].silent = false;
        store_ring_event(store, 1);
        store_ring_event(store, 10);
        run();
        IS(get(0, 0, "/local/domain/10/data/x"), "v");
        end();
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_message_may_come_in_any_pieces },     { one_byte_at_a_time_with_indices_that_run_over },
        { both_sides_hear_of_every_step },        { wild_indices_close_the_ring },
        { our_indices_are_not_believed },         { a_message_that_is_too_long_closes_the_ring },
        { the_longest_message_is_taken },         { reconnecting_forgets_what_was_under_way },
        { a_ring_goes_on_where_it_was },          { who_floods_waits_its_turn },
        { turns_are_taken_within_one_call },      { replies_and_events_take_turns },
        { released_in_the_middle_of_everything },
    };

    return RUN_TESTS("xenstore-lite/ring", tests);
}
