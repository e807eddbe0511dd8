/* SPDX-License-Identifier: MIT */
/* The processor's registers and ports, one instruction each, and the numbers that go with them. */
#ifndef MACHINE_REGISTERS_H
#define MACHINE_REGISTERS_H

#include "lib/types.h"

#define CR0_MP 0x00000002UL
#define CR0_TS 0x00000008UL
#define CR0_ET 0x00000010UL
#define CR0_NE 0x00000020UL
#define CR0_WP 0x00010000UL
#define CR0_AM 0x00040000UL
#define CR0_PG 0x80000000UL
#define CR0_PE 0x00000001UL

#define CR4_TSD        0x00000004UL
#define CR4_DE         0x00000008UL
#define CR4_PAE        0x00000020UL
#define CR4_MCE        0x00000040UL
#define CR4_PGE        0x00000080UL
#define CR4_OSFXSR     0x00000200UL
#define CR4_OSXMMEXCPT 0x00000400UL
#define CR4_FSGSBASE   0x00010000UL
#define CR4_OSXSAVE    0x00040000UL
#define CR4_SMEP       0x00100000UL
#define CR4_SMAP       0x00200000UL

#define XCR0_X87_SSE 3UL

#define DR6_DEFAULT 0xffff0ff0UL
#define DR6_BD      0x2000UL
#define DR6_BS      0x4000UL
#define DR7_DEFAULT 0x400UL
#define DR7_GD      0x2000UL

#define EFLAGS_CF   0x00001UL
#define EFLAGS_PF   0x00004UL
#define EFLAGS_AF   0x00010UL
#define EFLAGS_ZF   0x00040UL
#define EFLAGS_SF   0x00080UL
#define EFLAGS_TF   0x00100UL
#define EFLAGS_IF_BIT 9
#define EFLAGS_DF   0x00400UL
#define EFLAGS_OF   0x00800UL
#define EFLAGS_IOPL 0x03000UL
#define EFLAGS_NT   0x04000UL
#define EFLAGS_RF   0x10000UL
#define EFLAGS_VM   0x20000UL
#define EFLAGS_AC   0x40000UL
#define EFLAGS_VIF  0x80000UL
#define EFLAGS_VIP  0x100000UL
#define EFLAGS_ID   0x200000UL

#define MSR_TSC            0x10
#define MSR_APIC_BASE      0x1b
#define MSR_MISC_ENABLE    0x1a0
#define MSR_PAT            0x277
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE 0x001UL
#define EFER_LME 0x100UL
#define EFER_LMA 0x400UL
#define EFER_NXE 0x800UL

#define VECTOR_DE  0
#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_BP  3
#define VECTOR_OF  4
#define VECTOR_BR  5
#define VECTOR_UD  6
#define VECTOR_NM  7
#define VECTOR_DF  8
#define VECTOR_TS  10
#define VECTOR_NP  11
#define VECTOR_SS  12
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_MF  16
#define VECTOR_AC  17
#define VECTOR_MC  18
#define VECTOR_XM  19

#define PF_PRESENT  0x01U
#define PF_WRITE    0x02U
#define PF_USER     0x04U
#define PF_RESERVED 0x08U
#define PF_FETCH    0x10U

static inline void port_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t port_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint16_t port_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

#define CR_ACCESSORS(n)                                                                            \
    static inline uint64_t cr##n##_read(void)                                                      \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(value));                                      \
        return value;                                                                              \
    }                                                                                              \
    static inline void cr##n##_write(uint64_t value)                                               \
    {                                                                                              \
        __asm__ volatile("mov %0, %%cr" #n ::"r"(value) : "memory");                               \
    }
CR_ACCESSORS(0)
CR_ACCESSORS(2)
CR_ACCESSORS(3)
CR_ACCESSORS(4)

#define DR_ACCESSORS(n)                                                                            \
    static inline uint64_t dr##n##_read(void)                                                      \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mov %%dr" #n ", %0" : "=r"(value));                                      \
        return value;                                                                              \
    }                                                                                              \
    static inline void dr##n##_write(uint64_t value)                                               \
    {                                                                                              \
        __asm__ volatile("mov %0, %%dr" #n ::"r"(value));                                          \
    }
DR_ACCESSORS(0)
DR_ACCESSORS(1)
DR_ACCESSORS(2)
DR_ACCESSORS(3)
DR_ACCESSORS(6)
DR_ACCESSORS(7)

struct cpuid_leaf {
    uint32_t a, b, c, d;
};

static inline struct cpuid_leaf cpuid_read(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_leaf r;

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t tsc_read(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void tlb_invalidate_page(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

#endif
