/* SPDX-License-Identifier: MIT */
#ifndef PAGING_WRITABLE_H
#define PAGING_WRITABLE_H

#include "domain/domain.h"

/*
 * The guest kernel's store to va faulted because the page is an L1 table: does the store as a checked
 * change of that entry, and moves the guest past its instruction.
 * Returns false if it is not such a store, or breaks a rule: the guest gets its page fault.
 */
bool writable_table_store(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va);

#endif
