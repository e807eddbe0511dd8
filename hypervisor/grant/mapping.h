/* SPDX-License-Identifier: MIT */
/*
 * The handles of a domain, for the mappings that it made.
 *
 * Free ones are a list, under the lock. All else is decided by the flags of one: who finds it idle and marks it busy
 * has it alone.
 */
#ifndef GRANT_MAPPING_H
#define GRANT_MAPPING_H

#include "grant/grant_table.h"

#define MAPPING_PARTS (GNTMAP_host_map | GNTMAP_device_map)

static inline struct mapping *mapping_at(struct grant_table *t, uint32_t handle)
{
    return &t->mappings[handle / MAPPINGS_PER_FRAME][handle % MAPPINGS_PER_FRAME];
}

/* Makes more handles. False: no more can be had. */
bool mapping_more(struct grant_table *t);

/* A handle for a mapping that is about to be made; MAPPING_NONE: none is free. Nobody can take it before mapping_made;
 * or mapping_free gives it back. */
static inline uint32_t mapping_alloc(struct grant_table *t)
{
    for (;;) {
        spin_lock(&t->lock);
        uint32_t handle = t->first_free;
        if (likely(handle != MAPPING_NONE))
            t->first_free = mapping_at(t, handle)->next;
        spin_unlock(&t->lock);
        if (likely(handle != MAPPING_NONE) || !mapping_more(t))
            return handle;
    }
}

/* Its content, flags last: then others may take it. */
static inline void mapping_made(struct mapping *m, const struct mapping *content)
{
    m->granter_serial = content->granter_serial;
    m->ref = content->ref;
    m->mfn = content->mfn;
    m->granter = content->granter;
    __atomic_store_n(&m->flags, content->flags, __ATOMIC_RELEASE);
}

/* Looks for a mapping and keeps others from it until mapping_settle. NULL: it is free, busy, or none. */
static inline struct mapping *mapping_take(struct grant_table *t, uint32_t handle)
{
    if (unlikely(handle / MAPPINGS_PER_FRAME >= __atomic_load_n(&t->nr_mapping_frames, __ATOMIC_ACQUIRE)))
        return NULL;
    struct mapping *m = mapping_at(t, handle);
    uint16_t seen = READ_ONCE(m->flags);
    if (unlikely(!(seen & MAPPING_PARTS) || (seen & MAPPING_BUSY) ||
                 !__atomic_compare_exchange_n(&m->flags, &seen, (uint16_t)(seen | MAPPING_BUSY), false,
                                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)))
        return NULL;
    return m;
}

static inline void mapping_free(struct grant_table *t, struct mapping *m, uint32_t handle)
{
    spin_lock(&t->lock);
    m->flags = 0;
    m->next = t->first_free;
    t->first_free = handle;
    spin_unlock(&t->lock);
}

/* The parts (GNTMAP_host_map, GNTMAP_device_map) that are left; none frees the handle. */
static inline void mapping_settle(struct grant_table *t, struct mapping *m, uint32_t handle, unsigned parts)
{
    if (likely(!parts))
        mapping_free(t, m, handle);
    else
        __atomic_store_n(&m->flags, (uint16_t)((m->flags & ~(MAPPING_PARTS | MAPPING_BUSY)) | parts),
                         __ATOMIC_RELEASE);
}

#endif
