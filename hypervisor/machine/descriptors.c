/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables.
 *
 * The GDT that is loaded has 15 pages: 14 for the guest's own descriptors, mapped in its vCPU's window,
 * and the last one ours (from selector 0xe000, as the ABI has it), one page a processor. With no
 * guest, the 15 pages begin inside the processor's area so that the last is the same page.
 */
#include "machine/descriptors.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/machine.h"
#include "machine/registers.h"

#define DESCRIPTOR_CODE64_RING0 0x00af9b000000ffffUL
#define DESCRIPTOR_DATA_RING0   0x00cf93000000ffffUL
#define DESCRIPTOR_CODE32_RING3 0x00cffb000000ffffUL
#define DESCRIPTOR_DATA_RING3   0x00cff3000000ffffUL
#define DESCRIPTOR_CODE64_RING3 0x00affb000000ffffUL

#define SYSTEM_TSS 0x89UL
#define SYSTEM_LDT 0x82UL

#define GDT_LIMIT (15 * PAGE_SIZE - 1)

#define GATE_INTERRUPT 0x8eUL
#define GATE_DPL3      0x60UL

#define IST_DF  1
#define IST_NMI 2
#define IST_MC  3
#define IST_DB  4

struct gate {
    uint64_t low, high;
};

struct pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern const uint8_t exception_stubs[], syscall_stubs[], syscall32_stubs[];

static struct gate idt[256];

static uint64_t area_of(unsigned id)
{
    return CPU_AREA_BASE + (uint64_t)id * CPU_AREA_SIZE;
}

static uint64_t *gdt_entry(unsigned id, unsigned selector)
{
    return (uint64_t *)(area_of(id) + CPU_GDT_PAGE + (selector & 0xff8));
}

static void put_system_descriptor(uint64_t *entry, uint64_t base, uint64_t limit, uint64_t type)
{
    entry[1] = base >> 32;
    entry[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | (limit & 0xf0000) << 32 |
               (base & 0xff000000) << 32;
}

static void map_area_pages(uint64_t va, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        uint64_t page = machine_page_alloc();
        if (!page || !hypervisor_map(va + i * PAGE_SIZE, page, PAGE_SIZE, MAP_WRITE))
            panic("not enough memory for the stacks of a processor: give the machine more");
    }
}

void cpu_area_create(unsigned id, unsigned apic_id)
{
    uint64_t area = area_of(id);

    map_area_pages(area + CPU_STACK_DF_TOP - PAGE_SIZE, 1);
    map_area_pages(area + CPU_STACK_NMI_TOP - PAGE_SIZE, 1);
    map_area_pages(area + CPU_STACK_MC_TOP - PAGE_SIZE, 1);
    map_area_pages(area + CPU_STACK_DB_TOP - PAGE_SIZE, 1);
    map_area_pages(area + CPU_STACK_BOTTOM, (CPU_STRUCT - CPU_STACK_BOTTOM) / PAGE_SIZE + 1);
    map_area_pages(area + CPU_GDT_PAGE, 1);

    struct cpu *cpu = cpu_of(id);
    cpu->id = id;
    cpu->apic_id = apic_id;
    cpu->tss.rsp[0] = area + CPU_STRUCT + CPU_STACK_TOP;
    cpu->tss.ist[IST_DF - 1] = area + CPU_STACK_DF_TOP;
    cpu->tss.ist[IST_NMI - 1] = area + CPU_STACK_NMI_TOP;
    cpu->tss.ist[IST_MC - 1] = area + CPU_STACK_MC_TOP;
    cpu->tss.ist[IST_DB - 1] = area + CPU_STACK_DB_TOP;
    cpu->tss.io_map = sizeof(cpu->tss); /* beyond the limit: ring 3 may use no port */

    *gdt_entry(id, SEL_RING0_CODE) = DESCRIPTOR_CODE64_RING0;
    *gdt_entry(id, SEL_RING0_DATA) = DESCRIPTOR_DATA_RING0;
    *gdt_entry(id, SEL_GUEST_CODE32) = DESCRIPTOR_CODE32_RING3;
    *gdt_entry(id, SEL_GUEST_DATA) = DESCRIPTOR_DATA_RING3;
    *gdt_entry(id, SEL_GUEST_CODE) = DESCRIPTOR_CODE64_RING3;
    put_system_descriptor(gdt_entry(id, SEL_TSS), (uint64_t)&cpu->tss, sizeof(cpu->tss) - 1,
                          SYSTEM_TSS);
    /* Its limit is the processor's number, for LSL (ABI: GDT entry "per-CPU"). */
    *gdt_entry(id, SEL_CPU_LIMIT) = 0x00c0f30000000000UL | id;
}

static void set_gate_target(unsigned vector, unsigned ist, bool dpl3, uint64_t target)
{
    uint64_t type = GATE_INTERRUPT | (dpl3 ? GATE_DPL3 : 0);

    idt[vector].low = (target & 0xffff) | (uint64_t)SEL_RING0_CODE << 16 | (uint64_t)ist << 32 |
                      type << 40 | (target >> 16 & 0xffff) << 48;
    idt[vector].high = target >> 32;
}

static void set_gate(unsigned vector, unsigned ist, bool dpl3)
{
    set_gate_target(vector, ist, dpl3, (uint64_t)exception_stubs + vector * 16UL);
}

void idt_redirect(unsigned vector, const uint8_t *target)
{
    if (target)
        set_gate_target(vector, 0, false, (uint64_t)target);
    else
        set_gate(vector, 0, false);
}

static void load_idt(void)
{
    struct pointer p = { sizeof(idt) - 1, (uint64_t)idt };

    __asm__ volatile("lidt %0" ::"m"(p));
}

void gdt_load(uint64_t base)
{
    struct pointer p = { GDT_LIMIT, base };

    __asm__ volatile("lgdt %0" ::"m"(p));
}

void ldt_load(uint64_t base, unsigned entries)
{
    uint16_t selector = 0;

    if (entries) {
        put_system_descriptor(gdt_entry(this_cpu()->id, SEL_LDT), base, entries * 8UL - 1,
                              SYSTEM_LDT);
        selector = SEL_LDT;
    }
    __asm__ volatile("lldt %0" ::"r"(selector));
}

uint64_t gdt_reserved_page_entry(unsigned id)
{
    /* Accessed already, not dirty, not writable: descriptors there are complete. */
    return *hypervisor_pte(area_of(id) + CPU_GDT_PAGE) & ~2UL;
}

static void load_code_segment(uint64_t selector)
{
    __asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" ::"r"(selector)
                     : "rax", "memory");
}

static void load_data_segments(void)
{
    __asm__ volatile("mov %0, %%ss; mov %1, %%ds; mov %1, %%es; mov %1, %%fs; mov %1, %%gs" ::"r"(
                         SEL_RING0_DATA),
                     "r"(0));
}

void idt_boot(void)
{
    static uint64_t gdt[2] __attribute__((aligned(16)));

    for (unsigned v = 0; v < 256; v++)
        set_gate(v, 0, v == VECTOR_BP || v == VECTOR_OF || v == 0x80);
    /* Before there is a page at 0xe000, the two selectors of ring 0 stand at the same place. */
    gdt[0] = DESCRIPTOR_CODE64_RING0;
    gdt[1] = DESCRIPTOR_DATA_RING0;
    gdt_load((uint64_t)gdt - SEL_RING0_CODE);
    load_code_segment(SEL_RING0_CODE);
    load_data_segments();
    load_idt();
}

void own_tables_load(void)
{
    gdt_load(area_of(this_cpu()->id) + CPU_GDT_PAGE - GDT_RESERVED_BYTE);
    ldt_load(0, 0);
}

void descriptors_load(void)
{
    struct cpu *cpu = this_cpu();
    uint16_t tss = SEL_TSS;

    set_gate(VECTOR_DF, IST_DF, false);
    set_gate(VECTOR_NMI, IST_NMI, false);
    set_gate(VECTOR_MC, IST_MC, false);
    set_gate(VECTOR_DB, IST_DB, false);
    own_tables_load();
    load_code_segment(SEL_RING0_CODE);
    load_data_segments();
    load_idt();
    __asm__ volatile("ltr %0" ::"r"(tss));

    msr_write(MSR_STAR, (uint64_t)SEL_GUEST_CODE32 << 48 | (uint64_t)SEL_RING0_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)syscall_stubs + cpu->id * 32);
    msr_write(MSR_CSTAR, (uint64_t)syscall32_stubs + cpu->id * 32);
    msr_write(MSR_SFMASK, EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_DF | EFLAGS_IF |
                              EFLAGS_TF);
}
