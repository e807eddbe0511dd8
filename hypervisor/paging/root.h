/* SPDX-License-Identifier: MIT */
/* The two roots of a vCPU, and what loading them means. */
#ifndef PAGING_ROOT_H
#define PAGING_ROOT_H

#include "paging/page_type.h"

/*
 * Makes a frame the kernel root, or the user root (MFN 0: none), of the vCPU that runs. Takes a type
 * reference, and gives the old root's back. Returns 0, -XEN_EINVAL (not a valid L4, said in words) or
 * HYPERCALL_CONTINUE.
 */
int root_set_kernel(struct vcpu *v, mfn_t m);
int root_set_user(struct vcpu *v, mfn_t m);

/* Takes a type reference for a root, of any vCPU of the domain. Same answers. */
int root_get(struct domain *d, mfn_t m);

/* Guest kernel to guest user and back: roots and GS bases. The vCPU runs on this processor. */
void mode_to_kernel(struct vcpu *v);
void mode_to_user(struct vcpu *v);

/* Forgets what the vCPU's LDT window maps, and gives the references back. */
void ldt_forget(struct vcpu *v);

#endif
