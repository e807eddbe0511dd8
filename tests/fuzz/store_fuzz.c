/* SPDX-License-Identifier: MIT */
/*
 * The store, as several hostile guests use it: bytes that they put into their rings, indices and
 * connection fields that they overwrite, domains that come, stop and die in between. Two of them
 * send well-formed messages as well, so that the fuzzer gets beyond the headers. Whatever they do,
 * the books balance, a guest that behaves is served, and in the end nothing is left.
 */
#include "guests.h"
#include <stdlib.h>
#include <string.h>

#define NR_HOSTILE 3U
#define GOOD       4U /* behaves */

struct input {
    const uint8_t *at;
    size_t left;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static uint8_t take(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->at++;
}

static size_t take_bytes(struct input *in, char *to, size_t size)
{
    size = size < in->left ? size : in->left;
    memcpy(to, in->at, size);
    in->at += size;
    in->left -= size;
    return size;
}

/* Any bytes. */
static void raw(struct input *in, unsigned who)
{
    char bytes[256];

    ring_put(who, bytes, take_bytes(in, bytes, take(in)));
}

/* A message with a proper header; names are few, so that requests meet. */
static void message(struct input *in, unsigned who)
{
    static const char *const words[] = { "a",     "a/b",  "a/b/c",          "/",
                                         "/x",    "/x/y", "@releaseDomain", "n1 b2",
                                         "token", "T" };
    char payload[300], bytes[400];
    uint8_t type = take(in), tx = take(in) % 4, nr = take(in) % 4;
    size_t size = 0;

    for (unsigned i = 0; i < nr; i++) {
        const char *word = words[take(in) % (sizeof(words) / sizeof(words[0]))];
        memcpy(payload + size, word, strlen(word) + 1);
        size += strlen(word) + 1;
    }
    size += take_bytes(in, payload + size, take(in) % 64);
    ring_put(who, bytes, message_make(bytes, type % (XS_TYPE_COUNT + 1), tx, payload, size));
}

static void overwrite(struct input *in, unsigned who)
{
    struct xenstore_domain_interface *page = guests[who].page;
    uint32_t *const fields[] = { &page->req_prod,       &page->rsp_cons,   &page->req_cons,
                                 &page->rsp_prod,       &page->connection, &page->error,
                                 &page->server_features };
    uint32_t *field = fields[take(in) % 7];
    uint32_t value = take(in);

    *field = value & 1 ? value >> 1 : *field + (value << 3);
}

static void live_and_die(struct input *in, unsigned who)
{
    switch (take(in) % 5) {
    case 0:
        guests[who].life = STORE_DOMAIN_STOPPED;
        break;
    case 1:
        guests[who].life = STORE_DOMAIN_GONE;
        break;
    case 2:
        store_release(store, (domid_t)who);
        break;
    case 3:
        store_domains_changed(store);
        break;
    default:
        guests[who].life = STORE_DOMAIN_RUNNING;
        store_introduce(store, (domid_t)who, 1, 1 + take(in) % 3U);
    }
}

/* What a hostile guest is sent, it does not look at: it may have broken its own ring. */
static void read_on(struct input *in, unsigned who)
{
    guests[who].page->rsp_cons += take(in) * 4U;
}

static void step(struct input *in)
{
    uint8_t what = take(in);
    unsigned who = 1 + what % NR_HOSTILE;

    switch (what / NR_HOSTILE % 6) {
    case 0:
        raw(in, who);
        break;
    case 1:
        overwrite(in, who);
        break;
    case 2:
        live_and_die(in, who);
        break;
    case 3:
        read_on(in, who);
        break;
    default:
        message(in, who);
    }
    store_ring_event(store, (domid_t)who);
    store_work(store, 1 + what % 7U);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct store_config config = {
        .quota = { [STORE_QUOTA_NODES] = 20,
                   [STORE_QUOTA_WATCHES] = 6,
                   [STORE_QUOTA_EVENT_BYTES] = 1000 },
    };
    struct input in = { data, size };

    begin(&config);
    introduce(1, GOOD);
    put(0, 0, "/x", "");
    allow(0, 0, "/x", "b0");
    for (unsigned i = 1; i <= NR_HOSTILE; i++)
        guests[i].silent = true;
    watch(GOOD, "/x", "t");
    while (in.left)
        step(&in);
    require(!audit_now());
    require(!strcmp(put(GOOD, 0, "data", "here"), "OK"));
    require(!strcmp(get(GOOD, 0, "data"), "here"));
    require(guests[GOOD].page->error == XENSTORE_ERROR_NONE);
    events(GOOD);
    end();
    return 0;
}
