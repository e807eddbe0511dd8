/* SPDX-License-Identifier: MIT */
/*
 * Entries from the hypervisor (exceptions, events, system calls), the way back, the way into user
 * mode, and the switch between threads.
 *
 * A bounce frame holds, from RSP up: rcx, r11, [error code], rip, cs, rflags, rsp, ss. The stubs
 * turn it into struct trap_frame (frame.h), whose upper part is already the frame of the iret
 * hypercall.
 */
#include <xen/xen.h>

#define STUB_SIZE   32
#define IRET_STUB   (hypercall_page + __HYPERVISOR_iret * 32)
#define SWITCH_STUB (hypercall_page + __HYPERVISOR_stack_switch * 32)

    .text
.macro ENTRY_PLAIN vector
    pop %rcx
    pop %r11
    push $0
    push %rcx
    push %r11
    push %rax
    push $0
    push $\vector
    jmp entry_common
.endm

/* The error code's word becomes the flags word of the iret frame. */
.macro ENTRY_ERROR vector
    pop %rcx
    pop %r11
    push %rcx
    push %r11
    push %rax
    mov 24(%rsp), %rax
    movq $0, 24(%rsp)
    push %rax
    push $\vector
    jmp entry_common
.endm

/* One stub a vector, STUB_SIZE bytes each, so that the table of addresses need not be stored. */
    .balign STUB_SIZE
    .global trap_stubs
trap_stubs:
    .set vector, 0
.rept 256
    .balign STUB_SIZE
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
        ENTRY_ERROR vector
    .else
        ENTRY_PLAIN vector
    .endif
    .set vector, vector + 1
.endr

    .global event_entry, syscall_entry, failsafe_entry
    .balign 16
event_entry:
    ENTRY_PLAIN 256
    .balign 16
syscall_entry:
    ENTRY_PLAIN 257

/* The failsafe frame has DS, ES, FS, GS between r11 and rip; the bad ones are null already. */
    .balign 16
failsafe_entry:
    mov 8(%rsp), %r11
    mov 0(%rsp), %rcx
    add $48, %rsp
    push $0
    push %rcx
    push %r11
    push %rax
    push $0
    push $258
    jmp entry_common

    .balign 16
entry_common:
    push %rdi
    push %rsi
    push %rdx
    push %r8
    push %r9
    push %r10
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    /* A frame chain for the backtrace: the interrupted rbp is still in its register. */
    and $-16, %rsp
    call trap_dispatch
    mov %rbx, %rsp

    .global trap_return
trap_return:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r10
    pop %r9
    pop %r8
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp
    pop %rax
    pop %r11
    pop %rcx
    /* The stub pushes rcx, r11 and rax itself. */
    jmp IRET_STUB

/*
 * void user_enter(struct trap_frame *frame, uint64_t *saved_sp)
 * Goes to user mode; comes back through user_leave. Events are masked: nothing may push onto the
 * stack between here and the iret, as the frame lies above what this function saved.
 */
    .global user_enter
user_enter:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rsi)
    mov %rdi, %rbx
    mov $FLAT_KERNEL_SS, %edi
    mov %rsp, %rsi
    call SWITCH_STUB
    mov %rbx, %rsp
    jmp trap_return

/* void user_leave(uint64_t saved_sp): returns from the user_enter that saved it. */
    .global user_leave
user_leave:
    mov %rdi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* void context_switch(uint64_t *save_sp, uint64_t load_sp) */
    .global context_switch
context_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* First return of a new thread: context_switch popped its function and argument. */
    .global thread_trampoline
thread_trampoline:
    mov %r12, %rdi
    xor %ebp, %ebp
    call *%rbx
    ud2

/* Where a further vCPU starts: its stack is loaded already, its number is in rdi. */
    .global cpu_entry
cpu_entry:
    cld
    xor %ebp, %ebp
    call arch_cpu_start
    ud2

    .section .note.GNU-stack, "", @progbits
