/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of user mode: in by a system call, an interrupt or a fault, and out again.
 *
 * User mode loops by itself, rbx times, with the shortest handler that there is; then its ud2 ends
 * the run. The way in and out of the whole is in the figure, spread over the rounds.
 */
#include <xen/callback.h>

#include "arch/pv/pv.h"
#include "bench/bench.h"
#include "bench/handlers.h"
#include "kernel/smp.h"
#include "workloads/user_code.h"

#define USER_UNMAPPED 0x500000UL

static void syscall_handler(const void *handler)
{
    struct callback_register callback = {
        .type = CALLBACKTYPE_syscall,
        .flags = CALLBACKF_mask_events,
        .address = (unsigned long)handler,
    };

    hypercall_callback_op(CALLBACKOP_register, &callback);
}

static uint64_t loop_in_user(const uint8_t *code, unsigned rounds)
{
    struct trap_frame frame;
    uint64_t start;

    user_frame_init(&frame, code);
    frame.rbx = rounds;
    frame.rdi = USER_UNMAPPED;
    start = bench_begin();
    user_run(&frame);
    return bench_end(start);
}

static bool syscall_setup(void)
{
    syscall_handler(bench_sysret);
    return user_init();
}

static bool iret_setup(void)
{
    syscall_handler(bench_return);
    return user_init();
}

static void syscall_teardown(void)
{
    syscall_handler(syscall_entry);
}

static uint64_t user_syscall_row(unsigned rounds, unsigned batch)
{
    (void)batch;
    return loop_in_user(user_syscall_loop, rounds);
}

static bool int80_setup(void)
{
    trap_gate_handler(0x80, bench_return, GATE_MASK_EVENTS | 3);
    return user_init();
}

static void int80_teardown(void)
{
    trap_gate_set(0x80, GATE_MASK_EVENTS | 3);
}

static uint64_t user_int80_row(unsigned rounds, unsigned batch)
{
    (void)batch;
    return loop_in_user(user_int80_loop, rounds);
}

static bool fault_setup(void)
{
    trap_gate_handler(14, bench_skip_fault, GATE_MASK_EVENTS);
    return user_init();
}

static void fault_teardown(void)
{
    trap_gate_set(14, GATE_MASK_EVENTS);
}

static uint64_t user_pagefault_row(unsigned rounds, unsigned batch)
{
    (void)batch;
    return loop_in_user(user_fault_loop, rounds);
}

const struct bench_row bench_user_rows[] = {
    { "user-syscall", BATCH_ONE, 1024, user_syscall_row, syscall_setup, syscall_teardown },
    { "user-int80", BATCH_ONE, 1024, user_int80_row, int80_setup, int80_teardown },
    { "user-pagefault", BATCH_ONE, 1024, user_pagefault_row, fault_setup, fault_teardown },
    { "iret-to-user", BATCH_ONE, 1024, user_syscall_row, iret_setup, syscall_teardown },
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
