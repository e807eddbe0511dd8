/* SPDX-License-Identifier: MIT */
/*
 * The whole list of what the rest may ask of hardware, and of what hardware asks of the rest.
 * Unit tests on the host implement it with a made-up machine.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "machine/cpu.h"
#include "machine/interrupts.h"

/* --- Processors -------------------------------------------------------------------------------- */

extern unsigned nr_cpus;       /* processors that run; ids are 0 .. nr_cpus - 1 */
extern uint64_t cpus_online;   /* their mask */
extern bool machine_has_smap;  /* guest memory is touched only between two instructions that say so */
extern bool machine_has_fsgsbase;
extern unsigned machine_phys_bits; /* width of a machine address */

/* Reads a model-specific register that may not be there: false, if it faults. */
bool msr_read_safe(uint32_t msr);

/* Runs fn(arg) on each processor of the mask, this one too if it is in it, and waits until all have.
 * Interrupts on, no lock that is taken with them off. fn runs with interrupts off. */
void cpus_call(uint64_t mask, void (*fn)(void *arg), void *arg);

/* Makes a processor look at its work soon, wherever it is. */
void cpu_kick(unsigned cpu);

/* Throws the stack away: continues in fn, or to the guest whose registers are loaded. */
void call_on_empty_stack(void (*fn)(void)) __attribute__((noreturn));
void resume_guest_on_empty_stack(void) __attribute__((noreturn));

/* Waits for an interrupt; interrupts are off before, on after. */
void cpu_wait(void);

/* --- Address spaces and TLBs ------------------------------------------------------------------- */

/* Loads a root of another address space, and forgets all translations. Within one address space:
 * machine/mode.h. */
void root_load(mfn_t root);

/* The hypervisor's own root, for a processor with no guest. */
mfn_t root_of_hypervisor(void);

/* The sixteen entries of the hypervisor in each root, in order. */
const uint64_t *root_hypervisor_entries(void);

/* Forgets all translations of this processor. */
void tlb_flush_all(void);

/* Forgets all translations on the processors of a mask; the page's only, if va is not 0. Waits. */
void tlb_flush_cpus(uint64_t mask, uint64_t va);

/* The flush clock: a frame notes it when a translation to it may be left somewhere. */
uint64_t tlb_clock_now(void);

/* Flushes those processors of the mask that have not flushed since the clock showed stamp. */
void tlb_flush_since(uint64_t mask, uint64_t stamp);

/* Maps frames in the hypervisor's own part. flags: MAP_*. Allocates tables as needed. Not preemptible;
 * panics when out of memory at boot, returns false later. */
#define MAP_WRITE    0x1U
#define MAP_EXEC     0x2U
#define MAP_GUEST    0x4U /* readable in ring 3 */
#define MAP_UNCACHED 0x8U
#define MAP_LOCAL    0x10U /* changes later: a flush of an address space forgets it */
bool hypervisor_map(uint64_t va, uint64_t maddr, uint64_t bytes, unsigned flags);
/* Where the entry that maps va (as a 4 KiB page) stands; NULL if there is no table for it. */
uint64_t *hypervisor_pte(uint64_t va);

/* --- Descriptors ------------------------------------------------------------------------------- */

void gdt_load(uint64_t base);                /* with the limit of 15 pages */
void ldt_load(uint64_t base, unsigned entries); /* 0 entries: none */
void own_tables_load(void);                  /* this processor's own, that stand in no vCPU's window */
uint64_t gdt_reserved_page_entry(unsigned cpu); /* the PTE that maps a processor's own page of the GDT */

/* --- Guest memory, in the address space that is loaded ----------------------------------------- */

/* Copy; return false if any byte could not be touched (what was copied until then stays). The range
 * must have been checked to lie outside of the hypervisor's part. */
bool guest_copy_in(void *dst, uint64_t src, size_t size);
bool guest_copy_out(uint64_t dst, const void *src, size_t size);
/* Single words: machine/guest_access.h. */

/* --- Registers that belong to a vCPU while it runs --------------------------------------------- */

struct segment_state {
    uint16_t ds, es, fs, gs;
    uint64_t fs_base, gs_base, gs_base_other; /* other: what swapgs brings */
};

void segments_save(struct segment_state *s);
/* Loads selectors and bases; a selector that faults is loaded as null and returned in the mask
 * (1 ds, 2 es, 4 fs, 8 gs). */
unsigned segments_load(const struct segment_state *s);
bool gs_selector_load(uint16_t selector); /* the base of the other mode is not touched */

void fpu_boot(void);
size_t fpu_state_size(void);
void fpu_state_init(void *state);
/* Takes over the 512 bytes of FXSAVE that a guest gives; what would fault on loading is mended. */
void fpu_state_take(void *state, const void *fxsave);
void fpu_state_give(const void *state, void *fxsave); /* its first 512 bytes */
void fpu_save(void *state);
void fpu_load(void *state);
void fpu_set_ts(bool ts);
uint64_t fpu_xcr0_allowed(void);
/* What the guest has turned on of it; saving and loading always take all. */
void fpu_xcr0_set(uint64_t xcr0);

void debug_registers_load(const uint64_t dr[8]);
void debug_registers_off(void);

/* --- Time -------------------------------------------------------------------------------------- */

extern uint64_t tsc_khz;
extern uint32_t tsc_mul;  /* ns = (((tsc << shift) * mul) >> 32, a negative shift goes right */
extern int8_t tsc_shift;

uint64_t tsc_now(void);
uint64_t time_now(void);                    /* ns since boot */
uint64_t time_of_tsc(uint64_t tsc);
uint64_t wallclock_boot_ns(void);           /* UTC when time_now() was 0 */
void timer_program(uint64_t when_ns);       /* interrupt of this processor at that time; ~0: none */

/* --- Devices ----------------------------------------------------------------------------------- */

void uart_boot(unsigned baud);
void uart_off(void); /* from now on nothing is written, or comes in */
void uart_put(char c);
int uart_get(void); /* -1: nothing there */
void uart_interrupt_on(void);

/* Is there a device of ours in this frame, that nobody else may reach (or write to)? */
bool machine_keeps_frame(mfn_t m, bool to_write);

/* Writes back the caches of all processors. */
void caches_flush_all(void);

/* Stops the machine for good: failed tells the emulator, where there is one that listens. */
void machine_stop(bool failed) __attribute__((noreturn));
void machine_reboot(void) __attribute__((noreturn));
extern uint16_t machine_debug_exit_port; /* 0: none */

/* --- What the machine asks of the rest --------------------------------------------------------- */

/* SYSCALL from a guest. Returns with the registers to go back with; true: SYSRET may be used. */
bool guest_syscall(struct cpu_user_regs *regs);
void guest_syscall32(struct cpu_user_regs *regs);
/* An exception or interrupt while a guest ran. */
void guest_exception(struct cpu_user_regs *regs);
/* Interrupts off: does all work that must be done before a guest runs on. */
void guest_exit(void);
/* IRET to the guest faulted: its registers are as they were, with this exception to raise. */
void guest_iret_fault(unsigned vector, uint32_t error_code);
/* The hypervisor's own access to guest memory faulted: true if the tables allow it now. */
bool guest_fault_is_spurious(uint64_t va, uint32_t error_code);
/* Its breakpoints struck the hypervisor, and are off until its debug registers are loaded again. */
void guest_debug_registers_lost(void);
/* The timer interrupt; a kick; a character. Interrupts off. */
void timer_interrupt(void);
void console_interrupt(void);
/* A zeroed page for tables, processor areas and the like; 0 if there is none. */
uint64_t machine_page_alloc(void);
/* A processor that was started; runs on its own stack. */
void secondary_start(void) __attribute__((noreturn));

#endif
