/* SPDX-License-Identifier: MIT */
/* A client: somebody who sends requests, and has watches and transactions. */
#ifndef XENSTORE_LITE_CLIENT_H
#define XENSTORE_LITE_CLIENT_H

#include "event.h"
#include "store.h"

struct store_client {
    struct store *store;
    struct store_domain *domain;
    struct link all;
    struct link watches;
    struct link transactions;
    uint32_t last_transaction;
    struct events events;

    struct ring *ring; /* NULL: a client within dom0, which has the next two */
    void (*wake)(void *context);
    void *context;
};

/* NULL: no memory. */
struct store_client *client_create(struct store *store, struct store_domain *domain);
/* Ends what it has: watches, events, transactions. */
void client_reset(struct store_client *client);
/* That, and frees it. It has no ring any more. */
void client_destroy(struct store_client *client);
/* There are events to be taken. */
void client_wake(struct store_client *client);

#endif
