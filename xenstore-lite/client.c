/* SPDX-License-Identifier: MIT */
/* Clients, and those within dom0. */
#include "client.h"
#include "protocol.h"
#include "ring.h"
#include "transaction.h"
#include "watch.h"
#include <stdlib.h>

struct store_client *client_create(struct store *store, struct store_domain *domain)
{
    struct store_client *client = malloc(sizeof(*client));

    if (!client)
        return NULL;
    *client = (struct store_client){ .store = store, .domain = domain };
    list_init(&client->watches);
    list_init(&client->transactions);
    events_init(&client->events);
    list_append(&store->clients, &client->all);
    store->counters.clients++;
    return client;
}

void client_reset(struct store_client *client)
{
    watch_remove_all(client);
    LIST_EACH_SAFE (link, &client->transactions)
        transaction_abort(LIST_ENTRY(link, struct transaction, in_client));
}

void client_destroy(struct store_client *client)
{
    client_reset(client);
    list_remove(&client->all);
    client->store->counters.clients--;
    free(client);
}

void client_wake(struct store_client *client)
{
    if (client->ring)
        ring_make_ready(client->ring);
    else if (client->wake)
        client->wake(client->context);
}

struct store_client *store_open(struct store *store, void (*wake)(void *context), void *context)
{
    struct store_client *client = client_create(store, domain_find(store, 0));

    if (client) {
        client->wake = wake;
        client->context = context;
    }
    return client;
}

void store_close(struct store_client *client)
{
    client_destroy(client);
}

void store_request(struct store_client *client, const struct xsd_sockmsg *request,
                   const void *payload, struct xsd_sockmsg *reply, void *reply_payload)
{
    protocol_handle(client, request, payload, reply, reply_payload);
}

bool store_take_event(struct store_client *client, struct xsd_sockmsg *event, void *payload)
{
    return event_take(client, event, payload);
}
