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

static inline bool take(struct reader *r, uint8_t *byte)
{
    if (r->at >= r->nr || r->at >= INSN_MAX)
        return false;
    *byte = r->bytes[r->at++];
    return true;
}

/* add, or, adc, sbb, and, sub, xor (not cmp: it does not write) with a memory destination */
#define ARITHMETIC(op) [op] = KNOWN | MODRM | BYTE, [(op) + 1] = KNOWN | MODRM

static const uint8_t one_byte_forms[256] = {
    ARITHMETIC(0x00), ARITHMETIC(0x08), ARITHMETIC(0x10), ARITHMETIC(0x18),
    ARITHMETIC(0x20), ARITHMETIC(0x28), ARITHMETIC(0x30),
    [0x6c] = KNOWN | BYTE, /* ins, outs */
    [0x6d] = KNOWN | NO64,
    [0x6e] = KNOWN | BYTE,
    [0x6f] = KNOWN | NO64,
    [0x80] = KNOWN | MODRM | BYTE | IMM8, /* group 1 */
    [0x81] = KNOWN | MODRM | IMM,
    [0x83] = KNOWN | MODRM | IMM8,
    [0x86] = KNOWN | MODRM | BYTE, /* xchg */
    [0x87] = KNOWN | MODRM,
    [0x88] = KNOWN | MODRM | BYTE, /* mov */
    [0x89] = KNOWN | MODRM,
    [0xa4] = KNOWN | BYTE, /* movs */
    [0xa5] = KNOWN,
    [0xaa] = KNOWN | BYTE, /* stos */
    [0xab] = KNOWN,
    [0xc6] = KNOWN | MODRM | BYTE | IMM8, /* mov with an immediate */
    [0xc7] = KNOWN | MODRM | IMM,
    [0xcd] = KNOWN | BYTE | IMM8, /* int */
    [0xe4] = KNOWN | BYTE | IMM8, /* in, out with an immediate */
    [0xe5] = KNOWN | IMM8 | NO64,
    [0xe6] = KNOWN | BYTE | IMM8,
    [0xe7] = KNOWN | IMM8 | NO64,
    [0xec] = KNOWN | BYTE, /* in, out with DX */
    [0xed] = KNOWN | NO64,
    [0xee] = KNOWN | BYTE,
    [0xef] = KNOWN | NO64,
    [0xf4] = KNOWN, /* hlt */
    [0xfa] = KNOWN, /* cli */
    [0xfb] = KNOWN, /* sti */
    [0xfe] = KNOWN | MODRM | BYTE, /* inc, dec */
    [0xff] = KNOWN | MODRM,
};

static const uint8_t two_byte_forms[256] = {
    [0x01] = KNOWN | MODRM, /* group 7: xsetbv, rdtscp, lmsw ... */
    [0x06] = KNOWN,         /* clts */
    [0x08] = KNOWN,         /* invd */
    [0x09] = KNOWN,         /* wbinvd */
    [0x20] = KNOWN | MODRM, /* mov from and to control and debug registers */
    [0x21] = KNOWN | MODRM,
    [0x22] = KNOWN | MODRM,
    [0x23] = KNOWN | MODRM,
    [0x30] = KNOWN, /* wrmsr */
    [0x31] = KNOWN, /* rdtsc */
    [0x32] = KNOWN, /* rdmsr */
    [0x34] = KNOWN, /* sysenter */
    [0xa2] = KNOWN, /* cpuid */
    [0xab] = KNOWN | MODRM, /* bts, btr, btc with a register */
    [0xb0] = KNOWN | MODRM | BYTE, /* cmpxchg */
    [0xb1] = KNOWN | MODRM,
    [0xb3] = KNOWN | MODRM,
    [0xba] = KNOWN | MODRM | IMM8, /* group 8: bts, btr, btc with an immediate */
    [0xbb] = KNOWN | MODRM,
    [0xc0] = KNOWN | MODRM | BYTE, /* xadd */
    [0xc1] = KNOWN | MODRM,
    [0xc3] = KNOWN | MODRM, /* movnti */
};

static inline bool read_prefixes(struct reader *r, struct insn *insn, uint8_t *rex, uint8_t *op)
{
    *rex = 0;
    for (;;) {
        if (!take(r, op))
            return false;
        if (likely((*op & 0xf0) == 0x40)) {
            /* REX counts only right before the opcode. */
            *rex = *op;
            return take(r, op);
        }
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
            return true;
        }
    }
}

static inline bool skip(struct reader *r, unsigned bytes)
{
    r->at += bytes;
    return r->at <= r->nr && r->at <= INSN_MAX;
}

static inline bool read_modrm(struct reader *r, struct insn *insn, uint8_t rex)
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
        form = two_byte_forms[op];
    } else {
        form = one_byte_forms[op];
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
