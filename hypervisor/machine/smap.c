/* SPDX-License-Identifier: MIT */
/*
 * May SMAP be on? Only if this machine does it right.
 *
 * QEMU 7.2 makes the reads of a ring-3 IRETQ's frame as the supervisor: with CR4.SMAP set they fault on
 * the user page that the stack is. A guest's kernel that uses IRETQ itself would die of it. So we try: a
 * page of code and stack for ring 3, an IRETQ there, and a look at which exception comes back.
 */
#include "lib/check.h"
#include "lib/string.h"
#include "machine/boot_cpu.h"
#include "machine/descriptors.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "trace/log.h"

#define FEATURE7_B_SMAP (1U << 20)

/* A place in our part where nothing else is. */
#define TRIAL_VA 0xffff82d100000000UL

/* Offsets into the page. */
#define CODE  0x000U
#define FRAME 0x800U

static const uint8_t trial_code[] = {
    0x48, 0xcf, /* iretq, to the next instruction */
    0x0f, 0x0b, /* ud2: we came through */
};
#define TRIAL_GOAL (TRIAL_VA + CODE + 2)

extern const uint8_t smap_trial_came_through[], smap_trial_faulted[];

static uint8_t trial_page[PAGE_SIZE] __attribute__((aligned(4096)));

static bool iretq_comes_through(void)
{
    const uint64_t frame[] = { TRIAL_GOAL, SEL_GUEST_CODE, 2, TRIAL_VA + FRAME, SEL_GUEST_DATA };

    memcpy(trial_page + CODE, trial_code, sizeof(trial_code));
    memcpy(trial_page + FRAME, frame, sizeof(frame));
    if (!hypervisor_map(TRIAL_VA, (uint64_t)trial_page - IMAGE_OFFSET, PAGE_SIZE,
                        MAP_EXEC | MAP_GUEST))
        panic("no memory for a page table");
    irq_state_t state = interrupts_save();
    idt_redirect(VECTOR_UD, smap_trial_came_through);
    idt_redirect(VECTOR_PF, smap_trial_faulted);
    cr4_write(cr4_read() | CR4_SMAP);
    bool through = smap_trial(TRIAL_VA + CODE, TRIAL_VA + FRAME);
    cr4_write(this_cpu()->cr4);
    idt_redirect(VECTOR_UD, NULL);
    idt_redirect(VECTOR_PF, NULL);
    interrupts_restore(state);
    *hypervisor_pte(TRIAL_VA) = 0;
    tlb_invalidate_page(TRIAL_VA);
    return through;
}

/* Before other processors start: they follow what machine_has_smap says. */
void smap_decide(void)
{
    if (cpuid_read(0, 0).a < 7 || !(cpuid_read(7, 0).b & FEATURE7_B_SMAP))
        return;
    if (!iretq_comes_through()) {
        log_line(LOG_INFO, "SMAP stays off: with it, IRETQ in ring 3 faults on its own stack here");
        return;
    }
    machine_has_smap = true;
    this_cpu()->cr4 |= CR4_SMAP;
    cr4_write(this_cpu()->cr4);
    log_line(LOG_INFO, "SMAP is on");
}
