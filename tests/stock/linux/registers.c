/* SPDX-License-Identifier: MIT */
/*
 * FPU, SSE and AVX registers: many processes on all processors fill theirs with numbers of their own, lose the
 * processor in every way that there is (time slices, system calls, signals, faults), and look again.
 */
#define _GNU_SOURCE
#include "checks.h"
#include <cpuid.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_REGISTERS 16
#define ROUNDS       3000u

struct image {
    uint8_t bytes[NR_REGISTERS][32];
};

static bool has_avx(void)
{
    unsigned a, b, c, d;
    uint32_t low, high;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return false;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define SSE_LOAD(n)  "movups " #n "*32(%1), %%xmm" #n "\n"
#define SSE_STORE(n) "movups %%xmm" #n ", " #n "*32(%2)\n"
#define AVX_LOAD(n)  "vmovups " #n "*32(%1), %%ymm" #n "\n"
#define AVX_STORE(n) "vmovups %%ymm" #n ", " #n "*32(%2)\n"

/* What happens between loading and storing is one system call, number 24 (sched_yield) or 39 (getpid), or time. */
static __attribute__((noinline)) void through_sse(const struct image *in, struct image *out, long call, unsigned spins)
{
    asm volatile(EACH(SSE_LOAD) "1: pause; decl %0; jns 1b; mov %3, %%rax; syscall\n" EACH(SSE_STORE)
                 : "+r"(spins) : "r"(in), "r"(out), "r"(call)
                 : "rax", "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static __attribute__((noinline, target("avx"))) void through_avx(const struct image *in, struct image *out, long call,
                                                                 unsigned spins)
{
    asm volatile(EACH(AVX_LOAD) "1: pause; decl %0; jns 1b; mov %3, %%rax; syscall\n" EACH(AVX_STORE)
                 : "+r"(spins) : "r"(in), "r"(out), "r"(call)
                 : "rax", "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static unsigned differs(const struct image *in, const struct image *out, size_t width)
{
    for (unsigned i = 0; i < NR_REGISTERS; i++)
        if (memcmp(in->bytes[i], out->bytes[i], width) != 0)
            return i + 1;
    return 0;
}

static void spoil(int signal)
{
    double x = signal;

    for (unsigned i = 0; i < 50; i++)
        x = x * 1.0001 + 3;
    asm volatile("" ::"x"(x));
}

/* x87 and MXCSR as well: rounding modes are a process' own. */
static bool modes_stay(unsigned process)
{
    uint16_t control = (uint16_t)(0x037f | (process % 4) << 10), seen;
    uint32_t mxcsr = 0x1f80 | (process % 4) << 13, seen_mxcsr;

    asm volatile("fldcw %0; ldmxcsr %1" ::"m"(control), "m"(mxcsr));
    sched_yield();
    asm volatile("fnstcw %0; stmxcsr %1" : "=m"(seen), "=m"(seen_mxcsr));
    return seen == control && (seen_mxcsr & 0xe000) == (mxcsr & 0xe000);
}

static int one_process(unsigned process)
{
    static const long calls[] = { 24, 39 };
    uint64_t seed = process * 77 + 1;
    bool avx = has_avx();
    struct image in, out;

    signal(SIGUSR1, spoil);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof(in); i += 8)
            *(uint64_t *)((uint8_t *)&in + i) = next_random(&seed);
        memset(&out, 0, sizeof(out));
        if (avx && round % 2)
            through_avx(&in, &out, calls[round / 2 % 2], round % 64 ? 10 : 200000);
        else
            through_sse(&in, &out, calls[round / 2 % 2], round % 64 ? 10 : 200000);
        unsigned bad = differs(&in, &out, avx && round % 2 ? 32 : 16);
        if (bad || !modes_stay(process)) {
            printf("  process %u, round %u: register %u (%s) changed\n", process, round, bad - 1,
                   avx && round % 2 ? "avx" : "sse");
            return 1;
        }
        if (round % 16 == 0)
            raise(SIGUSR1);
    }
    return 0;
}

void check_registers(void)
{
    unsigned nr = 3 * nr_cpus();
    int status;

    for (unsigned i = 0; i < nr; i++) {
        pid_t child = fork();
        if (child == 0) {
            run_on(i % nr_cpus());
            int result = one_process(i);
            fflush(stdout);
            _exit(result);
        }
        CHECK(child > 0);
    }
    for (unsigned i = 0; i < nr; i++)
        CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
