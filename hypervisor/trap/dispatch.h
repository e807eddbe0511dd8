/* SPDX-License-Identifier: MIT */
/* From a number to a handler, and back to the guest. */
#ifndef TRAP_DISPATCH_H
#define TRAP_DISPATCH_H

#include "domain/domain.h"
#include "paging/page_type.h"

#define NR_HYPERCALL_SLOTS 64U

typedef long hypercall_fn(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* By number; NULL: not there. */
extern hypercall_fn *const hypercalls[NR_HYPERCALL_SLOTS];

/* The guest executes its call instruction again, with the arguments of v->again. */
void hypercall_go_on_later(struct vcpu *v, struct cpu_user_regs *regs);

/* Runs the hypercall that the registers ask for, and puts its answer there. */
static inline void hypercall_from_guest(struct vcpu *v, struct cpu_user_regs *regs)
{
    hypercall_fn *fn =
        likely(regs->rax < NR_HYPERCALL_SLOTS) ? hypercalls[regs->rax] : NULL;

    if (unlikely(!fn)) {
        regs->rax = (uint64_t)-XEN_ENOSYS;
        return;
    }
    long rc = fn(regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8);
    /* A guest may choose the same number as an answer: only hypercall_again makes it mean this. */
    if (unlikely(rc == HYPERCALL_CONTINUE) && v->again.nr)
        hypercall_go_on_later(v, regs);
    else
        regs->rax = (uint64_t)rc;
}

#endif
