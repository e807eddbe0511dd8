/* SPDX-License-Identifier: MIT */
/*
 * From the first C line to kernel_main.
 *
 * What later workloads want to check about the state at entry is noted down first, because setting
 * up the kernel destroys it.
 *
 * ABI: struct start_info, struct shared_info, <xen/xen.h>; HYPERVISOR_xen_version, <xen/version.h>
 */
#include <xen/version.h>

#include "arch/pv/page_table.h"
#include "kernel/main.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "kernel/string.h"

struct boot_registers boot_registers = { .rax = ~0UL };
struct boot_state boot_state = { .upcall_pending = 0xff };
struct start_info *start_info;
struct shared_info *shared_info;
struct arch_machine arch_machine;
bool hypervisor_is_tenon;

/* The page of the image whose frame is given up for a mapping of shared_info. */
static uint8_t shared_info_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void shared_info_map(void)
{
    unsigned long va = (unsigned long)shared_info_page;

    if (hypercall_update_va_mapping(va, start_info->shared_info | PTE_P | PTE_RW | PTE_A | PTE_D,
                                    UVMF_INVLPG) != 0)
        panic("shared_info at %lx cannot be mapped", start_info->shared_info);
    shared_info = (struct shared_info *)shared_info_page;
}

static void note_tables(uint64_t *table, int level)
{
    boot_state.nr_tables++;
    if (*pte_find((unsigned long)table, 1) & PTE_RW)
        boot_state.writable_tables++;
    if (level == 1)
        return;
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        if (level == 4 && i >= 256 && i < 272) /* the hypervisor's */
            continue;
        if (table[i] & PTE_P)
            note_tables(mfn_to_address(pte_mfn(table[i])), level - 1);
    }
}

static void note_boot_state(void)
{
    const unsigned long *list = (const unsigned long *)start_info->mfn_list;

    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        boot_state.upcall_mask[i] = shared_info->vcpu_info[i].evtchn_upcall_mask;
    boot_state.upcall_pending = shared_info->vcpu_info[0].evtchn_upcall_pending;
    boot_state.table_pte = *pte_find(start_info->pt_base, 1);
    boot_state.stack_pte = *pte_find(boot_registers.rsp - 1, 1);
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++) {
        if (list[pfn] != ~0UL && mfn_to_pfn(list[pfn]) == pfn)
            continue;
        if (boot_state.p2m_mismatches++ == 0)
            boot_state.first_mismatch = pfn;
    }
    note_tables(kernel_l4, 4);
}

/* The end of the contiguous mapping that the builder made from the boot stack on. */
static unsigned long builder_mapped_end(void)
{
    unsigned long va = boot_registers.rsp;
    uint64_t *pte;

    while ((pte = pte_find(va, 2)) != NULL && (*pte & PTE_P) && (*pte_find(va, 1) & PTE_P))
        va += PAGE_SIZE;
    return va;
}

static bool text_contains(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (; *text != 0; text++)
        if (strncasecmp(text, word, length) == 0)
            return true;
    return false;
}

static void describe_machine(void)
{
    long version = hypercall_xen_version(XENVER_version, NULL);
    static xen_extraversion_t extra;
    static xen_capabilities_info_t capabilities;
    static xen_changeset_info_t changeset;

    hypercall_xen_version(XENVER_extraversion, extra);
    hypercall_xen_version(XENVER_capabilities, capabilities);
    hypercall_xen_version(XENVER_changeset, changeset);
    hypervisor_is_tenon = text_contains(extra, "tenon") || text_contains(capabilities, "tenon") ||
                          text_contains(changeset, "tenon");
    ksnprintf(arch_machine.description, sizeof(arch_machine.description), "%s %ld.%ld as dom%s",
             hypervisor_is_tenon ? "Tenon" : "Xen", version >> 16, version & 0xffff,
             start_info->flags & SIF_INITDOMAIN ? "0" : "U");
    arch_machine.cmdline = (const char *)start_info->cmd_line;
    arch_machine.nr_pages = start_info->nr_pages;
    while (arch_machine.nr_cpus < CPU_MAX &&
           hypercall_vcpu_op(VCPUOP_is_up, arch_machine.nr_cpus, NULL) >= 0)
        arch_machine.nr_cpus++;
}

/* Everything behind the boot stack is free; so is the 1 MiB below the image. */
static void memory_init(void)
{
    unsigned long first_free = arch_page_number((void *)boot_registers.rsp);
    unsigned long mapped = page_table_init(&first_free, start_info->nr_pages);

    page_alloc_init(mapped);
    page_alloc_add(first_free, mapped);
}

void arch_boot(struct start_info *info);

void arch_boot(struct start_info *info)
{
    start_info = info;
    console_init();
    kernel_l4 = (uint64_t *)info->pt_base;
    trap_table_load();
    shared_info_map();
    note_boot_state();
    boot_state.mapped_end = builder_mapped_end();
    memory_init();
    event_init();
    trap_callbacks_load();
    describe_machine();
    hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3);
    time_init_cpu();
    smp_init_cpu();
    arch_irq_enable();
    kernel_main();
}

void arch_shutdown(enum arch_shutdown how)
{
    static const unsigned reasons[] = {
        [ARCH_SHUTDOWN_REBOOT] = SHUTDOWN_reboot,
        [ARCH_SHUTDOWN_POWEROFF] = SHUTDOWN_poweroff,
        [ARCH_SHUTDOWN_CRASH] = SHUTDOWN_crash,
    };
    struct sched_shutdown shutdown = { .reason = reasons[how] };

    for (;;)
        hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}
