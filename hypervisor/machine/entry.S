/* SPDX-License-Identifier: MIT */
/*
 * In from a guest and back to it.
 *
 * Whatever brought us here, the guest's registers end up as a struct cpu_user_regs at the head of this
 * processor's stack, C decides, and the same registers go back. An exception inside the hypervisor
 * makes the same frame further down.
 */
#include "machine/layout.h"

        .macro  PUSH_REGISTERS
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        .endm

        .macro  POP_REGISTERS
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
        .endm

/*
 * SYSCALL does not change the stack, and no register is free: one stub a processor, whose own area
 * stands at an address known when linking.
 */
        .section .text.stubs, "ax", @progbits
        .macro  SYSCALL_STUBS name, target
        .globl  \name
        .balign 32
\name:
        .set    cpu, 0
        .rept   NR_CPUS
        .balign 32
        movq    %rsp, cpu_areas + cpu * CPU_AREA_SIZE + CPU_STRUCT + CPU_REGS_RSP(%rip)
        leaq    cpu_areas + cpu * CPU_AREA_SIZE + CPU_STRUCT + CPU_REGS_RSP(%rip), %rsp
        jmp     \target
        .set    cpu, cpu + 1
        .endr
        .endm
        SYSCALL_STUBS syscall_stubs, syscall_entry
        SYSCALL_STUBS syscall32_stubs, syscall32_entry

        .section .text.hot, "ax", @progbits
        .globl  syscall_entry
syscall_entry:
        movq    $SEL_GUEST_DATA, 8(%rsp)
        pushq   %r11
        pushq   $SEL_GUEST_CODE
        pushq   %rcx
        pushq   $0
        PUSH_REGISTERS
        movq    %rsp, %rdi
        call    guest_syscall
        testb   %al, %al
        jz      restore_guest
        /* C gave back RBX, RBP and R12 to R15 as they were; RCX and R11 are SYSRET's own. */
        movq    56(%rsp), %r10
        movq    64(%rsp), %r9
        movq    72(%rsp), %r8
        movq    80(%rsp), %rax
        movq    96(%rsp), %rdx
        movq    104(%rsp), %rsi
        movq    112(%rsp), %rdi
        movq    128(%rsp), %rcx         /* rip */
        movq    144(%rsp), %r11         /* rflags */
        movq    152(%rsp), %rsp
        sysretq

syscall32_entry:
        movq    $SEL_GUEST_DATA, 8(%rsp)
        pushq   %r11
        pushq   $SEL_GUEST_CODE32
        pushq   %rcx
        pushq   $0
        PUSH_REGISTERS
        movq    %rsp, %rdi
        xorl    %ebp, %ebp
        call    guest_syscall32
        jmp     resume_guest

        .globl  exception_common
exception_common:
        PUSH_REGISTERS
        cld
        movq    %rsp, %rdi
        testb   $3, 136(%rsp)
        jz      own_exception_common
        call    guest_exception
        .globl  resume_guest
resume_guest:
        cli
        call    guest_exit
restore_guest:
        POP_REGISTERS
        addq    $8, %rsp
        .globl  iret_to_guest
iret_to_guest:
        iretq

own_exception_common:
        call    own_exception
        POP_REGISTERS
        addq    $8, %rsp
        iretq

        .text
/* #DF, NMI, #MC have stacks of their own and may strike anywhere. */
ist_common:
        PUSH_REGISTERS
        cld
        movq    %rsp, %rdi
        call    ist_exception
        POP_REGISTERS
        addq    $8, %rsp
        iretq

/*
 * #DB may come at the first instruction of a SYSCALL stub, in ring 0 with the guest's stack (a breakpoint
 * that MOV SS held back): so it has a stack of its own. From a guest, the frame moves to where all others
 * are.
 */
db_common:
        PUSH_REGISTERS
        cld
        testb   $3, 136(%rsp)
        jz      own_exception_common_on_this_stack
        movq    %rsp, %rsi
        movq    %rsp, %rdi
        andq    $~(CPU_AREA_SIZE - 1), %rdi
        addq    $CPU_STRUCT + CPU_REGS, %rdi
        movq    %rdi, %rsp
        movl    $CPU_REGS_WORDS, %ecx
        rep     movsq
        movq    %rsp, %rdi
        call    guest_exception
        jmp     resume_guest
own_exception_common_on_this_stack:
        movq    %rsp, %rdi
        jmp     own_exception_common

        .globl  resume_guest_on_empty_stack
resume_guest_on_empty_stack:
        andq    $~(CPU_AREA_SIZE - 1), %rsp
        addq    $CPU_STRUCT + CPU_REGS, %rsp
        xorl    %ebp, %ebp
        jmp     resume_guest

        .globl  call_on_empty_stack
call_on_empty_stack:
        andq    $~(CPU_AREA_SIZE - 1), %rsp
        addq    $CPU_STRUCT, %rsp
        xorl    %ebp, %ebp
        call    *%rdi
        ud2

/* A stub of 16 bytes for each vector. */
        .globl  exception_stubs
        .balign 16
exception_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
        .else
        pushq   $0
        .endif
        movl    $vector, 4(%rsp)
        .if     (vector == 2) || (vector == 8) || (vector == 18)
        jmp     ist_common
        .elseif vector == 1
        jmp     db_common
        .else
        jmp     exception_common
        .endif
        .set    vector, vector + 1
        .endr

/* continue_on_stack(stack, fn) */
        .globl  continue_on_stack
continue_on_stack:
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        call    *%rsi
        ud2

/*
 * smap_trial(code, stack): to ring 3, and back by one of two exceptions, which take the stack that was
 * left here. Returns which (in AL).
 */
        .globl  smap_trial, smap_trial_came_through, smap_trial_faulted
smap_trial:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, smap_trial_stack(%rip)
        pushq   $SEL_GUEST_DATA
        pushq   %rsi
        pushq   $2
        pushq   $SEL_GUEST_CODE
        pushq   %rdi
        iretq
smap_trial_came_through:
        movl    $1, %eax
        jmp     1f
smap_trial_faulted:
        xorl    %eax, %eax
1:      movq    smap_trial_stack(%rip), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .section .bss
        .balign 8
smap_trial_stack:
        .skip   8
