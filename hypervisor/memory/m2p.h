/* SPDX-License-Identifier: MIT */
/*
 * The machine-to-physical table: for each frame, the number by which its owner knows it. Guests read
 * it at the ABI's address (HYPERVISOR_VIRT_START); we write it through a mapping of our own.
 */
#ifndef MEMORY_M2P_H
#define MEMORY_M2P_H

#include "lib/types.h"
#include "machine/layout.h"

#define M2P_INVALID (~0UL)

/* Maps a table for all frames below max_mfn. */
void m2p_boot(void);
/* Where the addresses for the table end (ABI); behind the last frame nothing is mapped. */
#define M2P_END 0xffff804000000000UL

static inline void m2p_set(mfn_t m, uint64_t pfn)
{
    ((uint64_t *)M2P_WRITABLE_BASE)[m.v] = pfn;
}

static inline uint64_t m2p_get(mfn_t m)
{
    return ((const uint64_t *)M2P_WRITABLE_BASE)[m.v];
}

#endif
