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

/*
 * Is it mov REGISTER, MEMORY or xchg of 64 bits, behind no prefix but REX: how compilers store a page-table entry, and
 * how kernels take one away? A short way to what insn_decode says of it. All INSN_BUFFER bytes may be looked at.
 */
static inline bool insn_is_store64(const uint8_t bytes[INSN_BUFFER], unsigned *reg, unsigned *length,
                                   bool *exchanges)
{
    static const uint8_t displacement[4] = { 0, 1, 4, 0 };
    uint32_t word;

    __builtin_memcpy(&word, bytes, sizeof(word));
    unsigned modrm = word >> 16 & 0xff, mod = modrm >> 6, rm = modrm & 7;
    *exchanges = (word & 0xfff8) == 0x8748;
    if (((word & 0xfff8) != 0x8948 && !*exchanges) || mod == 3)
        return false;
    unsigned base = rm == 4 ? word >> 24 & 7 : rm; /* rm 4: a SIB byte follows */
    *reg = (modrm >> 3 & 7) | (word & 4) << 1;
    *length = 3U + (rm == 4) + (mod == 0 && base == 5 ? 4U : displacement[mod]);
    return true;
}

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
