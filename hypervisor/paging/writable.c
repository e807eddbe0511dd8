/* SPDX-License-Identifier: MIT */
/*
 * Direct stores to page tables ("writable page tables"): the store faults, since tables are mapped
 * read-only; we read the instruction, compute what it would have written, and make that change with all
 * checks.
 *
 * The faulting address says where the store goes, so the instruction's addressing is not computed again.
 *
 * ABI: VMASST_TYPE_writable_pagetables
 */
#include "paging/writable.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"
#include "trap/decode.h"

#define ARITHMETIC_FLAGS                                                                           \
    (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

struct store {
    struct cpu_user_regs *regs;
    struct insn insn;
    uint64_t old;   /* operand, as wide as the instruction says */
    uint64_t new;
    uint64_t flags; /* arithmetic flags afterwards */
    bool writes;    /* cmpxchg may not */
    bool reg_out;   /* store old into the instruction's register (xchg, xadd) */
    bool rax_out;   /* store old into rax (cmpxchg) */
};

/* Lets the processor itself compute result and flags: op is an instruction's name. */
#define ALU(name, s, operand)                                                                      \
    do {                                                                                           \
        switch ((s)->insn.size) {                                                                  \
        case 1:                                                                                    \
            ALU_SIZED(name "b", (s), (uint8_t), operand);                                          \
            break;                                                                                 \
        case 2:                                                                                    \
            ALU_SIZED(name "w", (s), (uint16_t), operand);                                         \
            break;                                                                                 \
        case 4:                                                                                    \
            ALU_SIZED(name "l", (s), (uint32_t), operand);                                         \
            break;                                                                                 \
        case 8:                                                                                    \
            ALU_SIZED(name "q", (s), (uint64_t), operand);                                         \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

#define ALU_SIZED(name, s, type, operand)                                                          \
    do {                                                                                           \
        __typeof__(type 0) value = type(s)->old, with = type(operand);                             \
        uint64_t flags = ((s)->flags & ARITHMETIC_FLAGS) | EFLAGS_IF | 2; /* they stay on */       \
        __asm__("push %1; popf; " name " %2, %0; pushf; pop %1"                                    \
                : "+q"(value), "+r"(flags)                                                         \
                : "q"(with)                                                                        \
                : "cc");                                                                           \
        (s)->new = value;                                                                          \
        (s)->flags = flags;                                                                        \
    } while (0)

static bool arithmetic(struct store *s, unsigned operation, uint64_t operand)
{
    switch (operation) {
    case 0:
        ALU("add", s, operand);
        break;
    case 1:
        ALU("or", s, operand);
        break;
    case 2:
        ALU("adc", s, operand);
        break;
    case 3:
        ALU("sbb", s, operand);
        break;
    case 4:
        ALU("and", s, operand);
        break;
    case 5:
        ALU("sub", s, operand);
        break;
    case 6:
        ALU("xor", s, operand);
        break;
    default:
        return false; /* cmp writes nothing */
    }
    return true;
}

/* bts, btr, btc: the address already accounts for whole words of a large bit number. */
static bool bit_operation(struct store *s, unsigned operation, uint64_t bit)
{
    uint64_t mask = 1UL << (bit % (s->insn.size * 8U));

    s->flags = (s->flags & ~EFLAGS_CF) | (s->old & mask ? EFLAGS_CF : 0);
    switch (operation) {
    case 5:
        s->new = s->old | mask;
        return true;
    case 6:
        s->new = s->old & ~mask;
        return true;
    case 7:
        s->new = s->old ^ mask;
        return true;
    }
    return false;
}

static bool compare_exchange(struct store *s)
{
    uint64_t expected = s->regs->rax & size_mask(s->insn.size), old = s->old;

    /* Flags are those of cmp rax, old. */
    s->old = expected;
    ALU("sub", s, old);
    s->old = old;
    s->new = insn_reg_get(s->regs, &s->insn);
    s->writes = expected == old;
    s->rax_out = !s->writes;
    return true;
}

static bool compute_two_byte(struct store *s)
{
    switch (s->insn.opcode) {
    case 0xab:
        return bit_operation(s, 5, insn_reg_get(s->regs, &s->insn));
    case 0xb3:
        return bit_operation(s, 6, insn_reg_get(s->regs, &s->insn));
    case 0xbb:
        return bit_operation(s, 7, insn_reg_get(s->regs, &s->insn));
    case 0xba:
        return bit_operation(s, s->insn.reg & 7, s->insn.immediate);
    case 0xb0:
    case 0xb1:
        return compare_exchange(s);
    case 0xc0:
    case 0xc1:
        s->reg_out = true;
        return arithmetic(s, 0, insn_reg_get(s->regs, &s->insn));
    case 0xc3:
        s->new = insn_reg_get(s->regs, &s->insn);
        return true;
    }
    return false;
}

static bool compute(struct store *s)
{
    const struct insn *insn = &s->insn;
    uint64_t carry;

    if (!insn->has_modrm || insn->mod == 3)
        return false;
    if (insn->two_byte)
        return compute_two_byte(s);
    if (insn->opcode < 0x38)
        return arithmetic(s, insn->opcode >> 3, insn_reg_get(s->regs, insn));
    switch (insn->opcode) {
    case 0x80:
    case 0x81:
    case 0x83:
        return arithmetic(s, insn->reg & 7, insn->immediate);
    case 0x86:
    case 0x87:
        s->reg_out = true;
        s->new = insn_reg_get(s->regs, insn);
        return true;
    case 0x88:
    case 0x89:
        s->new = insn_reg_get(s->regs, insn);
        return true;
    case 0xc6:
    case 0xc7:
        s->new = insn->immediate;
        return (insn->reg & 7) == 0;
    case 0xfe:
    case 0xff: /* inc and dec leave CF alone */
        carry = s->flags & EFLAGS_CF;
        if ((insn->reg & 7) > 1 || !arithmetic(s, insn->reg & 7 ? 5 : 0, 1))
            return false;
        s->flags = (s->flags & ~EFLAGS_CF) | carry;
        return true;
    }
    return false;
}

/* movs and stos, one element a time: with REP the guest comes back for the next. */
static bool compute_string(struct store *s)
{
    struct cpu_user_regs *regs = s->regs;
    uint64_t value = 0, step = regs->rflags & EFLAGS_DF ? -(uint64_t)s->insn.size : s->insn.size;
    bool movs = s->insn.opcode <= 0xa5;

    if (movs && !copy_from_guest(&value, regs->rsi, s->insn.size))
        return false;
    s->new = movs ? value : regs->rax;
    return step != 0;
}

static void finish_string(struct store *s)
{
    struct cpu_user_regs *regs = s->regs;
    uint64_t step = regs->rflags & EFLAGS_DF ? -(uint64_t)s->insn.size : s->insn.size;

    regs->rdi += step;
    if (s->insn.opcode <= 0xa5)
        regs->rsi += step;
    if ((s->insn.rep || s->insn.repne) && --regs->rcx)
        regs->rip -= s->insn.length; /* not done yet */
}

static bool is_string(const struct insn *insn)
{
    return !insn->two_byte && (insn->opcode == 0xa4 || insn->opcode == 0xa5 ||
                               insn->opcode == 0xaa || insn->opcode == 0xab);
}

static void finish(struct store *s)
{
    if (s->rax_out) {
        struct insn rax = s->insn;
        rax.reg = 0;
        insn_reg_set(s->regs, &rax, s->old);
    }
    if (s->reg_out)
        insn_reg_set(s->regs, &s->insn, s->old);
    s->regs->rflags = (s->regs->rflags & ~ARITHMETIC_FLAGS) | (s->flags & ARITHMETIC_FLAGS);
    s->regs->rip += s->insn.length;
    if (is_string(&s->insn))
        finish_string(s);
}

/* Returns 0 when done, HYPERCALL_CONTINUE to let the guest try again, else it may not. */
static int store_to_entry(struct vcpu *v, struct store *s, uint64_t *entry, unsigned offset)
{
    uint64_t mask = size_mask(s->insn.size), whole = READ_ONCE(*entry);

    s->old = whole >> (8 * offset) & mask;
    s->flags = s->regs->rflags;
    s->writes = true;
    s->reg_out = s->rax_out = false;
    if (!(is_string(&s->insn) ? compute_string(s) : compute(s)))
        return -XEN_EINVAL;
    int rc = 0;
    if (s->writes) {
        uint64_t to = (whole & ~(mask << (8 * offset))) | (s->new & mask) << (8 * offset);
        rc = l1_entry_change(v->domain, v->domain->id, entry, whole, to, ENTRY_EXACT);
    }
    if (!rc)
        finish(s);
    return rc;
}

/* Any other instruction than the usual ones. Same answers as store_to_entry. */
static int __attribute__((noinline)) emulate_store(struct vcpu *v, struct cpu_user_regs *regs,
                                                   const uint8_t *bytes, unsigned nr,
                                                   uint64_t *entry, unsigned offset)
{
    struct store s;

    s.regs = regs;
    if (!insn_decode(bytes, nr, &s.insn) || (offset & (s.insn.size - 1U)))
        return -XEN_EINVAL;
    return store_to_entry(v, &s, entry, offset);
}

HOT bool writable_table_store(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va)
{
    uint8_t bytes[INSN_BUFFER];
    unsigned reg, length;
    bool exchanges;
    struct frame *f;
    int rc;

    uint64_t mapping = guest_walk(v->kernel_root, va);
    if (!mapping || !mfn_is_ram(pte_mfn(mapping)))
        return false;
    f = frame_at(pte_mfn(mapping));
    if (!page_type_get_existing(f, TYPE_L1, v->domain->id))
        return false;

    uint64_t *entry = (uint64_t *)mfn_to_virt(pte_mfn(mapping)) + va / 8 % 512;
    unsigned nr = insn_fetch(regs->rip, bytes);
    if (likely(nr == INSN_MAX) && likely(insn_is_store64(bytes, &reg, &length, &exchanges)) && !(va & 7)) {
        uint64_t old = READ_ONCE(*entry), *value = insn_register(regs, reg);
        rc = l1_entry_change(v->domain, v->domain->id, entry, old, *value, ENTRY_EXACT);
        if (!rc && exchanges)
            *value = old;
        if (!rc)
            regs->rip += length;
    } else {
        rc = emulate_store(v, regs, bytes, nr, entry, (unsigned)(va % 8));
    }
    page_type_put(f);
    return rc == 0 || rc == HYPERCALL_CONTINUE;
}
