/* SPDX-License-Identifier: MIT */
/* The end of a domain, between the files that bring it about. */
#ifndef DOMAIN_LIFE_H
#define DOMAIN_LIFE_H

#include "domain/domain.h"

/* domain_by_id finds it no more. */
void domain_unpublish(struct domain *d);

/* Does an id belong to a domain that is gone but for pages that somebody still maps? */
bool domain_id_lingers(unsigned id);

/* Its last frame may have gone: then it is buried soon. */
void domain_may_be_gone(struct domain *d);

/* A page of ours that a domain with this id could map is not mapped any more. */
void domain_special_released(domid_t id);

/* Moves one frame of a domain that dies to those that it has given up, with a reference for the caller. NULL: none
 * is left, or the first is just going. */
struct frame *domain_drop_next_frame(struct domain *d);

#endif
