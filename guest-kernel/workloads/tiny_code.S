/* SPDX-License-Identifier: MIT */
/*
 * What a tiny guest runs. Entered with its task in RDI and its shared page in RSI; runs wherever it is copied to.
 */
#include <xen/xen.h>

#define SCHEDOP_BLOCK    1
#define SCHEDOP_SHUTDOWN 2
#define SCHEDOP_POLL     3
#define EVTCHNOP_SEND    4

        .section .rodata, "a", @progbits
        .globl  tiny_code, tiny_code_end
        .balign 16
tiny_code:
        movq    %rsi, %rbx
        cmpq    $0, %rdi
        je      shut_down
        cmpq    $1, %rdi
        je      spin
        cmpq    $2, %rdi
        je      fault
        cmpq    $3, %rdi
        je      echo

sleep:  movl    $__HYPERVISOR_sched_op, %eax
        movl    $SCHEDOP_BLOCK, %edi
        xorl    %esi, %esi
        syscall
        jmp     sleep

shut_down:
        movl    $__HYPERVISOR_sched_op, %eax
        movl    $SCHEDOP_SHUTDOWN, %edi
        movq    %rbx, %rsi
        syscall
        jmp     shut_down

spin:   incq    8(%rbx)
        pause
        jmp     spin

fault:  movq    0x10, %rax
        jmp     fault

        /* struct sched_poll at 64. The shared page of the hypervisor is not mapped: the event stays pending, so it is
         * answered once. Then it spins, as it has no callback to be woken by. */
echo:   leaq    16(%rbx), %rax
        movq    %rax, 64(%rbx)
        movl    $1, 72(%rbx)
        movq    $0, 80(%rbx)
        movl    $__HYPERVISOR_sched_op, %eax
        movl    $SCHEDOP_POLL, %edi
        leaq    64(%rbx), %rsi
        syscall
        incq    24(%rbx)
        movl    16(%rbx), %eax
        movl    %eax, 96(%rbx)
        movl    $__HYPERVISOR_event_channel_op, %eax
        movl    $EVTCHNOP_SEND, %edi
        leaq    96(%rbx), %rsi
        syscall
        jmp     spin
tiny_code_end:
