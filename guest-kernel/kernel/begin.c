/* SPDX-License-Identifier: MIT */
/*
 * What every image does first.
 */
#include "arch/arch.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "kernel/smp.h"
#include "workloads/flood.h"
#include "workloads/workload.h"

void kernel_begin(void)
{
    kprintf("tenon-guest: booted on %s, %u vcpus, %lu pages\n", arch_machine.description,
            arch_machine.nr_cpus, arch_machine.nr_pages);
    cmdline_parse(arch_machine.cmdline);
    if (cmdline.crash != NULL && !arch_crash(cmdline.crash))
        panic("crash=%s is not known", cmdline.crash);
    if (cmdline.list) {
        workloads_list();
        arch_shutdown(cmdline.end);
    }
    if (cmdline.flood != NULL) {
        flood(cmdline.flood);
        panic("flood=%s is not known", cmdline.flood);
    }
    smp_boot();
}
