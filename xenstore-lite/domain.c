/* SPDX-License-Identifier: MIT */
/* Domains that the store knows. */
#include "domain.h"
#include "client.h"
#include "ring.h"
#include "store.h"
#include "watch.h"
#include <errno.h>
#include <stdlib.h>

void domains_init(struct store *store)
{
    list_init(&store->domains.all);
}

void domains_free(struct store *store)
{
    LIST_EACH_SAFE (link, &store->domains.all)
        free(LIST_ENTRY(link, struct store_domain, all));
    for (unsigned i = 0; i < NR_DOMAIN_CHUNKS; i++)
        free(store->domains.chunk[i]);
}

static struct domain_chunk *chunk_of(const struct store *store, domid_t id)
{
    return id < DOMID_FIRST_RESERVED ? store->domains.chunk[id / DOMAIN_CHUNK] : NULL;
}

struct store_domain *domain_find(const struct store *store, domid_t id)
{
    const struct domain_chunk *chunk = chunk_of(store, id);

    return chunk ? chunk->domain[id % DOMAIN_CHUNK] : NULL;
}

uint32_t domain_incarnation(const struct store *store, domid_t id)
{
    const struct domain_chunk *chunk = chunk_of(store, id);

    return chunk ? chunk->incarnation[id % DOMAIN_CHUNK] : 0;
}

struct store_domain *domain_get(struct store *store, domid_t id)
{
    if (id >= DOMID_FIRST_RESERVED)
        return NULL;
    struct domain_chunk **chunk = &store->domains.chunk[id / DOMAIN_CHUNK];
    if (!*chunk)
        *chunk = calloc(1, sizeof(**chunk));
    if (!*chunk)
        return NULL;
    struct store_domain **domain = &(*chunk)->domain[id % DOMAIN_CHUNK];
    if (!*domain) {
        *domain = calloc(1, sizeof(**domain));
        if (!*domain)
            return NULL;
        (*domain)->id = id;
        (*domain)->privileged = id == 0;
        (*domain)->seen_alive =
            id == 0 || store->port.domain_life(store->context, id) != STORE_DOMAIN_GONE;
        list_append(&store->domains.all, &(*domain)->all);
        store->counters.domains++;
    }
    return *domain;
}

static void forget_target(struct store_domain *domain)
{
    if (domain->target)
        domain->target->served_by = NULL;
    if (domain->served_by)
        domain->served_by->target = NULL;
    domain->target = domain->served_by = NULL;
}

void domain_died(struct store *store, struct store_domain *domain)
{
    struct domain_chunk *chunk = chunk_of(store, domain->id);

    forget_target(domain);
    chunk->incarnation[domain->id % DOMAIN_CHUNK]++;
    chunk->domain[domain->id % DOMAIN_CHUNK] = NULL;
    list_remove(&domain->all);
    free(domain);
    store->counters.domains--;
}

int domain_set_target(struct store *store, domid_t id, domid_t target)
{
    struct store_domain *domain = domain_find(store, id), *served = domain_find(store, target);

    if (!domain || !domain->ring || !served || !served->ring)
        return ENOENT;
    if (domain == served)
        return EINVAL;
    if (served->served_by && served->served_by != domain)
        return EBUSY;
    if (domain->target)
        domain->target->served_by = NULL;
    domain->target = served;
    served->served_by = domain;
    return 0;
}

static void tell(struct store *store, enum special special)
{
    watch_fire(store, store->special[special], store->special[special]->perms);
}

int store_introduce(struct store *store, domid_t id, uint64_t gfn, uint32_t remote_port)
{
    if (id == 0 || id >= DOMID_FIRST_RESERVED)
        return EINVAL;
    struct store_domain *domain = domain_get(store, id);
    if (!domain)
        return ENOMEM;
    if (domain->ring)
        return ring_rebind(domain->ring->ring, remote_port);
    int error = ring_connect(store, domain, gfn, remote_port, &domain->ring);
    if (error)
        return error;
    domain->seen_alive = true;
    domain->stop_told = false;
    tell(store, SPECIAL_INTRODUCE);
    return 0;
}

/* Its client, and if it is gone, what its number means. */
static void end(struct store *store, struct store_domain *domain)
{
    if (domain->ring) {
        ring_disconnect(domain->ring);
        domain->ring = NULL;
    }
    if (store->port.domain_life(store->context, domain->id) == STORE_DOMAIN_GONE)
        domain_died(store, domain);
}

int store_release(struct store *store, domid_t id)
{
    struct store_domain *domain = domain_find(store, id);

    if (!domain || !domain->ring)
        return ENOENT;
    end(store, domain);
    tell(store, SPECIAL_RELEASE);
    return 0;
}

/* Returns whether that is news. */
static bool look_after(struct store *store, struct store_domain *domain)
{
    switch (store->port.domain_life(store->context, domain->id)) {
    case STORE_DOMAIN_RUNNING:
        domain->seen_alive = true;
        domain->stop_told = false;
        return false;
    case STORE_DOMAIN_STOPPED: {
        bool news = domain->ring && !domain->stop_told;
        domain->seen_alive = domain->stop_told = true;
        return news;
    }
    case STORE_DOMAIN_GONE: {
        bool news = domain->ring;
        if (domain->seen_alive)
            end(store, domain);
        return news;
    }
    }
    return false;
}

void store_domains_changed(struct store *store)
{
    bool news = false;

    LIST_EACH_SAFE (link, &store->domains.all) {
        struct store_domain *domain = LIST_ENTRY(link, struct store_domain, all);
        if (!domain->privileged)
            news |= look_after(store, domain);
    }
    if (news)
        tell(store, SPECIAL_RELEASE);
}
