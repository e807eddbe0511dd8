/* SPDX-License-Identifier: MIT */
/*
 * Emulated stores to page tables against this computer's processor: the same instruction, with the
 * same registers and flags, once on plain memory and once through writable_table_store.
 *
 * The values are entries that are not present, for those may hold anything.
 */
#include "run.h"
#include "paging.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/writable.h"
#include <string.h>

#define CODE       0x400000UL
#define WINDOW     0x7000UL /* guest address of the table, read-only */
#define SLOT       20U
#define ARITHMETIC (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

static struct domain *d;
static mfn_t l1;
static uint8_t code[64];

static void start(void)
{
    d = paging_start(256);
    mfn_t l2 = new_frame(d), l3 = new_frame(d), l4 = new_frame(d);

    l1 = new_frame(d);
    words_of(l1)[WINDOW >> PAGE_SHIFT] = entry_of(l1, RO);
    words_of(l2)[0] = entry_of(l1, RW);
    words_of(l3)[0] = entry_of(l2, RW);
    words_of(l4)[0] = entry_of(l3, RW);
    ck_assert_int_eq(page_type_get(frame_at(l4), TYPE_L4), 0);
    d->vcpus[0]->kernel_root = l4;
    d->vcpus[0]->initialised = true;
    fake_guest_map(CODE, code, sizeof(code));
}

struct run {
    uint64_t rax, rcx, rdx, rdi, flags;
    const uint8_t *begin, *end; /* of the instruction */
};

/* Runs the instruction here; its memory operand is (%rdi). */
#define NATIVE(text, r)                                                                            \
    __asm__ volatile("lea 1f(%%rip), %[b]\n"                                                       \
                     "lea 2f(%%rip), %[e]\n"                                                       \
                     "push %[f]; popf\n"                                                           \
                     "1: " text "\n2:\n"                                                           \
                     "pushf; pop %[f]; cld\n"                                                      \
                     : "+a"((r)->rax), "+c"((r)->rcx), "+d"((r)->rdx), "+D"((r)->rdi),             \
                       [f] "+r"((r)->flags), [b] "=&r"((r)->begin), [e] "=&r"((r)->end)::"memory", \
                       "cc")

static void compare(const char *text, const struct run *before, const struct run *after,
                    unsigned offset, uint64_t old, uint64_t want, uint64_t flags_that_count)
{
    struct cpu_user_regs regs = { .rip = CODE,
                                  .rax = before->rax,
                                  .rcx = before->rcx,
                                  .rdx = before->rdx,
                                  .rflags = before->flags };
    uint64_t *entry = &words_of(l1)[SLOT];

    *entry = old;
    memcpy(code, after->begin, (size_t)(after->end - after->begin));
    bool done = writable_table_store(d->vcpus[0], &regs, WINDOW + SLOT * 8 + offset);
    if (want & PTE_PRESENT) { /* a frame that nobody has */
        ck_assert_msg(!done && *entry == old && regs.rip == CODE, "%s is let through", text);
        return;
    }
    ck_assert_msg(done, "%s is refused (old %lx, rax %lx, rcx %lx)", text, old, before->rax,
                  before->rcx);
    ck_assert_msg(*entry == want,
                  "%s: %lx becomes %lx, and %lx on the processor (rax %lx, rcx %lx)", text, old,
                  *entry, want, before->rax, before->rcx);
    ck_assert_msg(regs.rax == after->rax && regs.rcx == after->rcx && regs.rdx == after->rdx,
                  "%s: rax %lx rcx %lx rdx %lx, and %lx %lx %lx on the processor", text, regs.rax,
                  regs.rcx, regs.rdx, after->rax, after->rcx, after->rdx);
    ck_assert_msg(!((regs.rflags ^ after->flags) & flags_that_count),
                  "%s: flags %lx, and %lx on the processor", text, regs.rflags, after->flags);
    ck_assert_uint_eq(regs.rip, CODE + (size_t)(after->end - after->begin));
}

#define SAME(text, size, low_bits_of_rcx, flags_that_count)                                        \
    do {                                                                                           \
        for (unsigned round = 0; round < 300; round++) {                                           \
            unsigned offset = (unsigned)(fake_random() % (8 / (size))) * (size);                   \
            uint64_t memory = fake_random() & ~1UL, old = memory;                                  \
            struct run before = { .rax = any_value(old >> 8 * offset),                             \
                                  .rcx = any_value(old) & (low_bits_of_rcx),                       \
                                  .rdx = fake_random(),                                            \
                                  .rdi = (uint64_t)&memory + offset,                               \
                                  .flags = (fake_random() & ARITHMETIC) | EFLAGS_IF | 2 };         \
            struct run after = before;                                                             \
            NATIVE(text, &after);                                                                  \
            compare(text, &before, &after, offset, old, memory, flags_that_count);                 \
        }                                                                                          \
        audit_ok();                                                                                \
    } while (0)

/* Even, so that what comes out is mostly not present; sometimes what cmpxchg hopes for. */
static uint64_t any_value(uint64_t hoped_for)
{
    switch (fake_random() % 4) {
    case 0:
        return hoped_for;
    case 1:
        return 0;
    case 2:
        return ~1UL;
    default:
        return fake_random() & ~1UL;
    }
}

START_TEST(moves_are_as_on_the_processor)
{
    start();
    SAME("movb %%cl, (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("movb %%ch, (%%rdi)", 1, ~0x100UL, ARITHMETIC);
    SAME("movw %%cx, (%%rdi)", 2, ~0UL, ARITHMETIC);
    SAME("movl %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("movq %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("movb $0x44, (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("movw $-2, (%%rdi)", 2, ~0UL, ARITHMETIC);
    SAME("movl $0x80000000, (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("movq $-2, (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("movnti %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("movnti %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);
}
END_TEST

START_TEST(exchanges_are_as_on_the_processor)
{
    start();
    SAME("xchgb %%cl, (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("xchgb %%ch, (%%rdi)", 1, ~0x100UL, ARITHMETIC);
    SAME("xchgw %%cx, (%%rdi)", 2, ~0UL, ARITHMETIC);
    SAME("xchgl %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("xchgq %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("lock cmpxchgb %%cl, (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("lock cmpxchgw %%cx, (%%rdi)", 2, ~0UL, ARITHMETIC);
    SAME("lock cmpxchgl %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("lock cmpxchgq %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("lock xaddb %%cl, (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("xaddw %%cx, (%%rdi)", 2, ~0UL, ARITHMETIC);
    SAME("lock xaddl %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("lock xaddq %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);
}
END_TEST

#define ALL_SIZES(name)                                                                            \
    do {                                                                                           \
        SAME(name "b %%cl, (%%rdi)", 1, ~0UL, ARITHMETIC);                                         \
        SAME(name "w %%cx, (%%rdi)", 2, ~0UL, ARITHMETIC);                                         \
        SAME(name "l %%ecx, (%%rdi)", 4, ~0UL, ARITHMETIC);                                        \
        SAME(name "q %%rcx, (%%rdi)", 8, ~0UL, ARITHMETIC);                                        \
        SAME(name "b $0x42, (%%rdi)", 1, ~0UL, ARITHMETIC);                                        \
        SAME(name "w $0x1234, (%%rdi)", 2, ~0UL, ARITHMETIC);                                      \
        SAME(name "l $-4, (%%rdi)", 4, ~0UL, ARITHMETIC);                                          \
        SAME(name "q $-4, (%%rdi)", 8, ~0UL, ARITHMETIC);                                          \
        SAME("lock " name "q $0x12345678, (%%rdi)", 8, ~0UL, ARITHMETIC);                          \
    } while (0)

START_TEST(arithmetic_is_as_on_the_processor)
{
    start();
    ALL_SIZES("add");
    ALL_SIZES("or");
    ALL_SIZES("adc");
    ALL_SIZES("sbb");
    ALL_SIZES("and");
    ALL_SIZES("sub");
    ALL_SIZES("xor");
    SAME("incb (%%rdi)", 1, ~0UL, ARITHMETIC);
    SAME("incq (%%rdi)", 8, ~0UL, ARITHMETIC);
    SAME("lock decl (%%rdi)", 4, ~0UL, ARITHMETIC);
    SAME("decw (%%rdi)", 2, ~0UL, ARITHMETIC);
}
END_TEST

START_TEST(bit_operations_are_as_on_the_processor)
{
    start();
    SAME("lock btsq $5, (%%rdi)", 8, ~0UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("lock btrq $1, (%%rdi)", 8, ~0UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("btcl $31, (%%rdi)", 4, ~0UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("btsw $14, (%%rdi)", 2, ~0UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("btsq $70, (%%rdi)", 8, ~0UL, EFLAGS_CF | EFLAGS_ZF); /* the number wraps at the width */
    SAME("lock btsq %%rcx, (%%rdi)", 8, 63UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("lock btrl %%ecx, (%%rdi)", 4, 31UL, EFLAGS_CF | EFLAGS_ZF);
    SAME("btcw %%cx, (%%rdi)", 2, 15UL, EFLAGS_CF | EFLAGS_ZF);
}
END_TEST

START_TEST(a_string_is_stored_element_by_element)
{
    struct cpu_user_regs regs = { .rip = CODE,
                                  .rax = 0x1110,
                                  .rcx = 5,
                                  .rdi = WINDOW + SLOT * 8,
                                  .rsi = CODE + 32,
                                  .rflags = 2 };

    start();
    memcpy(code, "\xf3\x48\xab", 3); /* rep stosq */
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(regs.rip, CODE);
        ck_assert(writable_table_store(d->vcpus[0], &regs, regs.rdi));
    }
    ck_assert_uint_eq(regs.rip, CODE + 3);
    ck_assert_uint_eq(regs.rcx, 0);
    ck_assert_uint_eq(regs.rdi, WINDOW + SLOT * 8 + 40);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_eq(words_of(l1)[SLOT + i], i < 5 ? 0x1110 : 0);
    memcpy(code, "\x48\xa5", 2); /* movsq, backwards */
    memcpy(code + 32, "\x10\x20\x30\x40\x50\x60\x70\x80", 8);
    regs.rip = CODE;
    regs.rflags |= EFLAGS_DF;
    ck_assert(writable_table_store(d->vcpus[0], &regs, regs.rdi));
    ck_assert_uint_eq(words_of(l1)[SLOT + 5], 0x8070605040302010);
    ck_assert_uint_eq(regs.rdi, WINDOW + SLOT * 8 + 32);
    ck_assert_uint_eq(regs.rsi, CODE + 24);
    audit_ok();
}
END_TEST

/* The checks of the entry are those of every change; what is no store, or no table, is the guest's
 * fault. */
START_TEST(rules_hold_and_all_else_is_left_to_the_guest)
{
    struct cpu_user_regs regs = { .rip = CODE, .rflags = 2 };
    struct vcpu *v;
    uint64_t va = WINDOW + SLOT * 8;

    start();
    v = d->vcpus[0];
    mfn_t data = new_frame(d);
    memcpy(code, "\x48\x89\x0f", 3); /* movq %rcx, (%rdi) */
    regs.rcx = entry_of(data, RW);
    ck_assert(writable_table_store(v, &regs, va));
    ck_assert_uint_eq(words_of(l1)[SLOT], entry_of(data, RW | PTE_GLOBAL));
    ck_assert_uint_eq(count_of(data), 1);
    regs.rip = CODE;
    regs.rcx = entry_of(l1, RW);
    ck_assert(!writable_table_store(v, &regs, va));
    ck_assert_uint_eq(words_of(l1)[SLOT], entry_of(data, RW | PTE_GLOBAL));
    ck_assert_uint_eq(regs.rip, CODE);
    ck_assert(!writable_table_store(v, &regs, va + 1)); /* not aligned */
    ck_assert(!writable_table_store(v, &regs, 0x9000)); /* nothing there */
    regs.rip = 0xdead0000;
    ck_assert(!writable_table_store(v, &regs, va)); /* nothing to read */
    regs.rip = CODE;
    memcpy(code, "\x48\x8b\x0f", 3); /* a load */
    ck_assert(!writable_table_store(v, &regs, va));
    memcpy(code, "\x48\x39\x0f", 3); /* a comparison */
    ck_assert(!writable_table_store(v, &regs, va));
    memcpy(code, "\x48\x89\xc8", 3); /* no memory operand */
    ck_assert(!writable_table_store(v, &regs, va));
    ck_assert_uint_eq(regs.rip, CODE);
    audit_ok();
}
END_TEST

/* Where SYSRET, IRET and callbacks may lead: what an emulator lets pass, a processor does not. */
START_TEST(addresses_are_canonical_or_not)
{
    static const struct {
        uint64_t va;
        bool canonical, guests;
    } rows[] = {
        { 0, true, true },
        { 0x00007fffffffffff, true, true },
        { 0x0000800000000000, false, false },
        { 0x0001000000000000, false, false },
        { 0x7fffffffffffffff, false, false },
        { 0xffff7fffffffffff, false, false },
        { 0xffff800000000000, true, false },
        { 0xffff87ffffffffff, true, false },
        { 0xffff880000000000, true, true },
        { ~0UL, true, true },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        ck_assert_msg(address_is_canonical(rows[i].va) == rows[i].canonical, "%lx", rows[i].va);
        ck_assert_msg(guest_address_ok(rows[i].va) == rows[i].guests, "%lx", rows[i].va);
    }
    ck_assert(guest_range_ok(0, HYPERVISOR_START));
    ck_assert(!guest_range_ok(0, HYPERVISOR_START + 1));
    ck_assert(guest_range_ok(HYPERVISOR_END, 16));
    ck_assert(!guest_range_ok(HYPERVISOR_END - 1, 16));
    ck_assert(!guest_range_ok(~0UL, 2));
    ck_assert(!guest_array_ok(0, 1UL << 61, 16));
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { moves_are_as_on_the_processor },         { exchanges_are_as_on_the_processor },
        { arithmetic_is_as_on_the_processor },     { bit_operations_are_as_on_the_processor },
        { a_string_is_stored_element_by_element }, { rules_hold_and_all_else_is_left_to_the_guest },
        { addresses_are_canonical_or_not },
    };
    return RUN_TESTS("paging/writable", tests);
}
