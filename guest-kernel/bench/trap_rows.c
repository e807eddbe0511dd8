/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of traps from guest kernel mode: bounces and emulated instructions.
 */
#include "arch/pv/page_table.h"
#include "bench/bench.h"
#include "bench/handlers.h"
#include "kernel/page_alloc.h"

#define VECTOR_PAGE_FAULT 14
#define VECTOR_INT80      0x80
#define UNMAPPED          0x7ffff000UL
#define MSR_GS_BASE       0xc0000101

static uint8_t *readonly_page;

static bool fault_setup(void)
{
    readonly_page = page_alloc();
    trap_gate_handler(VECTOR_PAGE_FAULT, bench_skip_fault, GATE_MASK_EVENTS);
    return page_set_readonly(readonly_page) == 0;
}

static void fault_teardown(void)
{
    trap_gate_set(VECTOR_PAGE_FAULT, GATE_MASK_EVENTS);
    page_set_writable(readonly_page);
    page_free(readonly_page);
}

/* Both instructions are three bytes long: bench_skip_fault counts on it. */
static uint64_t pagefault_bounce(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, asm volatile("mov (%%rdi), %%rax" ::"D"(UNMAPPED) : "rax", "memory"));
}

static uint64_t pagefault_write_bounce(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, asm volatile("mov %%rax, (%%rdi)" ::"D"(readonly_page) : "memory"));
}

static bool int80_setup(void)
{
    trap_gate_handler(VECTOR_INT80, bench_return, GATE_MASK_EVENTS | 3);
    return true;
}

static void int80_teardown(void)
{
    trap_gate_set(VECTOR_INT80, GATE_MASK_EVENTS | 3);
}

static uint64_t int80_kernel(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, asm volatile("int $0x80" ::: "memory"));
}

static uint64_t emulated_cr0_read(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, asm volatile("mov %%cr0, %%rax" ::: "rax"));
}

static uint64_t emulated_rdmsr(unsigned rounds, unsigned batch)
{
    (void)batch;
    BENCH_LOOP(rounds, asm volatile("rdmsr" ::"c"(MSR_GS_BASE) : "rax", "rdx"));
}

static uint64_t cpuid_forced(unsigned rounds, unsigned batch)
{
    uint32_t leaf = 0, subleaf = 0;

    (void)batch;
    BENCH_LOOP(rounds, asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                                    : "+a"(leaf), "+c"(subleaf)::"rbx", "rdx", "memory");
               leaf = 0);
}

const struct bench_row bench_trap_rows[] = {
    { "pagefault-bounce", BATCH_ONE, 1024, pagefault_bounce, fault_setup, fault_teardown },
    { "pagefault-write-bounce", BATCH_ONE, 1024, pagefault_write_bounce, fault_setup,
      fault_teardown },
    { "int80-kernel", BATCH_ONE, 2048, int80_kernel, int80_setup, int80_teardown },
    { "emulated-cr0-read", BATCH_ONE, 1024, emulated_cr0_read, NULL, NULL },
    { "emulated-rdmsr", BATCH_ONE, 1024, emulated_rdmsr, NULL, NULL },
    { "cpuid-forced", BATCH_ONE, 2048, cpuid_forced, NULL, NULL },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
