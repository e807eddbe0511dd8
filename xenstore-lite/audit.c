/* SPDX-License-Identifier: MIT */
/*
 * Recounts what the store keeps as numbers. Tests ask after every scenario, CONTROL's check command
 * at any time. It takes time in proportion to all that there is.
 */
#include "client.h"
#include "store.h"
#include "transaction.h"
#include "tree.h"
#include "watch.h"

static uint32_t nodes_of(const struct store *store, const struct store_domain *domain, size_t *all)
{
    uint32_t count = 0;

    *all = 0;
    for (const struct node *node = store->root; node; node = tree_walk(store->root, node)) {
        count += perms_owner(store, node->perms) == domain;
        ++*all;
    }
    return count;
}

static const char *check_domain(const struct store *store, const struct store_domain *domain)
{
    uint32_t watches = 0, transactions = 0;
    size_t bytes = 0, all;

    LIST_EACH (link, &store->clients) {
        const struct store_client *client = LIST_ENTRY(link, struct store_client, all);
        if (client->domain != domain)
            continue;
        LIST_EACH (each, &client->watches)
            watches++;
        LIST_EACH (each, &client->transactions) {
            transactions++;
            bytes += LIST_ENTRY(each, struct transaction, in_client)->bytes;
        }
    }
    if (nodes_of(store, domain, &all) != domain->nodes)
        return "a domain's count of nodes";
    if (all != store->counters.nodes)
        return "the count of all nodes";
    if (watches != domain->watches)
        return "a domain's count of watches";
    if (transactions != domain->transactions || bytes != domain->transaction_bytes)
        return "what a domain's transactions hold";
    return NULL;
}

static const char *check_events(const struct store_client *client)
{
    size_t bytes = 0, events = 0, counted = 0;

    LIST_EACH (link, &client->events.queue) {
        const struct event *event = LIST_ENTRY(link, struct event, queue);
        bytes += sizeof(*event) + event->length;
        events++;
        if (event->watch->client != client)
            return "an event of another client's watch";
    }
    LIST_EACH (link, &client->watches)
        counted += LIST_ENTRY(link, struct watch, in_client)->events;
    if (bytes != client->events.bytes || events != counted)
        return "the events that wait for a client";
    return NULL;
}

static const char *check_names(const struct store *store)
{
    for (const struct node *node = store->root; node; node = tree_walk(store->root, node)) {
        uint32_t children = 0;
        LIST_EACH (link, &node->children.order) {
            children++;
            if (((struct node *)LIST_ENTRY(link, struct name, order))->parent != node)
                return "a child of another parent";
        }
        if (children != node->children.nr)
            return "a node's count of children";
    }
    return NULL;
}

const char *store_audit(struct store *store)
{
    const char *wrong = check_names(store);

    LIST_EACH (link, &store->domains.all)
        if (!wrong)
            wrong = check_domain(store, LIST_ENTRY(link, struct store_domain, all));
    LIST_EACH (link, &store->clients)
        if (!wrong)
            wrong = check_events(LIST_ENTRY(link, struct store_client, all));
    return wrong;
}
