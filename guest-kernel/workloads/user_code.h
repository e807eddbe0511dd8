/* SPDX-License-Identifier: MIT */
/*
 * The code that runs in guest user mode (user_code.S). Labels ending in _at name the instruction
 * that traps, as an address in the kernel's image; user_address turns it into what user mode sees.
 */
#ifndef WORKLOADS_USER_CODE_H
#define WORKLOADS_USER_CODE_H

#include "arch/pv/pv.h"

static inline uint64_t user_address(const uint8_t *label)
{
    return USER_BASE + (uint64_t)(label - user_text_start);
}

extern const uint8_t user_syscall[], user_syscall_behind[], user_int80[], user_int80_behind[];
extern const uint8_t user_ud2[], user_read[], user_write[], user_jump[], user_divide[], user_hlt[];
extern const uint8_t user_int3[], user_int3_behind[], user_int4[], user_int4_behind[];
extern const uint8_t user_int20[], user_int20_behind[], user_cli[], user_in[], user_fnop[];
extern const uint8_t user_bases[], user_spin[], user_step[], user_step_behind[], user_bad_ds[];
extern const uint8_t user_hypercall[], user_syscall_loop[], user_int80_loop[], user_fault_loop[];
extern const uint8_t user_fpu[], user_ds_wait[], user_sysenter[];

#endif
