/* SPDX-License-Identifier: MIT */
/* Segment selectors, their bases, and debug registers, as a vCPU has them while it runs. */
#include "machine/exception_table.h"
#include "machine/machine.h"
#include "machine/mode.h"

/* Loads a selector; if it faults (not there any more, not a data segment) loads null, returns false. */
#define DEFINE_SELECTOR_LOAD(seg)                                                                  \
    static bool load_##seg(uint16_t selector)                                                      \
    {                                                                                              \
        uint32_t value = selector;                                                                 \
                                                                                                   \
        __asm__ goto("1: mov %0, %%" #seg "\n" EXCEPTION_ENTRY("1b", "%l[fault]")::"r"(value)      \
                     : "memory"                                                                    \
                     : fault);                                                                     \
        return true;                                                                               \
fault:                                                                                             \
        __asm__ volatile("mov %0, %%" #seg ::"r"(0) : "memory");                                   \
        return false;                                                                              \
    }
DEFINE_SELECTOR_LOAD(ds)
DEFINE_SELECTOR_LOAD(es)
DEFINE_SELECTOR_LOAD(fs)
DEFINE_SELECTOR_LOAD(gs)

bool gs_selector_load(uint16_t selector)
{
    gs_swap();
    bool good = load_gs(selector);
    gs_swap();
    return good;
}

void segments_save(struct segment_state *s)
{
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=m"(s->ds), "=m"(s->es), "=m"(s->fs), "=m"(s->gs));
    s->fs_base = msr_read(MSR_FS_BASE);
    s->gs_base = msr_read(MSR_GS_BASE);
    s->gs_base_other = msr_read(MSR_KERNEL_GS_BASE);
}

unsigned segments_load(const struct segment_state *s)
{
    unsigned bad = 0;

    if (!load_ds(s->ds))
        bad |= 1;
    if (!load_es(s->es))
        bad |= 2;
    if (!load_fs(s->fs))
        bad |= 4;
    if (!load_gs(s->gs))
        bad |= 8;
    /* After the selectors, which bring bases of their own. */
    msr_write(MSR_FS_BASE, s->fs_base);
    msr_write(MSR_GS_BASE, s->gs_base);
    msr_write(MSR_KERNEL_GS_BASE, s->gs_base_other);
    return bad;
}

void debug_registers_load(const uint64_t dr[8])
{
    dr0_write(dr[0]);
    dr1_write(dr[1]);
    dr2_write(dr[2]);
    dr3_write(dr[3]);
    dr6_write(dr[6]);
    dr7_write(dr[7]);
}

void debug_registers_off(void)
{
    dr7_write(0x400);
}
