/* SPDX-License-Identifier: MIT */
/* The numbers are real; the one instruction that decisions use is not. */
#ifndef FAKE_MACHINE_REGISTERS_H
#define FAKE_MACHINE_REGISTERS_H

#define tlb_invalidate_page tlb_invalidate_page_by_instruction
#include_next "machine/registers.h"
#undef tlb_invalidate_page

void tlb_invalidate_page(uint64_t va);

#endif
