/* SPDX-License-Identifier: MIT */
/*
 * The trap table and what happens when a trap comes in.
 *
 * Order: a workload's hook, events, user mode's own traps (they end user_run), instructions that
 * may trap (MAY_TRAP), and for the rest a panic.
 *
 * ABI: HYPERVISOR_set_trap_table, HYPERVISOR_callback_op, <xen/xen.h>, <xen/callback.h>
 */
#include <xen/callback.h>

#include "arch/pv/pv.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/string.h"

#define NR_VECTORS    256
#define STUB_SIZE     32
#define SAME_TRAP_MAX 100000 /* a MAY_TRAP that loops is a defect of the test */

struct gate {
    const void *handler; /* NULL: the stub in entry.S */
    uint8_t flags;
};

struct ex_entry {
    uint64_t from, to;
};

extern const struct ex_entry ex_table_start[], ex_table_end[];

#define GATE_KERNEL                                                                                \
    {                                                                                              \
        .flags = GATE_MASK_EVENTS                                                                  \
    }
#define GATE_USER                                                                                  \
    {                                                                                              \
        .flags = GATE_MASK_EVENTS | 3                                                              \
    }

/* Breakpoint (3), overflow (4) and 0x80 may be raised by user mode. */
static struct gate gates[NR_VECTORS] = {
    [0 ... 2] = GATE_KERNEL, [3 ... 4] = GATE_USER,         [5 ... 0x7f] = GATE_KERNEL,
    [0x80] = GATE_USER,      [0x81 ... 0xff] = GATE_KERNEL,
};
static struct trap_record records[CPU_MAX];
static trap_hook_t hooks[CPU_MAX];

void trap_expect(void)
{
    struct trap_record *record = &records[cpu_id()];

    memset(record, 0, sizeof(*record));
    record->vector = VECTOR_NONE;
}

struct trap_record *trap_last(void)
{
    return &records[cpu_id()];
}

void trap_hook(trap_hook_t hook)
{
    hooks[cpu_id()] = hook;
}

void trap_table_load(void)
{
    static struct trap_info tables[CPU_MAX][NR_VECTORS + 1];
    struct trap_info *table = tables[cpu_id()];
    unsigned used = 0;

    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        const struct gate *gate = &gates[vector];
        const void *stub = trap_stubs + vector * STUB_SIZE;

        table[used++] = (struct trap_info){
            .vector = (uint8_t)vector,
            .flags = gate->flags,
            .cs = FLAT_KERNEL_CS,
            .address = (unsigned long)(gate->handler != NULL ? gate->handler : stub),
        };
    }
    table[used].address = 0;
    if (hypercall_set_trap_table(table) != 0)
        panic("the hypervisor refused the trap table");
}

void trap_gate_handler(unsigned vector, const void *handler, unsigned flags)
{
    const void *stub = trap_stubs + vector * STUB_SIZE;
    struct trap_info table[2] = { {
        .vector = (uint8_t)vector,
        .flags = (uint8_t)flags,
        .cs = FLAT_KERNEL_CS,
        .address = (unsigned long)(handler != NULL ? handler : stub),
    } };

    gates[vector].handler = handler;
    gates[vector].flags = (uint8_t)flags;
    table[1].address = 0;
    if (hypercall_set_trap_table(table) != 0)
        panic("the hypervisor refused the gate of vector %u", vector);
}

void trap_gate_set(unsigned vector, unsigned flags)
{
    trap_gate_handler(vector, NULL, flags);
}

static void callback_register(uint16_t type, const void *address, uint16_t flags)
{
    struct callback_register callback = {
        .type = type,
        .flags = flags,
        .address = (unsigned long)address,
    };

    if (hypercall_callback_op(CALLBACKOP_register, &callback) != 0)
        panic("the hypervisor refused callback %u", type);
}

void event_callback_set(const void *handler)
{
    callback_register(CALLBACKTYPE_event, handler != NULL ? handler : event_entry, 0);
}

void trap_callbacks_load(void)
{
    callback_register(CALLBACKTYPE_event, event_entry, 0);
    callback_register(CALLBACKTYPE_failsafe, failsafe_entry, CALLBACKF_mask_events);
    callback_register(CALLBACKTYPE_syscall, syscall_entry, CALLBACKF_mask_events);
}

static const struct ex_entry *ex_find(uint64_t rip)
{
    for (const struct ex_entry *entry = ex_table_start; entry < ex_table_end; entry++)
        if (entry->from == rip)
            return entry;
    return NULL;
}

static void record_trap(const struct trap_frame *frame)
{
    struct trap_record *record = &records[cpu_id()];

    record->vector = (int)frame->vector;
    record->cr2 = vcpu_info_here()->arch.cr2;
    record->mask_inside = vcpu_info_here()->evtchn_upcall_mask;
    record->frame = *frame;
    record->frame_end = (uint64_t)(frame + 1);
    if (++record->count > SAME_TRAP_MAX)
        panic("the same instruction trapped %u times, vector %lu at %lx", record->count,
              frame->vector, frame->rip);
}

static void report_and_panic(const struct trap_frame *frame)
{
    panic_registers(frame->rip, frame->rsp, frame->rbp,
                    "vector %lu error %lx cr2 %lx\n"
                    "  rip %lx cs %lx rflags %lx rsp %lx ss %lx\n"
                    "  rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n"
                    "  r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx",
                    frame->vector, frame->error, vcpu_info_here()->arch.cr2, frame->rip, frame->cs,
                    frame->rflags, frame->rsp, frame->ss, frame->rax, frame->rbx, frame->rcx,
                    frame->rdx, frame->rsi, frame->rdi, frame->rbp, frame->r8, frame->r9,
                    frame->r10, frame->r11, frame->r12, frame->r13, frame->r14, frame->r15);
}

void user_trapped(struct trap_frame *frame);

void trap_dispatch(struct trap_frame *frame)
{
    trap_hook_t hook = hooks[cpu_id()];
    const struct ex_entry *entry;

    if (hook != NULL && hook(frame))
        return;
    if (frame->vector == VECTOR_EVENT) {
        event_dispatch();
        return;
    }
    if (frame_is_user(frame)) {
        record_trap(frame);
        user_trapped(frame);
    }
    entry = ex_find(frame->rip);
    if (entry == NULL)
        report_and_panic(frame);
    record_trap(frame);
    frame->rip = entry->to;
}
