/* SPDX-License-Identifier: MIT */
/* Messages about what a client has: watches and transactions. */
#include "protocol.h"
#include "quota.h"
#include "watch.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

int request_watch(struct request *request)
{
    struct store_domain *domain = request->client->domain;
    struct watch *watch;

    if (strlen(request->rest) > TOKEN_MAX)
        return E2BIG;
    if (watch_find(request->client, request->path, request->rest))
        return EEXIST;
    if (!quota_allows(request->store, domain, STORE_QUOTA_WATCHES, domain->watches + 1UL))
        return E2BIG;
    int error = watch_add(request->client, request->path, request->rest, &watch);
    if (error)
        return error;
    watch_fire_first(watch);
    reply_string(request, "OK");
    return 0;
}

int request_unwatch(struct request *request)
{
    struct watch *watch = watch_find(request->client, request->path, request->rest);

    if (!watch)
        return ENOENT;
    watch_remove(watch);
    reply_string(request, "OK");
    return 0;
}

/* Transactions, too: it is what a kernel sends first, so that nothing is left of the one before. */
int request_reset_watches(struct request *request)
{
    client_reset(request->client);
    reply_string(request, "OK");
    return 0;
}

int request_transaction_start(struct request *request)
{
    struct store_domain *domain = request->client->domain;
    char text[16];
    uint32_t id;

    if (request->tx)
        return EBUSY;
    if (!quota_allows(request->store, domain, STORE_QUOTA_TRANSACTIONS, domain->transactions + 1UL))
        return ENOSPC;
    int error = transaction_start(request->client, &id);
    if (error)
        return error;
    snprintf(text, sizeof(text), "%u", id);
    reply_string(request, text);
    return 0;
}

int request_transaction_end(struct request *request)
{
    bool is_commit = strcmp(request->rest, "T") == 0;
    int error = 0;

    if (!is_commit && strcmp(request->rest, "F") != 0)
        return EINVAL;
    if (!request->tx)
        return ENOENT;
    if (is_commit)
        error = transaction_commit(request->tx);
    else
        transaction_abort(request->tx);
    if (!error)
        reply_string(request, "OK");
    return error;
}
