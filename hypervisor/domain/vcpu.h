/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_VCPU_H
#define DOMAIN_VCPU_H

#include "domain/domain.h"

/* What vm_assist offers: bits VMASST_TYPE_*. */
#define VM_ASSIST_OFFERED                                                                          \
    (1UL << VMASST_TYPE_4gb_segments | 1UL << VMASST_TYPE_4gb_segments_notify |                    \
     1UL << VMASST_TYPE_writable_pagetables | 1UL << VMASST_TYPE_pae_extended_cr3 |                \
     1UL << VMASST_TYPE_architectural_iopl | 1UL << VMASST_TYPE_runstate_update_flag |              \
     1UL << VMASST_TYPE_m2p_strict)

/* A vCPU that is down. NULL: out of memory, with nothing left behind. */
struct vcpu *vcpu_create(struct domain *d, unsigned id);
void vcpu_free(struct vcpu *v);
/* Gives back all that a vCPU that never runs again holds of its domain. No processor knows its state any more. */
void vcpu_release(struct vcpu *v);

/*
 * Sets registers, tables and callbacks from what the guest, or its builder, says. Everything that gives
 * a right is checked. vm_assist is the domain's, and counts in the context of vCPU 0 only. Returns 0,
 * -XEN_EINVAL, HYPERCALL_CONTINUE; nothing is kept on failure.
 */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);

/* The same for one that has a context: only what its tables are not changes. -XEN_EOPNOTSUPP: they would. It is not in
 * any processor. */
int vcpu_change_context(struct vcpu *v, const struct vcpu_guest_context *c);

/* It is down, and has no context any more; it is not in any processor. */
void vcpu_reset(struct vcpu *v);

/* The same the other way. It has a context, and does not run. */
void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c);

/* Starts a vCPU that has a context. */
void vcpu_up(struct vcpu *v);

#endif
