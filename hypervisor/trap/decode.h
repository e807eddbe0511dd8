/* SPDX-License-Identifier: MIT */
/*
 * Reading the instructions that we emulate for guests: privileged ones, and stores to page tables.
 * Anything else is refused, and then faults in the guest as it would have.
 */
#ifndef TRAP_DECODE_H
#define TRAP_DECODE_H

#include <xen/xen.h>
#include "lib/types.h"

#define INSN_MAX    15U
#define INSN_BUFFER 16U

struct insn {
    uint8_t length;
    bool two_byte; /* 0f came before the opcode */
    uint8_t opcode;
    bool has_modrm;
    uint8_t mod, reg, rm; /* with their REX bits */
    bool rex, rex_w, lock, rep, repne, operand16;
    uint8_t size; /* bytes of the operand */
    uint64_t immediate;
};

/* Reads one instruction of 64-bit code from nr bytes. Returns false if it is not one that we know, or
 * if it does not end within them. */
bool insn_decode(const uint8_t *bytes, unsigned nr, struct insn *insn);

/* Reads up to INSN_MAX bytes at a guest address; returns how many could be read. */
unsigned insn_fetch(uint64_t rip, uint8_t bytes[INSN_BUFFER]);

/* General register n (0 rax, 1 rcx, ... as instructions number them). */
uint64_t *insn_register(struct cpu_user_regs *regs, unsigned n);
/* The instruction's register operand, and storing into it, as wide as the instruction says. */
uint64_t insn_reg_get(struct cpu_user_regs *regs, const struct insn *insn);
void insn_reg_set(struct cpu_user_regs *regs, const struct insn *insn, uint64_t value);

static inline uint64_t size_mask(unsigned size)
{
    return size == 8 ? ~0UL : (1UL << (size * 8)) - 1;
}

#endif
