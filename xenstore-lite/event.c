/* SPDX-License-Identifier: MIT */
/* Watch events on their way to clients. */
#include "event.h"
#include "client.h"
#include "quota.h"
#include <stdlib.h>
#include <string.h>

void events_init(struct events *events)
{
    *events = (struct events){ .bytes = 0 };
    list_init(&events->queue);
    list_init(&events->overflowed);
    for (unsigned i = 0; i < NR_EVENT_BUCKETS; i++)
        list_init(&events->bucket[i]);
}

bool events_are_waiting(const struct events *events)
{
    return !list_is_empty(&events->queue) || !list_is_empty(&events->overflowed);
}

static size_t size_of(const struct event *event)
{
    return sizeof(*event) + event->length;
}

static void event_free(struct events *events, struct event *event)
{
    events->bytes -= size_of(event);
    event->watch->events--;
    list_remove(&event->queue);
    list_remove(&event->bucket);
    free(event);
}

static struct link *bucket_of(struct events *events, const struct watch *watch, uint64_t hash)
{
    return &events->bucket[(hash ^ (uintptr_t)watch / sizeof(*watch)) % NR_EVENT_BUCKETS];
}

static bool waits_already(const struct watch *watch, const struct link *bucket, uint64_t hash,
                          const struct path *path)
{
    LIST_EACH (link, bucket) {
        const struct event *event = LIST_ENTRY(link, struct event, bucket);
        watch->client->store->counters.steps++;
        if (event->watch == watch && event->hash == hash && event->length == path->length &&
            memcmp(event->path, path->text, path->length) == 0)
            return true;
    }
    return false;
}

static bool has_room(struct store_client *client, size_t size)
{
    bool privileged = client->domain->privileged;
    enum store_quota quota = privileged ? STORE_QUOTA_EVENT_BYTES_DOM0 : STORE_QUOTA_EVENT_BYTES;
    size_t wanted = client->events.bytes + size;

    if (wanted <= client->store->config.quota[quota])
        return true;
    quota_refuse(client->store, client->domain, quota, wanted);
    return false;
}

static void overflow(struct watch *watch)
{
    struct store_client *client = watch->client;

    client->store->counters.events_overflowed++;
    if (!events_are_waiting(&client->events))
        client_wake(client);
    list_append(&client->events.overflowed, &watch->overflowed);
}

void event_queue(struct watch *watch, uint64_t hash, const struct path *path)
{
    struct store_client *client = watch->client;
    struct events *events = &client->events;
    struct link *bucket = bucket_of(events, watch, hash);

    if (!list_is_empty(&watch->overflowed) || waits_already(watch, bucket, hash, path)) {
        client->store->counters.events_merged++;
        return;
    }
    size_t size = sizeof(struct event) + path->length;
    struct event *event = has_room(client, size) ? malloc(size) : NULL;
    if (!event) {
        overflow(watch);
        return;
    }
    event->watch = watch;
    event->hash = hash;
    event->length = path->length;
    memcpy(event->path, path->text, path->length);
    if (!events_are_waiting(events))
        client_wake(client);
    list_append(&events->queue, &event->queue);
    list_append(bucket, &event->bucket);
    events->bytes += size;
    watch->events++;
    client->store->counters.events_queued++;
}

void event_forget(struct watch *watch)
{
    struct events *events = &watch->client->events;

    list_remove(&watch->overflowed);
    LIST_EACH_SAFE (link, &events->queue) {
        struct event *event = LIST_ENTRY(link, struct event, queue);
        if (!watch->events)
            break;
        if (event->watch == watch)
            event_free(events, event);
    }
}

static void write_message(const struct watch *watch, const char *path, size_t length,
                          struct xsd_sockmsg *header, char *payload)
{
    /* What a relative watch is not told is part of every path that it covers. */
    path += watch->given;
    length -= watch->given;
    memcpy(payload, path, length);
    payload[length] = 0;
    memcpy(payload + length + 1, watch->token, watch->token_length + 1);
    *header = (struct xsd_sockmsg){ .type = XS_WATCH_EVENT,
                                    .len = (uint32_t)(length + watch->token_length + 2) };
}

bool event_take(struct store_client *client, struct xsd_sockmsg *header, char *payload)
{
    struct events *events = &client->events;

    if (!list_is_empty(&events->queue)) {
        struct event *event = LIST_ENTRY(events->queue.next, struct event, queue);
        write_message(event->watch, event->path, event->length, header, payload);
        event_free(events, event);
        return true;
    }
    if (!list_is_empty(&events->overflowed)) {
        struct watch *watch = LIST_ENTRY(events->overflowed.next, struct watch, overflowed);
        const struct watched_path *watched = watch->group->path;
        list_remove(&watch->overflowed);
        write_message(watch, watched->text, watched->name.length, header, payload);
        return true;
    }
    return false;
}
