/* SPDX-License-Identifier: MIT */
/*
 * What the files of arch/pv share, and what workloads and benchmarks may use of it beyond arch.h.
 */
#ifndef ARCH_PV_PV_H
#define ARCH_PV_PV_H

#include "arch/arch.h"
#include "arch/pv/frame.h"
#include "arch/pv/hypercall.h"

#define VIRT_BASE 0xffffffff80000000UL

/* ---- boot.c ---- */

/* The registers at the first instruction, in the order in which start.S stores them. */
struct boot_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, cs, ss, ds, es, fs, gs;
};

/* What was true at entry and is no longer once the kernel runs. */
struct boot_state {
    uint8_t upcall_mask[XEN_LEGACY_MAX_VCPUS];
    uint8_t upcall_pending;
    uint64_t stack_pte, table_pte; /* of the boot stack, of the L4's own page */
    unsigned long p2m_mismatches, first_mismatch;
    unsigned long writable_tables, nr_tables;
    unsigned long mapped_end; /* end of what the builder mapped */
};

extern struct boot_registers boot_registers;
extern struct boot_state boot_state;
extern struct start_info *start_info;
extern struct shared_info *shared_info;

/* Set for Tenon, clear for Xen itself: the two differ where QEMU's defects show through Xen. */
extern bool hypervisor_is_tenon;

/* ---- traps.c ---- */

/* What an instruction with an entry in .ex_table ran into. */
struct trap_record {
    int vector; /* VECTOR_NONE: nothing since trap_expect */
    unsigned count;
    uint64_t cr2;
    uint64_t frame_end;  /* where the hypervisor began to push: must be a multiple of 16 */
    uint8_t mask_inside; /* upcall mask that the handler ran with */
    struct trap_frame frame;
};

#define GATE_MASK_EVENTS 4

/* Forgets what was recorded; the instruction after it may trap. */
void trap_expect(void);
/* What was recorded on this CPU since trap_expect. */
struct trap_record *trap_last(void);

/* Loads this vCPU's whole trap table with the gates' current flags and addresses. */
void trap_table_load(void);
void trap_gate_set(unsigned vector, unsigned flags);
/* Another handler for a vector, in assembly and on its own; NULL: back to the kernel's. */
void trap_gate_handler(unsigned vector, const void *handler, unsigned flags);
/* Called for a vector, user or kernel, ahead of everything else; true: handled. NULL: none. */
typedef bool (*trap_hook_t)(struct trap_frame *frame);
void trap_hook(trap_hook_t hook);
void trap_callbacks_load(void);
void event_callback_set(const void *handler);

/*
 * In assembly: INSN may trap. It then counts as done: execution goes on behind it, and trap_last
 * tells. Traps that report the address behind the instruction are covered as well.
 */
#define MAY_TRAP(insn)                                                                             \
    "771: " insn "\n"                                                                              \
    "772:\n"                                                                                       \
    ".pushsection .ex_table, \"a\"\n"                                                              \
    ".quad 771b, 772b, 772b, 772b\n"                                                               \
    ".popsection\n"

/* ---- user.c ---- */

/* Runs user mode from FRAME until it traps or calls; FRAME then holds where and why. */
void user_run(struct trap_frame *frame);
/* Makes the user root and maps the user text, stack and data pages. Once. */
bool user_init(void);
void user_frame_init(struct trap_frame *frame, const void *function);
unsigned long user_root_mfn(void);

#define USER_BASE      0x400000UL /* user text, in the slot that both roots share */
#define USER_DATA      0x600000UL /* one page, writable, mapped in the kernel at user_data */
#define USER_STACK_TOP 0x800000UL
extern uint8_t *user_data;

/* ---- events.c ---- */

typedef void (*event_handler_t)(evtchn_port_t port, void *data);

struct vcpu_info *vcpu_info_of(unsigned cpu);
struct vcpu_info *vcpu_info_here(void);
void event_init(void);
bool event_register_vcpu_info(unsigned cpu);
void event_dispatch(void);
/* The handler runs on CPU with events masked. The port starts unmasked. */
void event_attach(evtchn_port_t port, unsigned cpu, event_handler_t handler, void *data);
/* Closes the port as well. */
void event_detach(evtchn_port_t port);
/* Returns a port or a negative error. */
long event_bind_virq(unsigned virq, unsigned cpu);
long event_bind_ipi(unsigned cpu);
void event_mask(evtchn_port_t port);
void event_unmask(evtchn_port_t port);
bool event_is_pending(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* ---- time.c ---- */
void time_init_cpu(void);
void timer_event_raised(evtchn_port_t port, void *data);

/* ---- console.c ---- */
void console_init(void);

/* ---- smp.c ---- */
void smp_init_cpu(void);

/* ---- the assembly ---- */
extern const uint8_t trap_stubs[], event_entry[], syscall_entry[], failsafe_entry[], cpu_entry[];
extern const uint8_t thread_trampoline[], hypercall_page[], boot_stack[], image_end[];
extern const uint8_t user_text_start[], user_text_end[];
void trap_dispatch(struct trap_frame *frame);
void user_enter(struct trap_frame *frame, uint64_t *saved_sp);
void user_leave(uint64_t saved_sp) __attribute__((noreturn));
void context_switch(uint64_t *save_sp, uint64_t load_sp);

#endif
