/* SPDX-License-Identifier: MIT */
/*
 * The CPUs. A further CPU sleeps until it is given a function to run.
 */
#include "kernel/main.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/smp.h"

#define BOOT_TIMEOUT_NS 5000000000ULL

struct mailbox {
    void (*function)(void *); /* NULL: idle */
    void *argument;
    bool running;
};

static struct mailbox mailboxes[CPU_MAX];
static unsigned nr_running = 1;

static bool wait_for(const volatile bool *flag, bool value, uint64_t timeout_ns)
{
    uint64_t end = arch_clock_ns() + timeout_ns;

    while (*flag != value) {
        if (arch_clock_ns() > end)
            return false;
        arch_pause();
    }
    return true;
}

unsigned smp_boot(void)
{
    for (unsigned cpu = 1; cpu < arch_machine.nr_cpus; cpu++) {
        struct stack_base *stack = page_alloc_contiguous(STACK_PAGES, STACK_PAGES);

        if (stack == NULL)
            panic("no memory for the stack of CPU %u", cpu);
        stack->cpu = cpu;
        if (!arch_cpu_boot(cpu, stack) || !wait_for(&mailboxes[cpu].running, true, BOOT_TIMEOUT_NS))
            panic("CPU %u does not start", cpu);
        nr_running++;
    }
    return nr_running;
}

unsigned smp_nr_running(void)
{
    return nr_running;
}

void kernel_secondary_cpu(void)
{
    struct mailbox *mailbox = &mailboxes[cpu_id()];

    __atomic_store_n(&mailbox->running, true, __ATOMIC_SEQ_CST);
    for (;;) {
        /* Look with interrupts off: a kick after the look ends the wait at once. */
        arch_irq_disable();
        if (__atomic_load_n(&mailbox->function, __ATOMIC_ACQUIRE) == NULL) {
            arch_cpu_wait();
            continue;
        }
        arch_irq_enable();
        mailbox->function(mailbox->argument);
        __atomic_store_n(&mailbox->function, NULL, __ATOMIC_RELEASE);
    }
}

void smp_run(unsigned cpu, void (*function)(void *), void *argument)
{
    struct mailbox *mailbox = &mailboxes[cpu];

    mailbox->argument = argument;
    __atomic_store_n(&mailbox->function, function, __ATOMIC_RELEASE);
    arch_cpu_kick(cpu);
}

bool smp_wait(unsigned cpu, uint64_t timeout_ns)
{
    uint64_t end = arch_clock_ns() + timeout_ns;

    while (__atomic_load_n(&mailboxes[cpu].function, __ATOMIC_ACQUIRE) != NULL) {
        if (arch_clock_ns() > end)
            return false;
        arch_pause();
    }
    return true;
}
