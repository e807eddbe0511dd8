/* SPDX-License-Identifier: MIT */
/*
 * Promise: the registers of FPU, SSE and AVX are what they were after everything that may switch
 * away: hypercalls, traps, events, yields, sleeping, other vCPUs on the same processor; user mode's
 * too.
 */
#include "arch/pv/pv.h"
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/ports.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"

#define NR_ROUNDS 300
#define MS        1000000ULL

void workload_fpu(void);

struct fpu_image {
    uint64_t xmm[16][2];
    uint64_t st0;
    uint32_t mxcsr;
} __attribute__((aligned(16)));

static struct port_pair pair;

static void load(const struct fpu_image *image)
{
    asm volatile("fninit\n fldl 256(%0)\n ldmxcsr 264(%0)\n"
                 "movdqa 0(%0), %%xmm0\n movdqa 16(%0), %%xmm1\n movdqa 32(%0), %%xmm2\n"
                 "movdqa 48(%0), %%xmm3\n movdqa 64(%0), %%xmm4\n movdqa 80(%0), %%xmm5\n"
                 "movdqa 96(%0), %%xmm6\n movdqa 112(%0), %%xmm7\n movdqa 128(%0), %%xmm8\n"
                 "movdqa 144(%0), %%xmm9\n movdqa 160(%0), %%xmm10\n movdqa 176(%0), %%xmm11\n"
                 "movdqa 192(%0), %%xmm12\n movdqa 208(%0), %%xmm13\n movdqa 224(%0), %%xmm14\n"
                 "movdqa 240(%0), %%xmm15\n" ::"r"(image)
                 : "memory");
}

static void store(struct fpu_image *image)
{
    asm volatile("fstl 256(%0)\n stmxcsr 264(%0)\n"
                 "movdqa %%xmm0, 0(%0)\n movdqa %%xmm1, 16(%0)\n movdqa %%xmm2, 32(%0)\n"
                 "movdqa %%xmm3, 48(%0)\n movdqa %%xmm4, 64(%0)\n movdqa %%xmm5, 80(%0)\n"
                 "movdqa %%xmm6, 96(%0)\n movdqa %%xmm7, 112(%0)\n movdqa %%xmm8, 128(%0)\n"
                 "movdqa %%xmm9, 144(%0)\n movdqa %%xmm10, 160(%0)\n movdqa %%xmm11, 176(%0)\n"
                 "movdqa %%xmm12, 192(%0)\n movdqa %%xmm13, 208(%0)\n movdqa %%xmm14, 224(%0)\n"
                 "movdqa %%xmm15, 240(%0)\n" ::"r"(image)
                 : "memory");
}

static void fill(struct fpu_image *image, uint64_t seed)
{
    memset(image, 0, sizeof(*image));
    for (unsigned i = 0; i < 16; i++) {
        image->xmm[i][0] = seed * (2 * i + 3);
        image->xmm[i][1] = ~seed * (2 * i + 5);
    }
    image->st0 = 0x4009000000000000UL | (seed & 0xffffff); /* some number between 3 and 4 */
    image->mxcsr = 0x1f80 | (uint32_t)((seed & 3) << 13);  /* the rounding mode */
}

static void compare(const struct fpu_image *expected, const struct fpu_image *got)
{
    CHECK_EQ(memcmp(expected->xmm, got->xmm, sizeof(got->xmm)), 0);
    CHECK_EQ(got->st0, expected->st0);
    CHECK_EQ(got->mxcsr & ~0x3fu, expected->mxcsr);
}

static void by_hypercall(void)
{
    hypercall_xen_version(0, NULL);
}

static void by_yield(void)
{
    hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void by_trap(void)
{
    trap_expect();
    asm volatile(MAY_TRAP("ud2"));
}

static void by_event(void)
{
    port_send(pair.near);
}

static void by_sleep(void)
{
    struct sched_poll poll = { .timeout = arch_clock_ns() + MS / 4 };

    hypercall_sched_op(SCHEDOP_poll, &poll);
}

static void by_lazy_switch(void)
{
    trap_expect();
    hypercall_fpu_taskswitch(1);
    asm volatile(MAY_TRAP("fnop"));
}

static const struct disturbance {
    const char *name;
    void (*run)(void);
} disturbances[] = {
    { "hypercall", by_hypercall }, { "yield", by_yield }, { "trap", by_trap },
    { "event", by_event },         { "sleep", by_sleep }, { "task switch", by_lazy_switch },
};

static void disturb(uint64_t seed)
{
    struct fpu_image expected, got;

    for (unsigned i = 0; i < NR_ROUNDS; i++) {
        const struct disturbance *by = &disturbances[i % 6];

        if (cpu_id() != 0 && by->run == by_event)
            continue;
        fill(&expected, seed * (i + 1));
        memset(&got, 0, sizeof(got));
        load(&expected);
        by->run();
        store(&got);
        compare(&expected, &got);
    }
}

/* Another vCPU does the same with other numbers meanwhile. */
static void disturb_elsewhere(void *argument)
{
    (void)argument;
    disturb(0x1234567890abcdefUL + cpu_id());
}

static void ignore_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
}

static void user_registers(void)
{
    struct trap_frame frame;
    uint64_t *words = (uint64_t *)user_data;

    words[0] = 0x1122334455667788UL;
    words[1] = 0x99aabbccddeeff00UL;
    words[2] = words[3] = 0;
    user_frame_init(&frame, user_fpu);
    frame.rdi = USER_DATA;
    user_run(&frame);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    by_yield();
    by_sleep();
    user_run(&frame);
    CHECK_EQ(words[2], words[0]);
    CHECK_EQ(words[3], words[1]);
}

void workload_fpu(void)
{
    unsigned nr_cpus = smp_nr_running();

    if (!CHECK(user_init()) || !CHECK_EQ(port_pair_open(&pair), 0))
        return;
    event_attach(pair.far, 0, ignore_event, NULL);
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
        smp_run(cpu, disturb_elsewhere, NULL);
    disturb(0x9e3779b97f4a7c15UL);
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
        CHECK(smp_wait(cpu, 20000 * MS));
    user_registers();
    port_pair_close(&pair);
}
