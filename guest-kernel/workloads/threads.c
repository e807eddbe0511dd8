/* SPDX-License-Identifier: MIT */
/*
 * Promise: a kernel can switch threads and leave the FPU behind: TS makes the first use trap, and
 * by then the hypervisor has cleared TS, so the handler may save and load without asking.
 *
 * ABI: HYPERVISOR_fpu_taskswitch, HYPERVISOR_stack_switch, <xen/xen.h>
 */
#include "kernel/thread.h"
#include "arch/pv/pv.h"
#include "kernel/string.h"
#include "workloads/fpu_image.h"
#include "workloads/list.h"

#define NR_WORKERS 4
#define NR_ROUNDS  60

struct worker {
    struct thread thread;
    uint8_t fxsave_area[512] __attribute__((aligned(16)));
    unsigned rounds;
};

static struct worker workers[NR_WORKERS];
static struct worker *fpu_owner, *running;
static unsigned nr_fpu_switches;

/* #NM: the registers go to whose they are, and become those of who is running. */
static bool switch_fpu(struct trap_frame *frame)
{
    if (frame->vector != 7)
        return false;
    nr_fpu_switches++;
    if (fpu_owner == running)
        return true;
    if (fpu_owner != NULL)
        asm volatile("fxsave64 (%0)" ::"r"(fpu_owner->fxsave_area) : "memory");
    asm volatile("fxrstor64 (%0)" ::"r"(running->fxsave_area) : "memory");
    fpu_owner = running;
    return true;
}

static void resume(struct worker *worker)
{
    running = worker;
    CHECK_EQ(
        hypercall_stack_switch(FLAT_KERNEL_SS, (unsigned long)worker->thread.stack + STACK_SIZE),
        0);
    CHECK_EQ(hypercall_fpu_taskswitch(1), 0);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct fpu_image expected, got;

    resume(worker);
    for (; worker->rounds < NR_ROUNDS; worker->rounds++) {
        fpu_image_fill(&expected, (uint64_t)worker * (worker->rounds + 1));
        fpu_image_load(&expected);
        thread_yield();
        resume(worker);
        fpu_image_store(&got);
        fpu_image_compare(&expected, &got);
    }
}

void workload_threads(void)
{
    memset(workers, 0, sizeof(workers));
    fpu_owner = NULL;
    nr_fpu_switches = 0;
    hypercall_fpu_taskswitch(0);
    for (unsigned i = 0; i < NR_WORKERS; i++) {
        asm volatile("fxsave64 (%0)" ::"r"(workers[i].fxsave_area) : "memory");
        if (!CHECK(thread_create(&workers[i].thread, work, &workers[i])))
            return;
    }
    trap_hook(switch_fpu);
    for (unsigned i = 0; i < NR_WORKERS; i++)
        thread_join(&workers[i].thread);
    trap_hook(NULL);
    hypercall_fpu_taskswitch(0);
    for (unsigned i = 0; i < NR_WORKERS; i++)
        CHECK_EQ(workers[i].rounds, NR_ROUNDS);
    CHECK(nr_fpu_switches >= NR_WORKERS * NR_ROUNDS);
}
