/* SPDX-License-Identifier: MIT */
/*
 * Grants: a domain lets another one use a frame of its own.
 *
 * Two sides meet. The granter has a table that it shares with us, entry by entry {flags, domid, frame}; for
 * each we keep how many uses there are (struct grant_use). The user has handles, one for each mapping that
 * it made (struct mapping). The references to the frame are those of the page-table entry that maps it, as
 * for any other mapping, and one more for a mapping that a device uses. So grants have no counts of frames
 * of their own, and the auditor needs to know nothing else.
 *
 * A use ends for the granter (reading and writing are cleared in its entry) only when no TLB of the user
 * knows the frame any more.
 *
 * Version 1 only; no transfer. ABI: <xen/grant_table.h>
 */
#ifndef GRANT_GRANT_TABLE_H
#define GRANT_GRANT_TABLE_H

#include <xen/errno.h>
#include <xen/grant_table.h>
#include "domain/domain.h"

#define GRANT_FRAMES_MAX     64U
#define GRANT_MAPPINGS_MAX   1024U /* frames of handles */
#define GRANTS_PER_FRAME     (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define MAPPINGS_PER_FRAME   (PAGE_SIZE / sizeof(struct mapping))

/* The granter's side of one entry. */
struct grant_use {
    struct spinlock lock;
    domid_t user; /* while there are uses: whose, and of what (mfn) */
    union {
        struct {
            uint16_t readers, writers; /* uses of either kind; under the lock */
        };
        uint32_t counts; /* both */
    };
    uint32_t mfn;
};
_Static_assert(sizeof(struct grant_use) == 16, "uses are indexed by a shift");

/* The user's side. */
#define MAPPING_BUSY 0x8000U /* beside GNTMAP_* in flags: a vCPU unmaps it now */
struct mapping {
    uint32_t granter_serial; /* which of all domains that ever had this id */
    union {
        uint32_t ref;
        uint32_t next; /* free: the next free one, or MAPPING_NONE */
    };
    uint32_t mfn;
    domid_t granter;
    uint16_t flags; /* GNTMAP_*; neither host nor device: free, or being made; atomic */
};
_Static_assert(sizeof(struct mapping) == 16, "handles are indexed by a shift");
#define MAPPING_NONE 0xffffffffU

struct grant_table {
    struct spinlock lock; /* growth, free handles */
    unsigned nr_frames, max_frames;
    struct grant_entry_v1 *frames[GRANT_FRAMES_MAX]; /* shared with the guest; FRAME_SPECIAL */
    struct grant_use *uses[GRANT_FRAMES_MAX];        /* one for each entry */
    unsigned nr_mapping_frames, max_mapping_frames;
    uint32_t first_free; /* handle */
    struct mapping *mappings[GRANT_MAPPINGS_MAX];
};

/* A table with one frame. The limits are in frames, at most GRANT_FRAMES_MAX and GRANT_MAPPINGS_MAX. False: out
 * of memory, with nothing left behind. */
bool grant_table_create(struct domain *d, unsigned max_frames, unsigned max_mapping_frames);

/* Ends all uses that a dying domain makes of others' frames; nothing of it may be in a TLB. False: call again. */
bool grant_table_release(struct domain *d, uint32_t *progress);

/* Frees the table itself. Nobody uses or can find it any more. */
void grant_table_destroy(struct domain *d);

/* Makes the table at least so long. Returns false beyond its limit, or out of memory. */
bool grant_table_grow(struct domain *d, unsigned nr_frames);

/* --- mapping, grant/map.c and grant/unmap.c; copying, grant/copy.c ------------------------------ */

/* How many operations are taken from the guest's array before TLBs are flushed for all of them. */
#define GRANT_BATCH 16U

/* Each does the operations of an array, one at least, in order. Returns 0, -XEN_EFAULT (it cannot be read or written),
 * or HYPERCALL_CONTINUE after hypercall_again. */
long grant_map(struct domain *d, uint64_t array, uint64_t count);
long grant_unmap(struct domain *d, uint64_t array, uint64_t count);
long grant_unmap_and_replace(struct domain *d, uint64_t array, uint64_t count);
long grant_copy(struct domain *d, uint64_t array, uint64_t count);

#endif
