/* SPDX-License-Identifier: MIT */
/*
 * What can be seen from outside: dumps by debug key, and the state of a guest that died.
 */
#include "domain/report.h"
#include "lib/bitmap.h"
#include "machine/paging_bits.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"
#include "sched/schedule.h"
#include "trace/log.h"

#define STACK_WORDS 16U

static void report_instruction(const struct cpu_user_regs *r)
{
    uint8_t b[8] = { 0 };

    if (copy_from_guest(b, r->rip, sizeof(b)))
        log_guest(LOG_ERROR, "  code %02x %02x %02x %02x %02x %02x %02x %02x", b[0], b[1], b[2], b[3],
                  b[4], b[5], b[6], b[7]);
    else
        log_guest(LOG_ERROR, "  code cannot be read");
}

static void report_stack(const struct cpu_user_regs *r)
{
    uint64_t w[4];

    for (unsigned i = 0; i < STACK_WORDS; i += 4) {
        if (!copy_from_guest(w, r->rsp + i * 8, sizeof(w)))
            return;
        log_guest(LOG_ERROR, "  stack %016lx %016lx %016lx %016lx", w[0], w[1], w[2], w[3]);
    }
}

void report_vcpu(struct vcpu *v, const struct cpu_user_regs *r)
{
    log_guest(LOG_ERROR, "  d%uv%u in guest %s, kernel root %lx, user root %lx", v->domain->id, v->id,
              v->in_kernel ? "kernel" : "user", v->kernel_root.v, v->user_root.v);
    log_guest(LOG_ERROR, "  rip %016lx cs %04x rflags %08lx rsp %016lx ss %04x", r->rip, r->cs,
              r->rflags, r->rsp, r->ss);
    log_guest(LOG_ERROR, "  rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx,
              r->rdx);
    log_guest(LOG_ERROR, "  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi, r->rbp,
              r->r8);
    log_guest(LOG_ERROR, "  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11,
              r->r12);
    log_guest(LOG_ERROR, "  r13 %016lx r14 %016lx r15 %016lx cr2 %016lx", r->r13, r->r14, r->r15,
              v->info->arch.cr2);
    report_instruction(r);
    report_stack(r);
}

void report_audit(void)
{
    /* Roots and tables in the making belong to the picture: nothing else may be pending. */
    paging_audit();
}

static const char *state_name(const struct vcpu *v)
{
    switch (v->state) {
    case VCPU_DOWN:
        return "down";
    case VCPU_RUNNABLE:
        return v->running ? "running" : "runnable";
    case VCPU_BLOCKED:
        return "blocked";
    }
    return "?";
}

static void dump_domains(void)
{
    struct domain *d;

    domain_for_each(d) {
        log_line(LOG_ERROR, "d%u: %lu of %lu pages, %u vcpus, vm_assist %lx, shared_info %lx%s", d->id,
                 d->memory.nr_pages, d->memory.max_pages, d->nr_vcpus, d->vm_assist,
                 virt_to_mfn(d->shared_info).v, d->shut_down ? ", shut down" : "");
        for (unsigned i = 0; i < d->nr_vcpus; i++) {
            struct vcpu *v = d->vcpus[i];
            log_line(LOG_ERROR, "  vcpu %u: %s on cpu %u, affinity %lx, pending %u, mask %u, sel %lx", i,
                     state_name(v), v->cpu, v->affinity & cpus_online,
                     v->info->evtchn_upcall_pending, v->info->evtchn_upcall_mask,
                     v->info->evtchn_pending_sel);
        }
    }
}

static void dump_registers(void)
{
    struct domain *d;

    domain_for_each(d) {
        for (unsigned i = 0; i < d->nr_vcpus; i++) {
            struct vcpu *v = d->vcpus[i];
            const struct cpu_user_regs *r = v->running ? &cpu_of(v->cpu)->guest_regs : &v->regs;
            log_line(LOG_ERROR, "  d%uv%u: %s rip %016lx rsp %016lx rflags %lx rax %lx", d->id, i,
                     state_name(v), r->rip, r->rsp, r->rflags, r->rax);
        }
    }
}

static void dump_ports(void)
{
    static const char *const names[] = { "closed", "unbound", "interdomain", "pirq", "virq", "ipi" };
    struct domain *d;
    struct event_port p;

    domain_for_each(d) {
        for (unsigned port = 1; port < EVENT_PORTS; port++) {
            if (!event_port_look(d, port, &p) || p.state == EVTCHNSTAT_closed)
                continue;
            log_line(LOG_ERROR, "  d%u port %u: %s, vcpu %u, pending %u, mask %u", d->id, port,
                     names[p.state], p.vcpu,
                     bit_is_set((uint64_t *)d->shared_info->evtchn_pending, port),
                     bit_is_set((uint64_t *)d->shared_info->evtchn_mask, port));
        }
    }
}

static void dump_memory(void)
{
    log_line(LOG_ERROR, "memory: %lu of %lu frames free", frames_free(), frames_total());
}

/* For a look at all that a fault of ours says. Nothing is mapped between the parts of our image. */
static void crash_machine(void)
{
    (void)*(volatile uint8_t *)CPU_AREA_BASE;
}

static const struct {
    char key;
    void (*run)(void);
    const char *what;
} keys[] = {
    { 'A', report_audit, "audit page types and counts" },
    { 'q', dump_domains, "domains and vCPUs" },
    { 'd', dump_registers, "registers of all vCPUs" },
    { 'e', dump_ports, "event channels" },
    { 'm', dump_memory, "memory" },
    { 'C', crash_machine, "crash the machine by a fault" },
};

void report_key(char key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            stop_machine_soon(keys[i].run);
            return;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        log_line(LOG_ERROR, "key %c: %s", keys[i].key, keys[i].what);
}
