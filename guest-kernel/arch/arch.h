/* SPDX-License-Identifier: MIT */
/*
 * Everything that kernel/ may ask of the machine. An arch layer implements this list and nothing
 * else; which layer it is gets decided at link time.
 *
 * The other way round an arch layer calls kernel_main once, kernel_secondary_cpu on each further
 * CPU, timer_interrupt when its timer went off, and panic when it cannot go on.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE  4096UL
#define PAGE_SHIFT 12

/* Every stack, of a thread or of a CPU, is this large and aligned to it (see cpu_id). */
#define STACK_SIZE  32768UL
#define STACK_PAGES (STACK_SIZE / PAGE_SIZE)

#define CPU_MAX 8

/* What is at the lowest address of every stack. */
struct stack_base {
    unsigned long cpu;
    unsigned long mark; /* STACK_MARK, until somebody needs more than there is */
};

#define STACK_MARK 0x6b61747320666f65UL

/* What the machine is; filled before kernel_main. */
struct arch_machine {
    char description[96]; /* "Xen 4.17 as dom0" */
    const char *cmdline;
    unsigned nr_cpus;
    unsigned long nr_pages;
};

extern struct arch_machine arch_machine;

/* ---- console: bytes out, never blocks for a reader; bytes in ---- */
void arch_console_write(const char *text, size_t size);
/* Takes what was typed, at most size bytes; 0: nothing. */
size_t arch_console_read(char *to, size_t size);
/* From now on RAISED is called, with interrupts off, when there may be something to read. */
void arch_console_listen(void (*raised)(void));

/* ---- interrupts of this CPU ---- */
bool arch_irq_disable(void); /* returns whether they were enabled */
void arch_irq_enable(void);  /* what became pending meanwhile is delivered before this returns */
void arch_irq_restore(bool enabled);
void arch_cpu_wait(void); /* enables interrupts and sleeps until one was handled */

/* ---- memory ---- */
enum arch_page_flags {
    ARCH_PAGE_WRITE = 1,
    ARCH_PAGE_EXEC = 2,
    ARCH_PAGE_USER = 4,
};

/* All of memory is mapped; these convert between a page's number and its address. */
void *arch_page_address(unsigned long pfn);
unsigned long arch_page_number(const void *address);

/* One page of the kernel's address space. Tables that are missing are made. Returns false without
 * memory. */
bool arch_page_map(unsigned long va, unsigned long pfn, unsigned flags);
/* Returns the number of the page that was there. */
unsigned long arch_page_unmap(unsigned long va);

/* ---- time ---- */
uint64_t arch_clock_ns(void);              /* since boot, never goes back */
void arch_timer_arm(uint64_t deadline_ns); /* one deadline a CPU; the past fires at once */
void arch_timer_cancel(void);
uint64_t arch_wallclock_s(void); /* seconds since 1970 */

/* ---- CPUs and threads ---- */
bool arch_cpu_boot(unsigned cpu, void *stack); /* starts a further CPU on that stack */
void arch_cpu_kick(unsigned cpu);              /* interrupts it, so that it looks for work */
void arch_context_switch(uint64_t *save_sp, uint64_t load_sp);
uint64_t arch_thread_frame(void *stack, void (*function)(void *), void *argument);

static inline unsigned long arch_stack_pointer(void)
{
    unsigned long sp;

    asm volatile("mov %%rsp, %0" : "=r"(sp));
    return sp;
}

static inline void arch_pause(void)
{
    asm volatile("pause" ::: "memory");
}

static inline uint64_t arch_cycles(void)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return ((uint64_t)high << 32) | low;
}

/* ---- the end ---- */
enum arch_shutdown { ARCH_SHUTDOWN_REBOOT, ARCH_SHUTDOWN_POWEROFF, ARCH_SHUTDOWN_CRASH };
void arch_shutdown(enum arch_shutdown how) __attribute__((noreturn));

/* Ends in a way that only the layer knows: "null-jump", "bad-stack", ... False if unknown. */
bool arch_crash(const char *kind);

#endif
