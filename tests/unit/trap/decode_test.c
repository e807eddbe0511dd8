/* SPDX-License-Identifier: MIT */
/*
 * The decoder against the assembler: each instruction below is assembled into this program, and its
 * bytes must be read back with the length that they have, and the fields that the text says. Each
 * beginning of it, and nothing shorter, is refused.
 */
#include "run.h"
#include "fake.h"
#include "trap/decode.h"
#include <stdlib.h>
#include <string.h>

struct want {
    uint8_t opcode;
    bool two_byte;
    uint8_t size, reg; /* reg: of ModRM, with REX */
    uint64_t immediate;
    bool lock;
};

/* In a block of its own, that ends where the bytes do. */
static bool decode_exactly(const uint8_t *bytes, unsigned nr, struct insn *insn)
{
    uint8_t *block = malloc(nr ? nr : 1);

    memcpy(block, bytes, nr);
    bool known = insn_decode(block, nr, insn);
    free(block);
    return known;
}

static void check(const char *text, const uint8_t *bytes, unsigned length, const struct want *want)
{
    uint8_t padded[32];
    struct insn insn;

    ck_assert_uint_le(length, INSN_MAX);
    ck_assert_msg(decode_exactly(bytes, length, &insn), "%s is refused", text);
    ck_assert_msg(insn.length == length, "%s: length %u, should be %u", text, insn.length, length);
    ck_assert_msg(insn.opcode == want->opcode && insn.two_byte == want->two_byte, "%s: opcode %x",
                  text, insn.opcode);
    ck_assert_msg(insn.size == want->size, "%s: size %u", text, insn.size);
    ck_assert_msg(insn.immediate == want->immediate, "%s: immediate %lx", text, insn.immediate);
    ck_assert_msg(insn.lock == want->lock, "%s: lock", text);
    if (insn.has_modrm)
        ck_assert_msg(insn.reg == want->reg && insn.mod != 3, "%s: register %u", text, insn.reg);
    for (unsigned nr = 0; nr < length; nr++)
        ck_assert_msg(!decode_exactly(bytes, nr, &insn), "%s: %u of %u bytes are taken", text, nr,
                      length);
    memset(padded, 0xcc, sizeof(padded));
    memcpy(padded, bytes, length);
    ck_assert(insn_decode(padded, sizeof(padded), &insn));
    ck_assert_uint_eq(insn.length, length);
}

#define ONE(text, ...)                                                                             \
    do {                                                                                           \
        const uint8_t *start, *end;                                                                \
        const struct want want = __VA_ARGS__;                                                      \
        __asm__(".pushsection .rodata\n"                                                           \
                "1: " text "\n2:\n"                                                                \
                ".popsection\n"                                                                    \
                "lea 1b(%%rip), %0\n"                                                              \
                "lea 2b(%%rip), %1\n"                                                              \
                : "=r"(start), "=r"(end));                                                         \
        check(text, start, (unsigned)(end - start), &want);                                        \
    } while (0)

/* The instruction on each form of a memory operand that 64-bit code has. */
#define EACH(before, after, ...)                                                                   \
    do {                                                                                           \
        ONE(before "(%%rax)" after, __VA_ARGS__);                                                  \
        ONE(before "(%%rsp)" after, __VA_ARGS__);                                                  \
        ONE(before "(%%rbp)" after, __VA_ARGS__);                                                  \
        ONE(before "(%%r12)" after, __VA_ARGS__);                                                  \
        ONE(before "(%%r13)" after, __VA_ARGS__);                                                  \
        ONE(before "8(%%rdi)" after, __VA_ARGS__);                                                 \
        ONE(before "-8(%%r12)" after, __VA_ARGS__);                                                \
        ONE(before "0x12345678(%%rbx)" after, __VA_ARGS__);                                        \
        ONE(before "(%%rax,%%rbx,8)" after, __VA_ARGS__);                                          \
        ONE(before "(%%rbp,%%r12)" after, __VA_ARGS__);                                            \
        ONE(before "8(%%r13,%%r14,4)" after, __VA_ARGS__);                                         \
        ONE(before "0x1234567(%%rsp,%%rbp,2)" after, __VA_ARGS__);                                 \
        ONE(before "0x1234(,%%rax,8)" after, __VA_ARGS__);                                         \
        ONE(before "0x12345678" after, __VA_ARGS__);                                               \
        ONE(before "0x1234(%%rip)" after, __VA_ARGS__);                                            \
        ONE(before "%%fs:8(%%rax)" after, __VA_ARGS__);                                            \
        ONE(before "%%gs:0x100" after, __VA_ARGS__);                                               \
        ONE(before "(%%eax)" after, __VA_ARGS__);                                                  \
        ONE(before "8(%%r8d,%%r9d)" after, __VA_ARGS__);                                           \
    } while (0)

START_TEST(moves_are_read_in_all_forms)
{
    EACH("movb %%cl, ", "", { 0x88, false, 1, 1 });
    EACH("movw %%cx, ", "", { 0x89, false, 2, 1 });
    EACH("movl %%ecx, ", "", { 0x89, false, 4, 1 });
    EACH("movq %%rcx, ", "", { 0x89, false, 8, 1 });
    EACH("movq %%r15, ", "", { 0x89, false, 8, 15 });
    EACH("movb $-1, ", "", { 0xc6, false, 1, 0, ~0UL });
    EACH("movw $0x1234, ", "", { 0xc7, false, 2, 0, 0x1234 });
    EACH("movl $0x80000000, ", "", { 0xc7, false, 4, 0, 0xffffffff80000000 });
    EACH("movq $-2, ", "", { 0xc7, false, 8, 0, ~1UL });
    EACH("movnti %%rdx, ", "", { 0xc3, true, 8, 2 });
    EACH("movnti %%r9d, ", "", { 0xc3, true, 4, 9 });
}
END_TEST

START_TEST(exchanges_are_read_in_all_forms)
{
    EACH("xchgq %%rdx, ", "", { 0x87, false, 8, 2 });
    EACH("xchgl %%r10d, ", "", { 0x87, false, 4, 10 });
    EACH("xchgb %%dl, ", "", { 0x86, false, 1, 2 });
    ONE("xchgb %%dh, (%%rax)", { 0x86, false, 1, 6 });
    EACH("lock cmpxchgq %%rsi, ", "", { 0xb1, true, 8, 6, 0, true });
    EACH("cmpxchgq %%r8, ", "", { 0xb1, true, 8, 8 });
    EACH("lock cmpxchgl %%ebx, ", "", { 0xb1, true, 4, 3, 0, true });
    EACH("cmpxchgb %%bl, ", "", { 0xb0, true, 1, 3 });
    EACH("lock xaddq %%rax, ", "", { 0xc1, true, 8, 0, 0, true });
    EACH("xaddb %%al, ", "", { 0xc0, true, 1, 0 });
}
END_TEST

START_TEST(arithmetic_is_read_in_all_forms)
{
    EACH("lock orq %%rcx, ", "", { 0x09, false, 8, 1, 0, true });
    EACH("lock andq %%r11, ", "", { 0x21, false, 8, 11, 0, true });
    EACH("addl %%eax, ", "", { 0x01, false, 4, 0 });
    EACH("subw %%ax, ", "", { 0x29, false, 2, 0 });
    EACH("xorb %%al, ", "", { 0x30, false, 1, 0 });
    EACH("adcq %%rax, ", "", { 0x11, false, 8, 0 });
    EACH("sbbq %%rax, ", "", { 0x19, false, 8, 0 });
    EACH("lock orb $2, ", "", { 0x80, false, 1, 1, 2, true });
    EACH("lock andb $-3, ", "", { 0x80, false, 1, 4, ~2UL, true });
    EACH("lock orq $0x40, ", "", { 0x83, false, 8, 1, 0x40, true });
    EACH("lock andq $-3, ", "", { 0x83, false, 8, 4, ~2UL, true });
    EACH("lock andq $0x7ffffffd, ", "", { 0x81, false, 8, 4, 0x7ffffffd, true });
    EACH("orl $0x1000, ", "", { 0x81, false, 4, 1, 0x1000 });
    EACH("orw $0x1000, ", "", { 0x81, false, 2, 1, 0x1000 });
    EACH("lock incq ", "", { 0xff, false, 8, 0, 0, true });
    EACH("decb ", "", { 0xfe, false, 1, 1 });
}
END_TEST

START_TEST(bit_operations_are_read_in_all_forms)
{
    EACH("lock btrq $1, ", "", { 0xba, true, 8, 6, 1, true });
    EACH("lock btsl $5, ", "", { 0xba, true, 4, 5, 5, true });
    EACH("btcw $9, ", "", { 0xba, true, 2, 7, 9 });
    EACH("lock btrq %%rax, ", "", { 0xb3, true, 8, 0, 0, true });
    EACH("btsq %%r15, ", "", { 0xab, true, 8, 15 });
    EACH("btcl %%edx, ", "", { 0xbb, true, 4, 2 });
}
END_TEST

START_TEST(strings_and_privileged_instructions_are_read)
{
    ONE("stosq", { 0xab, false, 8 });
    ONE("rep stosq", { 0xab, false, 8 });
    ONE("rep movsq", { 0xa5, false, 8 });
    ONE("movsl", { 0xa5, false, 4 });
    ONE("stosb", { 0xaa, false, 1 });
    ONE("movsw", { 0xa5, false, 2 });
    ONE("hlt", { 0xf4, false, 4 });
    ONE("cli", { 0xfa, false, 4 });
    ONE("sti", { 0xfb, false, 4 });
    ONE("int $0x80", { 0xcd, false, 1, 0, 0xffffffffffffff80 });
    ONE("inb $0x64, %%al", { 0xe4, false, 1, 0, 0x64 });
    ONE("outl %%eax, %%dx", { 0xef, false, 4 });
    ONE("outw %%ax, %%dx", { 0xef, false, 2 });
    ONE("wrmsr", { 0x30, true, 4 });
    ONE("rdmsr", { 0x32, true, 4 });
    ONE("cpuid", { 0xa2, true, 4 });
    ONE("rdtsc", { 0x31, true, 4 });
    ONE("clts", { 0x06, true, 4 });
    ONE("wbinvd", { 0x09, true, 4 });
}
END_TEST

START_TEST(registers_of_moves_to_control_registers_are_read)
{
    static const uint8_t to_cr8[] = { 0x44, 0x0f, 0x22, 0xc3 };   /* mov %rbx, %cr8 */
    static const uint8_t from_dr7[] = { 0x41, 0x0f, 0x21, 0xfc }; /* mov %dr7, %r12 */
    struct insn insn;

    ck_assert(insn_decode(to_cr8, sizeof(to_cr8), &insn));
    ck_assert(insn.mod == 3 && insn.reg == 8 && insn.rm == 3 && insn.length == 4);
    ck_assert(insn_decode(from_dr7, sizeof(from_dr7), &insn));
    ck_assert(insn.mod == 3 && insn.reg == 7 && insn.rm == 12 && insn.length == 4);
}
END_TEST

/* What reads, compares, or needs more than one word is nobody's store to a page table. */
START_TEST(what_we_do_not_emulate_is_refused)
{
    static const uint8_t rows[][6] = {
        { 0x90 },                   /* nop */
        { 0x8b, 0x00 },             /* mov (%rax), %eax */
        { 0x3b, 0x00 },             /* cmp (%rax), %eax */
        { 0x39, 0x00 },             /* cmp %eax, (%rax) */
        { 0x03, 0x00 },             /* add (%rax), %eax */
        { 0x0f, 0xc7, 0x08 },       /* cmpxchg8b (%rax) */
        { 0x0f, 0x11, 0x00 },       /* movups %xmm0, (%rax) */
        { 0xd1, 0x00 },             /* roll (%rax) */
        { 0xf7, 0x10 },             /* notl (%rax) */
        { 0xc5, 0xf8, 0x77 },       /* vzeroupper */
        { 0x48, 0x66, 0x89, 0x00 }, /* REX that does not stand before the opcode */
    };
    struct insn insn;

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        ck_assert_msg(!insn_decode(rows[i], sizeof(rows[i]), &insn), "row %u", i);
}
END_TEST

START_TEST(fifteen_bytes_are_the_most)
{
    uint8_t bytes[32];
    struct insn insn;

    memset(bytes, 0x2e, sizeof(bytes)); /* a prefix */
    for (unsigned prefixes = 0; prefixes < 20; prefixes++) {
        memset(bytes, 0x2e, prefixes);
        memcpy(bytes + prefixes, "\xc7\x80\x78\x56\x34\x12\x01\x00\x00\x00",
               10); /* movl $1, disp32(%rax) */
        ck_assert_uint_eq(insn_decode(bytes, sizeof(bytes), &insn), prefixes <= 5);
    }
}
END_TEST

START_TEST(random_bytes_are_never_read_beyond_their_end)
{
    unsigned known = 0;

    fake_seed = (uint64_t)_i;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t bytes[16];
        struct insn insn, again;
        unsigned nr = (unsigned)(fake_random() % 16);
        for (unsigned i = 0; i < sizeof(bytes); i += 8) {
            uint64_t r = fake_random();
            memcpy(bytes + i, &r, 8);
        }
        if (!decode_exactly(bytes, nr, &insn))
            continue;
        known++;
        ck_assert_uint_ge(insn.length, 1);
        ck_assert_uint_le(insn.length, nr);
        ck_assert(insn.size == 1 || insn.size == 2 || insn.size == 4 || insn.size == 8);
        ck_assert(decode_exactly(bytes, insn.length, &again));
        ck_assert_mem_eq(&insn, &again, sizeof(insn));
    }
    ck_assert_uint_gt(known, 10000);
}
END_TEST

START_TEST(registers_are_read_and_written_as_wide_as_the_instruction)
{
    struct cpu_user_regs regs;
    struct insn insn = { 0 };

    memset(&regs, 0, sizeof(regs));
    *insn_register(&regs, 0) = 0x1111111111111111;
    ck_assert_uint_eq(regs.rax, 0x1111111111111111);
    *insn_register(&regs, 4) = 4;
    ck_assert_uint_eq(regs.rsp, 4);
    *insn_register(&regs, 15) = 15;
    ck_assert_uint_eq(regs.r15, 15);
    insn.size = 4;
    insn_reg_set(&regs, &insn, 0xaaaaaaaa22222222);
    ck_assert_uint_eq(regs.rax, 0x22222222); /* the upper half goes */
    regs.rax = 0x1111111111111111;
    insn.size = 2;
    insn_reg_set(&regs, &insn, 0xffff3333);
    ck_assert_uint_eq(regs.rax, 0x1111111111113333);
    insn.size = 1;
    insn.reg = 4; /* AH */
    insn_reg_set(&regs, &insn, 0x44);
    ck_assert_uint_eq(regs.rax, 0x1111111111114433);
    ck_assert_uint_eq(insn_reg_get(&regs, &insn), 0x44);
    insn.rex = true; /* SPL */
    ck_assert_uint_eq(insn_reg_get(&regs, &insn), 4);
}
END_TEST

/* The short way is right in all its cases, and has all cases but those behind a prefix. */
START_TEST(the_short_way_says_what_the_long_one_does)
{
    uint8_t bytes[INSN_BUFFER] = { 0 };
    unsigned reg, length, nr_taken = 0;
    struct insn insn;
    bool exchanges;

    for (unsigned first = 0; first < 1U << 16; first++) {
        bytes[0] = (uint8_t)first;
        bytes[1] = (uint8_t)(first >> 8);
        bool usual = (first & 0xfff8) == 0x8948 || (first & 0xfff8) == 0x8748;
        for (unsigned rest = 0; rest < 1U << 16; rest += usual ? 1 : 257) {
            bytes[2] = (uint8_t)rest;
            bytes[3] = (uint8_t)(rest >> 8);
            bool known = insn_decode(bytes, INSN_MAX, &insn);
            bool store = known && !insn.two_byte && (insn.opcode == 0x89 || insn.opcode == 0x87) && insn.mod != 3 &&
                         insn.size == 8 && (bytes[0] & 0xf8) == 0x48 && bytes[1] == insn.opcode;
            bool taken = insn_is_store64(bytes, &reg, &length, &exchanges);
            ck_assert_msg(taken == store, "%02x %02x %02x %02x: %d", bytes[0], bytes[1], bytes[2],
                          bytes[3], taken);
            if (taken && (reg != insn.reg || length != insn.length || exchanges != (insn.opcode == 0x87)))
                ck_abort_msg("%02x %02x %02x %02x: register %u, length %u", bytes[0], bytes[1],
                             bytes[2], bytes[3], reg, length);
            nr_taken += taken;
        }
    }
    ck_assert_uint_eq(nr_taken, 2 * 8 * 192 * 256);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { moves_are_read_in_all_forms },
        { exchanges_are_read_in_all_forms },
        { arithmetic_is_read_in_all_forms },
        { bit_operations_are_read_in_all_forms },
        { strings_and_privileged_instructions_are_read },
        { registers_of_moves_to_control_registers_are_read },
        { what_we_do_not_emulate_is_refused },
        { fifteen_bytes_are_the_most },
        { the_short_way_says_what_the_long_one_does },
        { random_bytes_are_never_read_beyond_their_end, .rounds = 4 },
        { registers_are_read_and_written_as_wide_as_the_instruction },
    };
    return RUN_TESTS("trap/decode", tests);
}
