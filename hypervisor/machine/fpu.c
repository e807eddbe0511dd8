/* SPDX-License-Identifier: MIT */
/*
 * FPU, SSE and AVX state: loaded and saved whole at each change of vCPU. Nothing of one guest's state
 * is ever left in the registers while another runs.
 */
#include "lib/string.h"
#include "machine/machine.h"
#include "machine/registers.h"

#define FEATURE1_C_XSAVE (1U << 26)

#define XCR0_AVX     4UL

#define FXSAVE_SIZE    512
#define FCW_DEFAULT    0x037f
#define MXCSR_DEFAULT  0x1f80
#define MXCSR_ALLOWED  0xffbf
#define MXCSR_OFFSET   24
#define XSTATE_BV      512

static bool has_xsave;
static uint64_t xcr0;
static size_t state_size = FXSAVE_SIZE;

static void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void fpu_boot(void)
{
    struct cpu *cpu = this_cpu();

    has_xsave = cpuid_read(1, 0).c & FEATURE1_C_XSAVE;
    if (!has_xsave)
        return;
    cpu->cr4 |= CR4_OSXSAVE;
    cr4_write(cpu->cr4);
    struct cpuid_leaf leaf = cpuid_read(13, 0);
    xcr0 = ((uint64_t)leaf.d << 32 | leaf.a) & (XCR0_X87_SSE | XCR0_AVX);
    xsetbv(xcr0);
    state_size = cpuid_read(13, 0).b;
}

size_t fpu_state_size(void)
{
    return state_size;
}

uint64_t fpu_xcr0_allowed(void)
{
    return xcr0;
}

void fpu_state_init(void *state)
{
    uint16_t control = FCW_DEFAULT;
    uint32_t mxcsr = MXCSR_DEFAULT;
    uint64_t present = XCR0_X87_SSE;

    memset(state, 0, state_size);
    memcpy(state, &control, sizeof(control));
    memcpy((uint8_t *)state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    if (has_xsave)
        memcpy((uint8_t *)state + XSTATE_BV, &present, sizeof(present));
}

void fpu_state_take(void *state, const void *fxsave)
{
    uint64_t present = XCR0_X87_SSE;
    uint32_t mxcsr;

    memcpy(state, fxsave, FXSAVE_SIZE);
    memcpy(&mxcsr, (uint8_t *)state + MXCSR_OFFSET, sizeof(mxcsr));
    mxcsr &= MXCSR_ALLOWED;
    memcpy((uint8_t *)state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    if (has_xsave)
        memcpy((uint8_t *)state + XSTATE_BV, &present, sizeof(present));
}

void fpu_state_give(const void *state, void *fxsave)
{
    memcpy(fxsave, state, FXSAVE_SIZE);
}

void fpu_xcr0_set(uint64_t value)
{
    if (has_xsave)
        xsetbv(value);
}

void fpu_save(void *state)
{
    __asm__ volatile("clts");
    fpu_xcr0_set(xcr0);
    if (has_xsave)
        __asm__ volatile("xsave64 (%0)" ::"r"(state), "a"(~0U), "d"(~0U) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(state) : "memory");
}

void fpu_load(void *state)
{
    __asm__ volatile("clts");
    fpu_xcr0_set(xcr0);
    if (has_xsave)
        __asm__ volatile("xrstor64 (%0)" ::"r"(state), "a"(~0U), "d"(~0U) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(state) : "memory");
}

void fpu_set_ts(bool ts)
{
    if (ts)
        cr0_write(cr0_read() | CR0_TS);
    else
        __asm__ volatile("clts");
}

