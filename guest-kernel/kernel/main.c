/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is there for: run the workloads or the benchmarks, then end, or wait for orders.
 */
#include "arch/arch.h"
#include "bench/bench.h"
#include "drivers/front/stay.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "workloads/workload.h"

void kernel_main(void)
{
    kernel_begin();
    if (cmdline.bench)
        bench_run(&cmdline.rows);
    else
        workloads_run(&cmdline.run);
    if (cmdline.stay)
        stay();
    arch_shutdown(cmdline.end);
}
