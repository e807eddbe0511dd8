/* SPDX-License-Identifier: MIT */
/*
 * The guest's own descriptor tables. Frames that hold descriptors have the descriptor type: nobody but
 * us writes there, and what we let in cannot raise a privilege.
 */
#ifndef PAGING_DESCRIPTORS_H
#define PAGING_DESCRIPTORS_H

#include "domain/domain.h"
#include "machine/paging_bits.h"

/* Checks, and mends where that is allowed, one descriptor (8 bytes). False: it may not exist. */
bool descriptor_check(uint64_t *descriptor);
/* All of a page. Returns 0 or -XEN_EINVAL, said in words. */
int descriptors_validate(struct domain *d, uint64_t *page);

/* A vCPU's window in our part of the address space, with nothing of the guest in it. */
bool descriptor_window_create(struct vcpu *v);
void descriptor_window_free(struct vcpu *v);
/* Takes the frames' references and shows them in the window; the old ones go. */
int gdt_set(struct vcpu *v, const uint64_t *frames, unsigned nr_frames, unsigned entries);
void gdt_release(struct vcpu *v);
/*
 * The LDT is mapped page by page, when it is used: shows the page that the guest has there now, or the one
 * with this selector's descriptor. Interrupts on. Returns 0, -XEN_EFAULT (the guest has no page there),
 * -XEN_EINVAL (none that may hold descriptors; no selector of the LDT) or HYPERCALL_CONTINUE.
 */
#define LDT_WINDOW       (16 * PAGE_SIZE) /* behind the GDT's */
#define LDT_WINDOW_BYTES (16 * PAGE_SIZE)
void ldt_set(struct vcpu *v, uint64_t base, unsigned entries);
int ldt_map_page(struct vcpu *v, unsigned page);
int ldt_map_selector(struct vcpu *v, uint16_t selector);
/* Forgets what the vCPU's LDT window maps, and gives the references back. */
void ldt_forget(struct vcpu *v);
/* Loads GDT and LDT of a vCPU that begins to run on this processor. */
void descriptor_tables_load(struct vcpu *v);

#endif
