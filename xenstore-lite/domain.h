/* SPDX-License-Identifier: MIT */
/*
 * What the store knows of domains: what each owns, and whether a domain of that number is still the
 * same one.
 *
 * Domain numbers come again. A permission therefore holds the incarnation that it was given to;
 * when a domain dies, the number's incarnation goes up, and what the dead one was allowed means
 * nobody.
 */
#ifndef XENSTORE_LITE_DOMAIN_H
#define XENSTORE_LITE_DOMAIN_H

#include "xenstore.h"
#include "list.h"

#define DOMAIN_CHUNK     256U
#define NR_DOMAIN_CHUNKS (0x8000U / DOMAIN_CHUNK)

struct store_domain {
    struct link all;
    domid_t id;
    bool privileged;           /* dom0 */
    bool seen_alive;           /* so its absence is its death */
    bool stop_told;            /* @releaseDomain fired for its shutdown */
    struct store_client *ring; /* the client at its ring; NULL: not introduced */
    struct store_domain *target,
        *served_by; /* SET_TARGET: acts for target; acts for us. Either may be NULL */
    uint32_t nodes, watches, transactions; /* what it has */
    size_t transaction_bytes;
    uint32_t refusals[STORE_NR_QUOTAS];
};

struct domain_chunk {
    struct store_domain *domain[DOMAIN_CHUNK];
    uint32_t incarnation[DOMAIN_CHUNK];
};

struct domain_table {
    struct domain_chunk *chunk[NR_DOMAIN_CHUNKS];
    struct link all;
};

void domains_init(struct store *store);
void domains_free(struct store *store);
/* NULL: nothing is known of it. */
struct store_domain *domain_find(const struct store *store, domid_t id);
/* The same, but makes it known. NULL: no memory, or the number is reserved. */
struct store_domain *domain_get(struct store *store, domid_t id);
uint32_t domain_incarnation(const struct store *store, domid_t id);
/* It is dead: its number may mean another one from now on. It has no client any more. Freed. */
void domain_died(struct store *store, struct store_domain *domain);

/* Returns 0, ENOENT (one of them is not introduced), EBUSY (the target has another) or EINVAL
 * (itself). */
int domain_set_target(struct store *store, domid_t id, domid_t target);

#endif
