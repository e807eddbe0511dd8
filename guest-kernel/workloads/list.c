/* SPDX-License-Identifier: MIT */
/*
 * All workloads, in the order in which they run: what others rely on comes first.
 */
#include "workloads/list.h"

/* clang-format off: a row a line */
const struct workload workloads[] = {
    { "boot-state", "registers, start info, p2m and tables at entry", workload_boot_state },
    { "versions", "what the hypervisor says it is", workload_versions },
    { "hypercall-entry", "registers survive, the page by MSR", workload_hypercall_entry },
    { "exceptions-kernel", "every exception, from guest kernel mode", workload_exceptions_kernel },
    { "exceptions-user", "every exception and SYSCALL from user mode", workload_exceptions_user },
    { "int-n", "software interrupts and the DPL of their gates", workload_int_n },
    { "iret", "frames that the processor cannot take", workload_iret },
    { "masking", "masking loses no event, iret delivers, CR2 nests", workload_masking },
    { "event-ports", "event channel states, sends and refusals", workload_event_ports },
    { "console-input", "what is typed arrives", workload_console_input },
    { "timers", "clocks, timers, block and poll", workload_timers },
    { "page-updates", "every way to change an entry, against a model", workload_page_updates },
    { "table-life", "links and pins of tables, against a model of counts", workload_table_life },
    { "translations", "stale translations never show", workload_translations },
    { "long-work", "long batches and large trees with a tick running", workload_long_work },
    { "mmu-refusals", "refused updates leave the tables untouched", workload_mmu_refusals },
    { "mmuext", "pins, roots, flushes, clearing and copying frames", workload_mmuext },
    { "devices", "mapping device frames", workload_devices },
    { "memory", "giving pages back and getting others", workload_memory },
    { "multicall", "lists of calls and their results", workload_multicall },
    { "descriptors", "GDT, LDT and the descriptors in them", workload_descriptors },
    { "modes", "FS and GS bases of kernel and user mode", workload_modes },
    { "emulation", "privileged instructions, CPUID, ports, debug registers", workload_emulation },
    { "callbacks", "registering callbacks, system calls without one", workload_callbacks },
    { "failsafe", "selectors that turned bad while another vCPU ran", workload_failsafe },
    { "fpu", "FPU and SSE registers survive every switch", workload_fpu },
    { "threads", "threads that share the FPU by its trap", workload_threads },
    { "vcpu-ops", "vcpu_op, runstate, NMI", workload_vcpu_ops },
    { "smp", "several vCPUs at once", workload_smp },
    { "domains", "dom0 makes domains, and ends them", workload_domains },
    { "grants", "granted frames, mapped and copied", workload_grants },
    { "sysctl", "debug keys, and reading the hypervisor's log", workload_sysctl },
    { "meeting", "guests find each other and share pages", workload_meeting },
    { "pointers", "bad pointers in every argument", workload_pointers },
    { "sweep", "every hypercall number and unknown operations", workload_sweep },
};
/* clang-format on */
const unsigned nr_workloads = sizeof(workloads) / sizeof(workloads[0]);
