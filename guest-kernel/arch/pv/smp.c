/* SPDX-License-Identifier: MIT */
/*
 * Further vCPUs: their first context, the interrupt between them, and the switch between threads.
 *
 * ABI: VCPUOP_initialise, VCPUOP_up, <xen/vcpu.h>; struct vcpu_guest_context, <xen/arch-x86/xen.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/main.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/string.h"

#define CONTEXT_PAGES ((sizeof(struct vcpu_guest_context) + PAGE_SIZE - 1) / PAGE_SIZE)

static evtchn_port_t kick_ports[CPU_MAX];

static void kicked(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data; /* being awake is all that was wanted */
}

void smp_init_cpu(void)
{
    unsigned cpu = cpu_id();
    long port = event_bind_ipi(cpu);

    if (port < 0)
        panic("no IPI for vCPU %u: %ld", cpu, port);
    kick_ports[cpu] = (evtchn_port_t)port;
    event_attach((evtchn_port_t)port, cpu, kicked, NULL);
}

static void context_fill(struct vcpu_guest_context *context, unsigned cpu, void *stack)
{
    memset(context, 0, sizeof(*context));
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = (uint64_t)cpu_entry;
    context->user_regs.rsp = (uint64_t)stack + STACK_SIZE;
    context->user_regs.rdi = cpu;
    context->user_regs.rflags = 0x1000; /* events stay masked until the CPU is ready */
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = context->user_regs.rsp;
    context->ctrlreg[3] = xen_pfn_to_cr3(address_to_mfn(kernel_l4));
    context->event_callback_eip = (unsigned long)event_entry;
    context->failsafe_callback_eip = (unsigned long)failsafe_entry;
    context->syscall_callback_eip = (unsigned long)syscall_entry;
}

bool arch_cpu_boot(unsigned cpu, void *stack)
{
    struct vcpu_guest_context *context = page_alloc_contiguous(CONTEXT_PAGES, 1);
    long error;

    if (context == NULL || !event_register_vcpu_info(cpu))
        return false;
    context_fill(context, cpu, stack);
    error = hypercall_vcpu_op(VCPUOP_initialise, cpu, context);
    page_free_contiguous(context, CONTEXT_PAGES);
    return error == 0 && hypercall_vcpu_op(VCPUOP_up, cpu, NULL) == 0;
}

void arch_cpu_start(unsigned cpu);

void arch_cpu_start(unsigned cpu)
{
    (void)cpu;
    trap_table_load();
    trap_callbacks_load();
    time_init_cpu();
    smp_init_cpu();
    arch_irq_enable();
    kernel_secondary_cpu();
}

void arch_cpu_kick(unsigned cpu)
{
    struct evtchn_send send = { .port = kick_ports[cpu] };

    hypercall_event_channel_op(EVTCHNOP_send, &send);
}

void arch_context_switch(uint64_t *save_sp, uint64_t load_sp)
{
    context_switch(save_sp, load_sp);
}

/* What context_switch pops: r15 r14 r13 r12 rbx rbp, then the return address. */
uint64_t arch_thread_frame(void *stack, void (*function)(void *), void *argument)
{
    uint64_t *sp = (uint64_t *)((uint8_t *)stack + STACK_SIZE) - 9;

    memset(sp, 0, 8 * sizeof(*sp));
    sp[3] = (uint64_t)argument;
    sp[4] = (uint64_t)function;
    sp[6] = (uint64_t)thread_trampoline;
    return (uint64_t)sp;
}
