/* SPDX-License-Identifier: MIT */
/*
 * Event channels with the two-level bitmap, and the interrupt flag of PV: a byte in vcpu_info.
 *
 * ABI: struct vcpu_info, struct shared_info, <xen/xen.h>; <xen/event_channel.h>; <xen/vcpu.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/string.h"

#define BITS_PER_WORD 64u

struct port_state {
    event_handler_t handler;
    void *data;
    unsigned cpu;
};

static struct port_state ports[EVTCHN_2L_NR_CHANNELS];
static struct vcpu_info *registered[CPU_MAX]; /* NULL: still the slot in shared_info */

/* Before shared_info is mapped there is no flag to change; nothing can come in either. */
static struct vcpu_info early_vcpu_info = { .evtchn_upcall_mask = 1 };

struct vcpu_info *vcpu_info_of(unsigned cpu)
{
    if (registered[cpu] != NULL)
        return registered[cpu];
    return shared_info != NULL ? &shared_info->vcpu_info[cpu] : &early_vcpu_info;
}

struct vcpu_info *vcpu_info_here(void)
{
    return vcpu_info_of(cpu_id());
}

bool arch_irq_disable(void)
{
    struct vcpu_info *info = vcpu_info_here();
    bool enabled = !info->evtchn_upcall_mask;

    *(volatile uint8_t *)&info->evtchn_upcall_mask = 1;
    asm volatile("" ::: "memory");
    return enabled;
}

void arch_irq_enable(void)
{
    struct vcpu_info *info = vcpu_info_here();

    asm volatile("" ::: "memory");
    *(volatile uint8_t *)&info->evtchn_upcall_mask = 0;
    /* Unmasking and looking may not change places, or an event in between is seen by nobody. */
    asm volatile("mfence" ::: "memory");
    if (*(volatile uint8_t *)&info->evtchn_upcall_pending)
        hypercall_xen_version(0, NULL); /* any way into the hypervisor delivers it */
}

void arch_irq_restore(bool enabled)
{
    if (enabled)
        arch_irq_enable();
}

void arch_cpu_wait(void)
{
    hypercall_sched_op(SCHEDOP_block, NULL); /* unmasks by itself */
}

static void word_set(volatile xen_ulong_t *words, unsigned bit)
{
    __atomic_fetch_or(&words[bit / BITS_PER_WORD], 1UL << (bit % BITS_PER_WORD), __ATOMIC_SEQ_CST);
}

static void word_clear(volatile xen_ulong_t *words, unsigned bit)
{
    __atomic_fetch_and(&words[bit / BITS_PER_WORD], ~(1UL << (bit % BITS_PER_WORD)),
                       __ATOMIC_SEQ_CST);
}

void event_mask(evtchn_port_t port)
{
    word_set(shared_info->evtchn_mask, port);
}

void event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask unmask = { .port = port };

    hypercall_event_channel_op(EVTCHNOP_unmask, &unmask);
}

bool event_is_pending(evtchn_port_t port)
{
    volatile xen_ulong_t *words = shared_info->evtchn_pending;

    return (words[port / BITS_PER_WORD] >> (port % BITS_PER_WORD)) & 1;
}

void event_clear(evtchn_port_t port)
{
    word_clear(shared_info->evtchn_pending, port);
}

/* Ports of one word may belong to several CPUs: each serves its own only. */
static void serve_word(unsigned word, unsigned cpu)
{
    volatile xen_ulong_t *pending = shared_info->evtchn_pending;
    volatile xen_ulong_t *mask = shared_info->evtchn_mask;
    xen_ulong_t ready = pending[word] & ~mask[word];

    while (ready != 0) {
        evtchn_port_t port = word * BITS_PER_WORD + (unsigned)__builtin_ctzl(ready);
        const struct port_state *state = &ports[port];

        ready &= ready - 1;
        if (state->cpu != cpu)
            continue;
        event_clear(port);
        if (state->handler != NULL)
            state->handler(port, state->data);
    }
}

void event_dispatch(void)
{
    unsigned cpu = cpu_id();
    struct vcpu_info *info = vcpu_info_of(cpu);

    while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        xen_ulong_t words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

        while (words != 0) {
            serve_word((unsigned)__builtin_ctzl(words), cpu);
            words &= words - 1;
        }
    }
}

void event_attach(evtchn_port_t port, unsigned cpu, event_handler_t handler, void *data)
{
    ports[port] = (struct port_state){ .handler = handler, .data = data, .cpu = cpu };
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event_unmask(port);
}

void event_detach(evtchn_port_t port)
{
    struct evtchn_close close = { .port = port };

    event_mask(port);
    hypercall_event_channel_op(EVTCHNOP_close, &close);
    event_clear(port);
    ports[port] = (struct port_state){ 0 };
}

long event_bind_virq(unsigned virq, unsigned cpu)
{
    struct evtchn_bind_virq bind = { .virq = virq, .vcpu = cpu };
    long error = hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);

    return error != 0 ? error : (long)bind.port;
}

long event_bind_ipi(unsigned cpu)
{
    struct evtchn_bind_ipi bind = { .vcpu = cpu };
    long error = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    return error != 0 ? error : (long)bind.port;
}

bool event_register_vcpu_info(unsigned cpu)
{
    void *page = page_alloc();
    struct vcpu_register_vcpu_info where = { 0 };

    if (page == NULL)
        return false;
    memset(page, 0, PAGE_SIZE);
    where.mfn = address_to_mfn(page);
    if (hypercall_vcpu_op(VCPUOP_register_vcpu_info, cpu, &where) != 0)
        return false;
    registered[cpu] = page;
    return true;
}

void event_init(void)
{
    memset(shared_info->evtchn_mask, 0xff, sizeof(shared_info->evtchn_mask));
    if (!event_register_vcpu_info(0))
        panic("register_vcpu_info was refused for vCPU 0");
}
