/* SPDX-License-Identifier: MIT */
/*
 * A guest that changes its tables by hypercalls: each call is repeated while it wants to go on,
 * with what happens on the way back to a guest in between.
 */
#ifndef PAGING_SUPPORT_H
#define PAGING_SUPPORT_H

#include <check.h>
#include "fake.h"
#include "hypercall/hypercall.h"
#include "machine/paging_bits.h"
#include "paging/page_type.h"

#define GUEST_ARGS 0x10000UL /* guest address of the page for arguments */

extern uint64_t guest_args[512];

/* A machine of that many frames, and domain 1 with up to three quarters of them; unprivileged. */
struct domain *paging_start(uint64_t nr_frames);

/* A frame for the domain, full of zeroes. */
mfn_t new_frame(struct domain *d);
uint64_t *words_of(mfn_t m);
static inline uint64_t entry_of(mfn_t m, uint64_t flags)
{
    return m.v << PAGE_SHIFT | flags;
}

#define RO (PTE_PRESENT | PTE_USER)
#define RW (PTE_PRESENT | PTE_USER | PTE_WRITE)

/* Runs a hypercall to its end. */
typedef long hypercall_function(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
long hypercall(hypercall_function *fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
extern unsigned hypercall_repeats; /* how often the last one went on */

long mmu_update(uint64_t ptr, uint64_t val);
long set_entry_of(mfn_t table, unsigned slot, uint64_t val);
long mmuext(unsigned cmd, mfn_t m);
static inline long pin(unsigned level, mfn_t m)
{
    return mmuext(MMUEXT_PIN_L1_TABLE + level - 1, m);
}
static inline long unpin(mfn_t m)
{
    return mmuext(MMUEXT_UNPIN_TABLE, m);
}

/* What the way back to a guest does: doomed tables are taken apart. */
void guest_return(struct domain *d);

/* Counts as the frame's word has them. */
uint64_t refs_of(mfn_t m);
uint64_t count_of(mfn_t m);
enum page_type type_of(mfn_t m);

/* Fails the test, with what the auditor said. */
void audit_ok(void);

#endif
