/* SPDX-License-Identifier: MIT */
/*
 * Promise: `int n` enters gate n if the gate's DPL allows it (kernel: 1 and above, user: 3), with
 * RIP behind the instruction; otherwise it is a #GP at the instruction with error code n * 8 + 2.
 *
 * QEMU 7.2 in long mode reports n * 16 + 2 where processors say n * 8 + 2. Xen decodes that code,
 * so under QEMU it takes gate 2n; a hypervisor that looks at the instruction takes gate n on both.
 * So both gates are set alike, and on Xen either answer is right.
 *
 * ABI: TI_GET_DPL, <xen/arch-x86/xen.h>
 */
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define VECTOR     0x20
#define SELECTOR_N (VECTOR * 8 + 2)

static void set_gates(unsigned dpl)
{
    trap_gate_set(VECTOR, dpl | GATE_MASK_EVENTS);
    trap_gate_set(2 * VECTOR, dpl | GATE_MASK_EVENTS);
}

static int expected_vector(int got)
{
    return !hypervisor_is_tenon && got == 2 * VECTOR ? got : VECTOR;
}

static uint64_t expected_code(uint64_t got)
{
    return !hypervisor_is_tenon && got == 2 * VECTOR * 8 + 2 ? got : SELECTOR_N;
}

static void from_kernel(unsigned dpl)
{
    struct trap_site site;

    set_gates(dpl);
    RUN_TRAPPING("int $0x20", &site, 0);
    if (dpl >= 1)
        check_kernel_trap(&site, expected_vector(trap_last()->vector), 0, TRAP, 0);
    else
        check_kernel_trap(&site, 13, expected_code(trap_last()->frame.error), FAULT, 0);
}

static void from_user(unsigned dpl)
{
    struct trap_frame frame;

    set_gates(dpl);
    user_frame_init(&frame, user_int20);
    user_run(&frame);
    check_context("(user, DPL %u)", dpl);
    if (dpl == 3) {
        CHECK_EQ(frame.vector, expected_vector((int)frame.vector));
        CHECK_EQ(frame.rip, user_address(user_int20_behind));
    } else {
        CHECK_EQ(frame.vector, 13);
        CHECK_EQ(frame.error, expected_code(frame.error));
        CHECK_EQ(frame.rip, user_address(user_int20));
    }
    check_context("%s", "");
}

static void refused_tables(void)
{
    struct trap_info table[2] = { { .vector = 0x21, .cs = FLAT_KERNEL_CS } };

    table[1].address = 0;
    table[0].address = 0x8000000000000000UL;
    CHECK_EQ(hypercall_set_trap_table(table), -XEN_EINVAL);
    CHECK_EQ(hypercall_set_trap_table((void *)UINT64_C(0x1000)), -XEN_EFAULT);
    CHECK_EQ(hypercall_set_trap_table((void *)HYPERVISOR_VIRT_START), -XEN_EFAULT);
}

void workload_int_n(void)
{
    struct trap_site site;

    if (!CHECK(user_init()))
        return;
    for (unsigned dpl = 0; dpl <= 3; dpl++) {
        from_kernel(dpl);
        from_user(dpl);
    }
    set_gates(0);
    RUN_TRAPPING("int $0x80", &site, 0);
    check_kernel_trap(&site, 0x80, 0, TRAP, 0);
    refused_tables();
}
