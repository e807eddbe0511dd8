/* SPDX-License-Identifier: MIT */
/*
 * Who may do what with a node: a list whose first entry names the owner and what everybody else
 * may, and whose others say what one domain may. Lists do not change and are shared: most children
 * have their parent's.
 */
#ifndef XENSTORE_LITE_PERMISSION_H
#define XENSTORE_LITE_PERMISSION_H

#include "store.h"

#define PERM_READ  1U
#define PERM_WRITE 2U
#define PERM_OWNER 4U /* may change the list */

struct perm {
    domid_t domid;
    uint16_t bits;
    uint32_t incarnation; /* of the domain that was meant */
};

struct perms {
    uint32_t references;
    uint32_t nr; /* at least 1 */
    struct perm entry[];
};

/* dom0's, and nobody else may anything. NULL: no memory. */
struct perms *perms_of_dom0(void);
struct perms *perms_get(struct perms *perms);
void perms_put(struct perms *perms);
/* What a new node has below one with `parent`: the same, but owned by its maker if that is a guest.
 * A reference; NULL: no memory. */
struct perms *perms_inherit(const struct store *store, struct perms *parent,
                            const struct store_domain *maker);
/* What the domain may: PERM_ bits. */
unsigned perms_allow(const struct store *store, const struct perms *perms,
                     const struct store_domain *domain);
/* The owner, if it lives and is known; else NULL: then it is as good as dom0's. */
struct store_domain *perms_owner(const struct store *store, const struct perms *perms);
/* Is this entry's domain still the one that was meant? */
bool perm_is_live(const struct store *store, const struct perm *perm);

/* From strings like "n0" "r5", one after the other. Sets *perms to a reference. Returns 0, EINVAL
 * or ENOMEM. */
int perms_parse(struct store *store, const char *text, size_t size, bool privileged,
                struct perms **perms);
/* The same back. Entries of the dead are left out; a dead owner is dom0. Returns the length, or 0
 * if it does not fit. */
size_t perms_format(const struct store *store, const struct perms *perms, char *text, size_t size);

#endif
