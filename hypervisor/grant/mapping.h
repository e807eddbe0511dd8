/* SPDX-License-Identifier: MIT */
/* The handles of a domain, for the mappings that it made. */
#ifndef GRANT_MAPPING_H
#define GRANT_MAPPING_H

#include "grant/grant_table.h"

#define MAPPING_PARTS (GNTMAP_host_map | GNTMAP_device_map)

/* A handle for a mapping that is about to be made; MAPPING_NONE: none is free. With MAPPING_BUSY among its flags
 * nobody can take it before mapping_made; or mapping_settle gives it back. */
uint32_t mapping_alloc(struct domain *d, const struct mapping *content);
void mapping_made(struct domain *d, uint32_t handle);

/* Looks at a handle and keeps others from it until mapping_settle. False: it is free, busy, or none. */
bool mapping_take(struct domain *d, uint32_t handle, struct mapping *out);

/* The parts (GNTMAP_host_map, GNTMAP_device_map) that are left; 0 frees the handle. */
void mapping_settle(struct domain *d, uint32_t handle, unsigned parts);

#endif
