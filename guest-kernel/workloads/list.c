/* SPDX-License-Identifier: MIT */
/*
 * All workloads, in the order in which they run: what others rely on comes first.
 */
#include "workloads/list.h"

/* name, function, description */
#define WORKLOADS(row)                                                                             \
    row("boot-state", workload_boot_state, "registers, start info, p2m and tables at entry") row(  \
        "exceptions-kernel", workload_exceptions_kernel,                                           \
        "every exception, from guest kernel mode") row("exceptions-user",                          \
                                                       workload_exceptions_user,                   \
                                                       "every exception and SYSCALL from user "    \
                                                       "mode") row("int-n", workload_int_n,        \
                                                                   "software interrupts and the "  \
                                                                   "DPL of their gates")           \
        row("masking", workload_masking, "masking loses no event, iret delivers, CR2 nests") row(  \
            "event-ports", workload_event_ports, "event channel states, sends and refusals")       \
            row("timers", workload_timers, "clocks, timers, block and poll") row(                  \
                "page-updates", workload_page_updates,                                             \
                "every way to change an entry, against a model") row("table-life",                 \
                                                                     workload_table_life,          \
                                                                     "links and pins of tables, "  \
                                                                     "against a model of counts")  \
                row("long-work", workload_long_work,                                               \
                    "long batches and large trees with a tick running")                            \
                    row("mmu-refusals", workload_mmu_refusals,                                     \
                        "refused updates leave the tables untouched")                              \
                        row("mmuext", workload_mmuext,                                             \
                            "pins, roots, flushes, clearing and copying frames")                   \
                            row("memory", workload_memory, "giving pages back and getting others") \
                                row("multicall", workload_multicall,                               \
                                    "lists of calls and their results") row("descriptors",         \
                                                                            workload_descriptors,  \
                                                                            "GDT, LDT and the "    \
                                                                            "descriptors in them") \
                                    row("modes", workload_modes,                                   \
                                        "FS and GS bases of kernel and user mode")                 \
                                        row("emulation", workload_emulation,                       \
                                            "privileged instructions, CPUID, ports, debug "        \
                                            "registers") row("callbacks", workload_callbacks,      \
                                                             "registering callbacks, system "      \
                                                             "calls without one")                  \
                                            row("fpu", workload_fpu,                               \
                                                "FPU and SSE registers survive every switch")      \
                                                row("threads", workload_threads,                   \
                                                    "threads that share the FPU by its trap")      \
                                                    row("vcpu-ops", workload_vcpu_ops,             \
                                                        "vcpu_op, runstate, NMI")                  \
                                                        row("smp", workload_smp,                   \
                                                            "several vCPUs at once")               \
                                                            row("pointers", workload_pointers,     \
                                                                "bad pointers in every argument")  \
                                                                row("sweep", workload_sweep,       \
                                                                    "every hypercall number and "  \
                                                                    "unknown operations")

#define DECLARE(name, function, description) void function(void);
#define ROW(name, function, description)     { name, description, function },

WORKLOADS(DECLARE)

const struct workload workloads[] = { WORKLOADS(ROW) };
const unsigned nr_workloads = sizeof(workloads) / sizeof(workloads[0]);
