/* SPDX-License-Identifier: MIT */
/*
 * Pages shared with other domains: granting ours, mapping theirs.
 *
 * ABI: struct grant_entry_v1, <xen/grant_table.h>
 */
#ifndef DRIVERS_FRONT_GRANT_H
#define DRIVERS_FRONT_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

/* ---- grant.c: ours ---- */

/* Lets a domain map a page of ours. Returns the reference, or a negative number: none is left. */
long grant_give(domid_t domid, const void *page, bool readonly);
/* False: it is mapped still, and stays granted. */
bool grant_end(uint32_t ref);

/* ---- grant_map.c: theirs ---- */

/* Maps a granted page; handle is for unmapping. NULL: refused, or no room. */
void *granted_map(domid_t domid, uint32_t ref, uint32_t *handle);
void granted_unmap(void *page, uint32_t handle);
/* How many are mapped. */
unsigned granted_count(void);

#endif
