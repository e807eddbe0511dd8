/* SPDX-License-Identifier: MIT */
/* The store as its own files see it. */
#ifndef XENSTORE_LITE_STORE_H
#define XENSTORE_LITE_STORE_H

#include "xenstore.h"
#include "domain.h"
#include "list.h"
#include "names.h"
#include "path.h"

enum special { SPECIAL_INTRODUCE, SPECIAL_RELEASE, NR_SPECIALS };

struct store {
    struct store_port port;
    void *context; /* of the port */
    struct store_config config;
    uint64_t stamp; /* the last change of anything; each change takes a new one */
    struct store_counters counters;

    struct node *root;
    struct node *special[NR_SPECIALS]; /* @introduceDomain, @releaseDomain: in no tree, but with
                                          permissions */
    struct names watched;              /* every path with a watch */
    struct domain_table domains;

    struct link clients;
    struct link ready; /* clients whose ring is to be looked at, in the order of their turns */

    struct path path;       /* of the request that is being handled */
    struct path event_path; /* of the node whose watches are being fired */
};

/* One line to the port's log, as printf makes it. */
__attribute__((format(printf, 2, 3))) void store_log(const struct store *store, const char *format,
                                                     ...);

#endif
