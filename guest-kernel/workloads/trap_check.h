/* SPDX-License-Identifier: MIT */
/*
 * Causing a trap on purpose and checking every word of its frame.
 */
#ifndef WORKLOADS_TRAP_CHECK_H
#define WORKLOADS_TRAP_CHECK_H

#include "arch/pv/pv.h"
#include "workloads/workload.h"

#define TRAP_RCX 0x1111222233334444UL
#define TRAP_R11 0x5555666677778888UL

#define RFLAGS_TF 0x100UL
#define RFLAGS_IF 0x200UL
#define RFLAGS_RF 0x10000UL
#define RFLAGS_AC 0x40000UL

/* Where the instruction lies and what the registers were just ahead of it. */
struct trap_site {
    uint64_t rip, rip_behind, rsp, rflags;
};

/*
 * Executes INSN, which may trap, with known rcx and r11; fills the site. It may use %rdi (the
 * operand) and change rax, rdx.
 */
#define RUN_TRAPPING(insn, site, operand)                                                          \
    do {                                                                                           \
        unsigned long operand_ = (unsigned long)(operand);                                         \
        trap_expect();                                                                             \
        asm volatile("lea 771f(%%rip), %%rax\n"                                                    \
                     "mov %%rax, 0(%%rbx)\n"                                                       \
                     "lea 772f(%%rip), %%rax\n"                                                    \
                     "mov %%rax, 8(%%rbx)\n"                                                       \
                     "mov %%rsp, 16(%%rbx)\n"                                                      \
                     "movabs %[c], %%rcx\n"                                                        \
                     "movabs %[r], %%r11\n"                                                        \
                     "xor %%edx, %%edx\n"                                                          \
                     "pushfq\n"                                                                    \
                     "popq 24(%%rbx)\n" MAY_TRAP(insn)                                             \
                     : "+D"(operand_)                                                              \
                     : "b"(site), [c] "i"(TRAP_RCX), [r] "i"(TRAP_R11)                             \
                     : "rax", "rcx", "rdx", "r8", "r11", "memory", "cc");                          \
    } while (0)

enum trap_kind { FAULT, TRAP }; /* saved RIP: of the instruction, or behind it */

/*
 * The last trap of this CPU must be VECTOR with ERROR, from guest kernel mode at SITE, with the
 * upcall mask MASK at the time.
 */
void check_kernel_trap(const struct trap_site *site, int vector, uint64_t error,
                       enum trap_kind kind, unsigned mask);

/* The user frame must be of VECTOR with ERROR at RIP; what user mode was started with in BEFORE. */
void check_user_trap(const struct trap_frame *frame, const struct trap_frame *before, int vector,
                     uint64_t error, uint64_t rip);

#endif
