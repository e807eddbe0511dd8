/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_VCPU_H
#define DOMAIN_VCPU_H

#include "domain/domain.h"

/* A vCPU that is down. NULL: out of memory, with nothing left behind. */
struct vcpu *vcpu_create(struct domain *d, unsigned id);
void vcpu_free(struct vcpu *v);

/*
 * Sets registers, tables and callbacks from what the guest, or its builder, says. Everything that gives
 * a right is checked. Returns 0, -XEN_EINVAL, HYPERCALL_CONTINUE; nothing is kept on failure.
 */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);

/* Starts a vCPU that has a context. */
void vcpu_up(struct vcpu *v);

#endif
