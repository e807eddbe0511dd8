/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts that strike the hypervisor itself, and how it dies.
 *
 * Three kinds of its own faults are expected: touching guest memory, loading a guest's selectors, and
 * the IRETQ to a guest. All others are our defects: report and stop.
 */
#include "lib/format.h"
#include "machine/apic.h"
#include "machine/exception_table.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "machine/smp.h"
#include "machine/symbols.h"
#include "machine/traps.h"
#include "trace/log.h"

#define BACKTRACE_MAX 24

extern const struct exception_entry exception_table_start[], exception_table_end[];
extern const uint8_t iret_to_guest[], boot_area[];

uint16_t machine_debug_exit_port;

static bool stopping;

static const char *const exception_names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode",
    "device not available", "double fault", "9", "invalid TSS", "segment not present", "stack fault",
    "general protection", "page fault", "15", "FPU error", "alignment check", "machine check",
    "SIMD error",
};

uint64_t exception_fixup(uint64_t rip)
{
    for (const struct exception_entry *e = exception_table_start; e < exception_table_end; e++) {
        if ((uint64_t)&e->fault + (uint64_t)(int64_t)e->fault == rip)
            return (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
    }
    return 0;
}

static void print_address(const char *what, uint64_t address)
{
    uint64_t offset = 0;
    const char *name = symbol_of(address, &offset);

    log_line(LOG_ERROR, "  %s%016lx %s+0x%lx", what, address, name ? name : "?", offset);
}

static bool on_own_stack(uint64_t p)
{
    if (p - (uint64_t)boot_area < CPU_AREA_SIZE)
        return true;
    return p >= CPU_AREA_BASE && p < CPU_AREA_BASE + (uint64_t)NR_CPUS * CPU_AREA_SIZE &&
           p % CPU_AREA_SIZE >= PAGE_SIZE && p % 8 == 0 && hypervisor_pte(p) &&
           (*hypervisor_pte(p) & 1);
}

/* Is there a call right before this address? (e8 rel32, or ff /2 with a register or memory) */
static bool is_return_address(uint64_t address)
{
    uint64_t offset;
    const uint8_t *p = (const uint8_t *)address;

    return symbol_of(address, &offset) && offset >= 5 &&
           (p[-5] == 0xe8 || (p[-2] == 0xff && (p[-1] & 0x38) == 0x10) ||
            (p[-3] == 0xff && (p[-2] & 0x38) == 0x10) || (p[-6] == 0xff && p[-5] == 0x15) ||
            (offset >= 7 && p[-7] == 0xff && (p[-6] & 0x38) == 0x10));
}

/* Without frame pointers, which would cost each function three instructions: every word on the stack
 * that looks like a return address. One that was left behind by an earlier call may be among them. */
static void print_backtrace(uint64_t sp)
{
    unsigned printed = 0;

    log_line(LOG_ERROR, "Call trace (all that looks like a return address):");
    for (sp &= ~7UL; on_own_stack(sp) && sp % CPU_AREA_SIZE < CPU_STRUCT && printed < BACKTRACE_MAX;
         sp += 8) {
        uint64_t word = *(const uint64_t *)sp;
        if (is_return_address(word)) {
            print_address("", word);
            printed++;
        }
    }
}

static void print_registers(const struct cpu_user_regs *r)
{
    log_line(LOG_ERROR, "  rip %016lx  cs %04x  rflags %08lx  rsp %016lx  ss %04x", r->rip, r->cs,
             r->rflags, r->rsp, r->ss);
    log_line(LOG_ERROR, "  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", r->rax, r->rbx, r->rcx,
             r->rdx);
    log_line(LOG_ERROR, "  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", r->rsi, r->rdi, r->rbp,
             r->r8);
    log_line(LOG_ERROR, "  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", r->r9, r->r10, r->r11,
             r->r12);
    log_line(LOG_ERROR, "  r13 %016lx  r14 %016lx  r15 %016lx  cr2 %016lx", r->r13, r->r14, r->r15,
             cr2_read());
    log_line(LOG_ERROR, "  cr0 %08lx  cr3 %016lx  cr4 %08lx", cr0_read(), cr3_read(), cr4_read());
}

/* Only the first processor that dies speaks. */
static void begin_last_words(void)
{
    interrupts_off();
    if (__atomic_exchange_n(&stopping, true, __ATOMIC_SEQ_CST)) {
        for (;;)
            __asm__ volatile("cli; hlt");
    }
    if (nr_cpus > 1)
        apic_send_all_stop();
    log_last_words();
}

void fatal_exception(const struct cpu_user_regs *regs)
{
    begin_last_words();
    const char *name = regs->entry_vector < ARRAY_SIZE(exception_names)
                           ? exception_names[regs->entry_vector]
                           : "unexpected interrupt";
    log_line(LOG_ERROR, "TENON PANIC: %s (vector %u, error %x) in the hypervisor, processor %u", name,
             regs->entry_vector, regs->error_code, this_cpu()->id);
    print_registers(regs);
    print_address("at ", regs->rip);
    print_backtrace(regs->rsp);
    machine_stop(true);
}

void panic(const char *format, ...)
{
    va_list args;

    begin_last_words();
    char text[200];
    va_start(args, format);
    format_string_v(text, sizeof(text), format, args);
    va_end(args);
    log_line(LOG_ERROR, "TENON PANIC: %s", text);
    print_backtrace((uint64_t)__builtin_frame_address(0));
    machine_stop(true);
}

void assert_failed(const char *condition, const char *file, int line)
{
    panic("assertion failed: %s (%s:%d)", condition, file, line);
}

void machine_interrupt(unsigned vector)
{
    switch (vector) {
    case APIC_VECTOR_TIMER:
        timer_interrupt();
        break;
    case APIC_VECTOR_CALL:
        smp_call_interrupt();
        break;
    case APIC_VECTOR_KICK:
        break; /* what it is for was noted in the processor's work before it was sent */
    case APIC_VECTOR_UART:
        console_interrupt();
        break;
    case APIC_VECTOR_SPURIOUS:
        return; /* not acknowledged, says the APIC's manual */
    }
    apic_end_of_interrupt();
}


/*
 * IRETQ to a guest faulted. Its frame still stands at the head of the stack, its registers are those
 * that the fault saved, just below it, in our way: move them home through a copy.
 */
static void iret_fault(const struct cpu_user_regs *regs)
{
    struct cpu_user_regs *home = &this_cpu()->guest_regs;
    uint8_t general[offsetof(struct cpu_user_regs, error_code)];
    unsigned vector = regs->entry_vector;
    uint32_t error_code = regs->error_code;

    __builtin_memcpy(general, regs, sizeof(general));
    __builtin_memcpy(home, general, sizeof(general));
    guest_iret_fault(vector, error_code);
    resume_guest_on_empty_stack();
}

static bool in_guest_part(uint64_t va)
{
    return va < HYPERVISOR_START || va >= HYPERVISOR_END;
}

/* An exception whose frame says ring 0. */
void own_exception(struct cpu_user_regs *regs)
{
    unsigned vector = regs->entry_vector;

    if (vector >= 32) {
        machine_interrupt(vector);
        return;
    }
    uint64_t va = cr2_read(), fixup = exception_fixup(regs->rip);

    if (vector == VECTOR_PF && fixup && in_guest_part(va) &&
        guest_fault_is_spurious(va, regs->error_code))
        return;
    if (vector == VECTOR_DB) {
        /* A guest's breakpoint or single step caught up with us (MOV SS): it is not ours to see. */
        debug_registers_off();
        guest_debug_registers_lost();
        regs->rflags &= ~EFLAGS_TF;
        return;
    }
    if (regs->rip == (uint64_t)iret_to_guest)
        iret_fault(regs);
    if (!fixup)
        fatal_exception(regs);
    regs->rip = fixup;
}

/* #DF, NMI and #MC, on stacks of their own. */
void ist_exception(struct cpu_user_regs *regs)
{
    if (regs->entry_vector == VECTOR_NMI) {
        if (READ_ONCE(stopping)) {
            for (;;)
                __asm__ volatile("cli; hlt");
        }
        return; /* nothing here sends another one */
    }
    fatal_exception(regs);
}

/* QEMU's debug exit makes status 2n+1 of the byte. 0 would give 1, which QEMU ends with for reasons of its own. */
#define DEBUG_EXIT_FAILED 1
#define DEBUG_EXIT_OFF    2

void machine_stop(bool failed)
{
    interrupts_off();
    log_last_words();
    if (machine_debug_exit_port)
        port_out8(machine_debug_exit_port, failed ? DEBUG_EXIT_FAILED : DEBUG_EXIT_OFF);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_reboot(void)
{
    interrupts_off();
    log_last_words();
    port_out8(0xcf9, 0x02); /* chipset reset */
    port_out8(0xcf9, 0x06);
    for (unsigned i = 0; i < 100000; i++)
        cpu_relax();
    port_out8(0x64, 0xfe); /* keyboard controller's reset line */
    for (unsigned i = 0; i < 100000; i++)
        cpu_relax();
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = { 0, 0 };
    __asm__ volatile("lidt %0; int3" ::"m"(none)); /* no handler at all: the processor resets */
    for (;;)
        __asm__ volatile("cli; hlt");
}

void cpu_wait(void)
{
    /* STI holds interrupts off for one more instruction: none is lost before HLT. */
    __asm__ volatile("sti; hlt" ::: "memory");
}
