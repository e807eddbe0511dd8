/* SPDX-License-Identifier: MIT */
/* Made-up domains, and a port that joins them with the store. */
#include "guests.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store *store;
struct guest guests[NR_GUESTS];
struct xsd_sockmsg reply;
char reply_payload[XENSTORE_PAYLOAD_MAX + 1];
char log_text[1U << 16];
unsigned wakes;

static struct store_client *dom0;
static char *event_text[NR_GUESTS];
static bool replied;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "made-up domains: %s\n", what);
    abort();
}

/* --- The port --- */

static struct xenstore_domain_interface *map_ring(void *context, domid_t domid, uint64_t gfn)
{
    (void)context;
    if (domid >= NR_GUESTS || gfn == 0 || guests[domid].life == STORE_DOMAIN_GONE)
        return NULL;
    require(!guests[domid].mapped, "a ring is mapped twice");
    guests[domid].mapped = true;
    return guests[domid].page;
}

static void unmap_ring(void *context, domid_t domid, struct xenstore_domain_interface *page)
{
    (void)context;
    require(guests[domid].mapped && page == guests[domid].page, "what was not mapped is unmapped");
    guests[domid].mapped = false;
}

static int bind_port(void *context, domid_t domid, uint32_t remote_port)
{
    (void)context;
    if (remote_port == 0 || remote_port > 1000)
        return -1;
    return (int)(domid * 1000U + remote_port);
}

static int bound[2 * NR_GUESTS];

static int bind_counted(void *context, domid_t domid, uint32_t remote_port)
{
    int port = bind_port(context, domid, remote_port);

    for (unsigned i = 0; port > 0 && i < 2 * NR_GUESTS; i++)
        if (!bound[i]) {
            bound[i] = port;
            guests[domid].port = port;
            break;
        }
    return port;
}

static void unbind_port(void *context, int port)
{
    unsigned i = 0;

    (void)context;
    while (i < 2 * NR_GUESTS && bound[i] != port)
        i++;
    require(i < 2 * NR_GUESTS, "a port that was not bound is unbound");
    bound[i] = 0;
}

static void notify(void *context, int port)
{
    (void)context;
    guests[port / 1000].notified++;
}

static enum store_life domain_life(void *context, domid_t domid)
{
    (void)context;
    return domid < NR_GUESTS ? guests[domid].life : STORE_DOMAIN_GONE;
}

static void log_line(void *context, const char *line)
{
    size_t used = strlen(log_text);

    (void)context;
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

static void wake(void *context)
{
    (void)context;
    wakes++;
}

const struct store_port guests_port = { map_ring, unmap_ring,  bind_counted, unbind_port,
                                        notify,   domain_life, log_line };

/* --- Beginning and end --- */

void begin(const struct store_config *config)
{
    memset(guests, 0, sizeof(guests));
    memset(bound, 0, sizeof(bound));
    for (unsigned i = 0; i < NR_GUESTS; i++)
        guests[i].page = calloc(1, sizeof(*guests[i].page));
    log_text[0] = 0;
    wakes = 0;
    store = store_create(&guests_port, NULL, config);
    require(store, "no store");
    dom0 = store_open(store, wake, NULL);
    require(dom0, "no client of dom0");
}

const char *audit_now(void)
{
    return store_audit(store);
}

void end(void)
{
    const char *wrong = store_audit(store);

    if (wrong)
        fprintf(stderr, "the audit finds: %s\n", wrong);
    require(!wrong, "the audit");
    store_close(dom0);
    store_destroy(store);
    for (unsigned i = 0; i < NR_GUESTS; i++) {
        require(!guests[i].mapped, "a ring is still mapped");
        free(guests[i].page);
        free(event_text[i]);
        event_text[i] = NULL;
    }
    for (unsigned i = 0; i < 2 * NR_GUESTS; i++)
        require(!bound[i], "a port is still bound");
}

void introduce(unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        char path[64], perms[32];
        snprintf(path, sizeof(path), "/local/domain/%u", i);
        snprintf(perms, sizeof(perms), "n%u", i);
        require(store_introduce(store, (domid_t)i, 1, 1) == 0, "introduce");
        put(0, 0, path, "");
        allow(0, 0, path, perms);
    }
    run();
}

/* --- Rings --- */

static void keep_event(unsigned who, const char *payload, size_t size)
{
    size_t used = event_text[who] ? strlen(event_text[who]) : 0;

    require(size >= 2 && !payload[size - 1], "an event without its ends");
    event_text[who] = realloc(event_text[who], used + size + 2);
    sprintf(event_text[who] + used, "%s %s;", payload, payload + strlen(payload) + 1);
}

static void take_message(unsigned who, const struct xsd_sockmsg *header, const char *payload)
{
    if (header->type == XS_WATCH_EVENT) {
        require(header->req_id == 0 && header->tx_id == 0, "an event that answers something");
        keep_event(who, payload, header->len);
        return;
    }
    reply = *header;
    memcpy(reply_payload, payload, header->len);
    reply_payload[header->len] = 0;
    replied = true;
}

size_t ring_put(unsigned who, const void *bytes, size_t size)
{
    struct xenstore_domain_interface *page = guests[who].page;
    size_t n = 0;

    while (n < size && page->req_prod - page->req_cons < XENSTORE_RING_SIZE)
        page->req[MASK_XENSTORE_IDX(page->req_prod++)] = ((const char *)bytes)[n++];
    return n;
}

bool ring_take(unsigned who)
{
    struct xenstore_domain_interface *page = guests[who].page;
    struct guest *guest = &guests[who];
    struct xsd_sockmsg header = { .len = 0 };

    while (page->rsp_cons != page->rsp_prod) {
        guest->in[guest->have++] = page->rsp[MASK_XENSTORE_IDX(page->rsp_cons++)];
        if (guest->have < sizeof(header))
            continue;
        memcpy(&header, guest->in, sizeof(header));
        require(header.len <= XENSTORE_PAYLOAD_MAX, "the store sends too much");
        if (guest->have < sizeof(header) + header.len)
            continue;
        guest->have = 0;
        take_message(who, &header, guest->in + sizeof(header));
        return true;
    }
    return false;
}

static bool all_read(void)
{
    bool any = false;

    for (unsigned i = 1; i < NR_GUESTS; i++) {
        uint32_t before = guests[i].page->rsp_cons;
        if (!guests[i].mapped || guests[i].silent)
            continue;
        while (ring_take(i))
            ;
        if (guests[i].page->rsp_cons != before) {
            store_ring_event(store, (domid_t)i);
            any = true;
        }
    }
    return any;
}

void run(void)
{
    while (store_work(store, 64) || all_read())
        ;
}

size_t message_make(void *out, uint32_t type, uint32_t tx, const void *payload, size_t size)
{
    static uint32_t req_id;
    struct xsd_sockmsg header = {
        .type = type, .req_id = ++req_id, .tx_id = tx, .len = (uint32_t)size
    };

    memcpy(out, &header, sizeof(header));
    memcpy((char *)out + sizeof(header), payload, size);
    return sizeof(header) + size;
}

static void ask_ring(unsigned who, const char *message, size_t size)
{
    size_t sent = 0;

    replied = false;
    for (unsigned i = 0; i < 100 && !replied; i++) {
        sent += ring_put(who, message + sent, size - sent);
        store_ring_event(store, (domid_t)who);
        run();
    }
    require(replied, "no reply");
}

const char *ask_bytes(unsigned who, uint32_t type, uint32_t tx, const void *payload, size_t size)
{
    static char message[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    static char answer[XENSTORE_PAYLOAD_MAX + 2];
    struct xsd_sockmsg header;

    size_t total = message_make(message, type, tx, payload, size);
    memcpy(&header, message, sizeof(header));
    if (who == 0) {
        store_request(dom0, &header, message + sizeof(header), &reply, reply_payload);
        reply_payload[reply.len] = 0;
    } else {
        ask_ring(who, message, total);
    }
    require(reply.req_id == header.req_id && reply.tx_id == tx, "a reply to something else");
    require(reply.type == type || reply.type == XS_ERROR, "a reply of another kind");
    snprintf(answer, sizeof(answer), "%s%s", reply.type == XS_ERROR ? "!" : "", reply_payload);
    return answer;
}

const char *ask(unsigned who, uint32_t type, uint32_t tx, unsigned nr, ...)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t used = 0;
    va_list args;

    va_start(args, nr);
    while (nr--) {
        const char *text = va_arg(args, const char *);
        memcpy(payload + used, text, strlen(text) + 1);
        used += strlen(text) + 1;
    }
    va_end(args);
    return ask_bytes(who, type, tx, payload, used);
}

/* --- The usual requests --- */

const char *get(unsigned who, uint32_t tx, const char *path)
{
    return ask(who, XS_READ, tx, 1, path);
}

const char *put(unsigned who, uint32_t tx, const char *path, const char *value)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t length = strlen(path) + 1;

    memcpy(payload, path, length);
    memcpy(payload + length, value, strlen(value));
    return ask_bytes(who, XS_WRITE, tx, payload, length + strlen(value));
}

const char *remove_path(unsigned who, uint32_t tx, const char *path)
{
    return ask(who, XS_RM, tx, 1, path);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *list(unsigned who, uint32_t tx, const char *path)
{
    static char text[XENSTORE_PAYLOAD_MAX + 2];
    char *names[XENSTORE_PAYLOAD_MAX / 2];
    const char *answer = ask(who, XS_DIRECTORY, tx, 1, path);
    size_t nr = 0, used = 0;

    if (answer[0] == '!')
        return answer;
    for (char *at = reply_payload; at < reply_payload + reply.len; at += strlen(at) + 1)
        names[nr++] = at;
    qsort(names, nr, sizeof(names[0]), compare);
    text[0] = 0;
    for (size_t i = 0; i < nr; i++)
        used += (size_t)sprintf(text + used, "%s ", names[i]);
    return text;
}

const char *allow(unsigned who, uint32_t tx, const char *path, const char *perms)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    int size = sprintf(payload, "%s %s", path, perms) + 1;

    for (int i = 0; i < size; i++)
        if (payload[i] == ' ')
            payload[i] = 0;
    return ask_bytes(who, XS_SET_PERMS, tx, payload, (size_t)size);
}

const char *allowed(unsigned who, uint32_t tx, const char *path)
{
    static char text[XENSTORE_PAYLOAD_MAX + 2];
    const char *answer = ask(who, XS_GET_PERMS, tx, 1, path);

    if (answer[0] == '!')
        return answer;
    memcpy(text, reply_payload, reply.len);
    for (uint32_t i = 0; i + 1 < reply.len; i++)
        if (!text[i])
            text[i] = ' ';
    return text;
}

const char *watch(unsigned who, const char *path, const char *token)
{
    return ask(who, XS_WATCH, 0, 2, path, token);
}

const char *unwatch(unsigned who, const char *path, const char *token)
{
    return ask(who, XS_UNWATCH, 0, 2, path, token);
}

uint32_t start(unsigned who)
{
    return (uint32_t)strtoul(ask(who, XS_TRANSACTION_START, 0, 1, ""), NULL, 10);
}

const char *finish(unsigned who, uint32_t tx)
{
    return ask(who, XS_TRANSACTION_END, tx, 1, "T");
}

const char *events(unsigned who)
{
    static char text[1U << 20];
    struct xsd_sockmsg header;

    run();
    if (who == 0) {
        static char payload[XENSTORE_PAYLOAD_MAX];
        while (store_take_event(dom0, &header, payload))
            take_message(0, &header, payload);
    }
    snprintf(text, sizeof(text), "%s", event_text[who] ? event_text[who] : "");
    free(event_text[who]);
    event_text[who] = NULL;
    return text;
}

uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}
