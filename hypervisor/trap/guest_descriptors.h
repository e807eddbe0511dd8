/* SPDX-License-Identifier: MIT */
/*
 * The guest's own descriptor tables. Frames that hold descriptors have the descriptor type: nobody but
 * us writes there, and what we let in cannot raise a privilege.
 */
#ifndef TRAP_GUEST_DESCRIPTORS_H
#define TRAP_GUEST_DESCRIPTORS_H

#include "domain/domain.h"

/* Checks, and mends where that is allowed, one descriptor (8 bytes). False: it may not exist. */
bool descriptor_check(uint64_t *descriptor);
/* All of a page. Returns 0 or -XEN_EINVAL, said in words. */
int descriptors_validate(struct domain *d, uint64_t *page);

/* A vCPU's window in our part of the address space, with nothing of the guest in it. */
bool descriptor_window_create(struct vcpu *v, uint64_t index);
/* Takes the frames' references and shows them in the window; the old ones go. */
int gdt_set(struct vcpu *v, const uint64_t *frames, unsigned nr_frames, unsigned entries);
void gdt_release(struct vcpu *v);
/* The LDT is mapped page by page, when it is used. */
void ldt_set(struct vcpu *v, uint64_t base, unsigned entries);
/* A fault inside the LDT's window: true if it is mapped now, or the guest has been told. */
bool ldt_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va);
/* Loads GDT and LDT of a vCPU that begins to run on this processor. */
void descriptor_tables_load(struct vcpu *v);

#endif
