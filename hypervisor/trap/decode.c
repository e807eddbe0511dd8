/* SPDX-License-Identifier: MIT */
#include "trap/decode.h"
#include "lib/string.h"

#define KNOWN  0x01
#define MODRM  0x02
#define BYTE   0x04 /* operates on bytes, whatever the prefixes */
#define IMM8   0x08
#define IMM    0x10 /* as wide as the operand, at most 4 bytes */
#define NO64   0x20 /* the operand is at most 4 bytes */

struct reader {
    const uint8_t *bytes;
    unsigned nr, at;
};

static bool take(struct reader *r, uint8_t *byte)
{
    if (r->at >= r->nr || r->at >= INSN_MAX)
        return false;
    *byte = r->bytes[r->at++];
    return true;
}

static unsigned form_of_one_byte(uint8_t op)
{
    /* add, or, adc, sbb, and, sub, xor (not cmp: it does not write) with a memory destination */
    if (op < 0x38 && (op & 7) <= 1)
        return KNOWN | MODRM | (op & 1 ? 0 : BYTE);
    switch (op) {
    case 0x6c: /* ins, outs */
    case 0x6e:
    case 0xec: /* in, out with DX */
    case 0xee:
    case 0xa4: /* movs */
    case 0xaa: /* stos */
        return KNOWN | BYTE;
    case 0x6d:
    case 0x6f:
    case 0xed:
    case 0xef:
        return KNOWN | NO64;
    case 0xa5:
    case 0xab:
    case 0xf4: /* hlt */
    case 0xfa: /* cli */
    case 0xfb: /* sti */
        return KNOWN;
    case 0x80: /* group 1 */
        return KNOWN | MODRM | BYTE | IMM8;
    case 0x81:
        return KNOWN | MODRM | IMM;
    case 0x83:
        return KNOWN | MODRM | IMM8;
    case 0x86: /* xchg */
    case 0x88: /* mov */
    case 0xfe: /* inc, dec */
        return KNOWN | MODRM | BYTE;
    case 0x87:
    case 0x89:
    case 0xff:
        return KNOWN | MODRM;
    case 0xc6: /* mov with an immediate */
        return KNOWN | MODRM | BYTE | IMM8;
    case 0xc7:
        return KNOWN | MODRM | IMM;
    case 0xcd: /* int */
        return KNOWN | BYTE | IMM8;
    case 0xe4: /* in, out with an immediate */
    case 0xe6:
        return KNOWN | BYTE | IMM8;
    case 0xe5:
    case 0xe7:
        return KNOWN | IMM8 | NO64;
    }
    return 0;
}

static unsigned form_of_two_bytes(uint8_t op)
{
    switch (op) {
    case 0x01: /* group 7: xsetbv, rdtscp, lmsw ... */
    case 0x20: /* mov from and to control and debug registers */
    case 0x21:
    case 0x22:
    case 0x23:
        return KNOWN | MODRM;
    case 0x06: /* clts */
    case 0x08: /* invd */
    case 0x09: /* wbinvd */
    case 0x30: /* wrmsr */
    case 0x31: /* rdtsc */
    case 0x32: /* rdmsr */
    case 0x34: /* sysenter */
    case 0xa2: /* cpuid */
        return KNOWN;
    case 0xab: /* bts, btr, btc with a register */
    case 0xb3:
    case 0xbb:
    case 0xb1: /* cmpxchg */
    case 0xc1: /* xadd */
    case 0xc3: /* movnti */
        return KNOWN | MODRM;
    case 0xb0:
    case 0xc0:
        return KNOWN | MODRM | BYTE;
    case 0xba: /* group 8: bts, btr, btc with an immediate */
        return KNOWN | MODRM | IMM8;
    }
    return 0;
}

static bool read_prefixes(struct reader *r, struct insn *insn, uint8_t *rex, uint8_t *op)
{
    *rex = 0;
    for (;;) {
        if (!take(r, op))
            return false;
        switch (*op) {
        case 0x26: /* segments: those with a base matter only for addresses, which we do not compute */
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x67:
            break;
        case 0x66:
            insn->operand16 = true;
            break;
        case 0xf0:
            insn->lock = true;
            break;
        case 0xf2:
            insn->repne = true;
            break;
        case 0xf3:
            insn->rep = true;
            break;
        default:
            if ((*op & 0xf0) != 0x40)
                return true;
            /* REX counts only right before the opcode. */
            *rex = *op;
            if (!take(r, op))
                return false;
            return true;
        }
    }
}

static bool skip(struct reader *r, unsigned bytes)
{
    r->at += bytes;
    return r->at <= r->nr && r->at <= INSN_MAX;
}

static bool read_modrm(struct reader *r, struct insn *insn, uint8_t rex)
{
    uint8_t modrm, sib;

    if (!take(r, &modrm))
        return false;
    insn->has_modrm = true;
    insn->mod = modrm >> 6;
    insn->reg = (uint8_t)((modrm >> 3 & 7) | (rex & 4) << 1);
    insn->rm = (uint8_t)((modrm & 7) | (rex & 1) << 3);
    if (insn->mod == 3)
        return true;
    if ((modrm & 7) == 4) {
        if (!take(r, &sib))
            return false;
        if (insn->mod == 0 && (sib & 7) == 5)
            return skip(r, 4);
    } else if (insn->mod == 0 && (modrm & 7) == 5) {
        return skip(r, 4); /* RIP-relative */
    }
    return skip(r, insn->mod == 1 ? 1 : insn->mod == 2 ? 4 : 0);
}

/* Immediates are at most four bytes and extend their sign. */
static bool read_immediate(struct reader *r, struct insn *insn, unsigned bytes)
{
    uint32_t value = 0;
    uint8_t byte;

    for (unsigned i = 0; i < bytes; i++) {
        if (!take(r, &byte))
            return false;
        value |= (uint32_t)byte << (8 * i);
    }
    unsigned unused = 32 - 8 * bytes;
    insn->immediate = (uint64_t)(int64_t)((int32_t)(value << unused) >> unused);
    return true;
}

bool insn_decode(const uint8_t *bytes, unsigned nr, struct insn *insn)
{
    struct reader r = { bytes, nr, 0 };
    uint8_t rex, op;

    *insn = (struct insn){ 0 };
    if (!read_prefixes(&r, insn, &rex, &op))
        return false;
    insn->rex = rex != 0;
    insn->rex_w = rex & 8;
    unsigned form;
    if (op == 0x0f) {
        if (!take(&r, &op))
            return false;
        insn->two_byte = true;
        form = form_of_two_bytes(op);
    } else {
        form = form_of_one_byte(op);
    }
    if (!form)
        return false;
    insn->opcode = op;
    if (form & BYTE)
        insn->size = 1;
    else if (insn->rex_w && !(form & NO64))
        insn->size = 8;
    else
        insn->size = insn->operand16 ? 2 : 4;
    if ((form & MODRM) && !read_modrm(&r, insn, rex))
        return false;
    if ((form & IMM8) && !read_immediate(&r, insn, 1))
        return false;
    if ((form & IMM) && !read_immediate(&r, insn, insn->size == 2 ? 2 : 4))
        return false;
    insn->length = (uint8_t)r.at;
    return true;
}

uint64_t *insn_register(struct cpu_user_regs *regs, unsigned n)
{
    static const uint8_t offsets[16] = {
        offsetof(struct cpu_user_regs, rax), offsetof(struct cpu_user_regs, rcx),
        offsetof(struct cpu_user_regs, rdx), offsetof(struct cpu_user_regs, rbx),
        offsetof(struct cpu_user_regs, rsp), offsetof(struct cpu_user_regs, rbp),
        offsetof(struct cpu_user_regs, rsi), offsetof(struct cpu_user_regs, rdi),
        offsetof(struct cpu_user_regs, r8),  offsetof(struct cpu_user_regs, r9),
        offsetof(struct cpu_user_regs, r10), offsetof(struct cpu_user_regs, r11),
        offsetof(struct cpu_user_regs, r12), offsetof(struct cpu_user_regs, r13),
        offsetof(struct cpu_user_regs, r14), offsetof(struct cpu_user_regs, r15),
    };
    return (uint64_t *)((uint8_t *)regs + offsets[n & 15]);
}

/* Without REX, byte registers 4 to 7 are the second bytes of 0 to 3 (AH, CH, DH, BH). */
static bool is_high_byte(const struct insn *insn)
{
    return insn->size == 1 && !insn->rex && insn->reg >= 4 && insn->reg < 8;
}

uint64_t insn_reg_get(struct cpu_user_regs *regs, const struct insn *insn)
{
    if (is_high_byte(insn))
        return *insn_register(regs, insn->reg - 4U) >> 8 & 0xff;
    return *insn_register(regs, insn->reg) & size_mask(insn->size);
}

void insn_reg_set(struct cpu_user_regs *regs, const struct insn *insn, uint64_t value)
{
    uint64_t mask = size_mask(insn->size);

    if (is_high_byte(insn)) {
        uint64_t *r = insn_register(regs, insn->reg - 4U);
        *r = (*r & ~0xff00UL) | (value & 0xff) << 8;
        return;
    }
    uint64_t *r = insn_register(regs, insn->reg);
    if (insn->size == 4)
        *r = value & mask; /* 32-bit results clear the upper half */
    else
        *r = (*r & ~mask) | (value & mask);
}
