/* SPDX-License-Identifier: MIT */
/*
 * The code that runs in guest user mode: few instructions each, no stack unless said.
 */
    .section .user_text, "ax"

.macro USER name
    .balign 16
    .global \name
\name:
.endm

.macro BEHIND name
    .global \name
\name:
.endm

USER user_syscall
    syscall
BEHIND user_syscall_behind
    ud2
USER user_sysenter
    sysenter
    ud2
USER user_int80
    int $0x80
BEHIND user_int80_behind
    ud2
USER user_ud2
    ud2
USER user_read
    mov (%rdi), %rax
    syscall
USER user_write
    mov %rax, (%rdi)
    syscall
USER user_jump
    jmp *%rdi
USER user_divide
    div %rdi
USER user_hlt
    hlt
USER user_int3
    int3
BEHIND user_int3_behind
    ud2
USER user_int4
    int $4
BEHIND user_int4_behind
    ud2
USER user_int20
    int $0x20
BEHIND user_int20_behind
    ud2
USER user_cli
    cli
    syscall
USER user_in
    in $0x80, %al
    syscall
USER user_fnop
    fnop
    syscall
USER user_bad_ds
    mov %edi, %ds
    syscall
/* What hangs at the FS and GS bases, and the GS selector. */
USER user_bases
    mov %fs:0, %rax
    mov %gs:0, %rdx
    mov %gs, %esi
    syscall
/* Counts at (rdi) until (rdi + 8) becomes non-zero. */
USER user_spin
    incq (%rdi)
    pause
    cmpq $0, 8(%rdi)
    je user_spin
    syscall
/* Loads DS from esi, sets (rdi), and waits as long as it is not interrupted for good. */
USER user_ds_wait
    mov %esi, %ds
    mov $1 << 31, %eax
    movq $1, (%rdi)
1:  pause
    dec %rax
    jnz 1b
    syscall
USER user_step
    nop
BEHIND user_step_behind
    nop
    ud2
/* A hypercall's number and arguments: no such thing from user mode. */
USER user_hypercall
    mov $29, %eax
    mov $2, %edi
    syscall
    ud2
/* Loads what rdi points to into xmm0, calls, stores xmm0 at rdi + 16, calls. */
USER user_fpu
    movdqu (%rdi), %xmm0
    syscall
    movdqu %xmm0, 16(%rdi)
    syscall
    ud2
/* For measuring: the same rbx times, then ud2. */
USER user_syscall_loop
    syscall
    dec %rbx
    jnz user_syscall_loop
    ud2
USER user_int80_loop
    int $0x80
    dec %rbx
    jnz user_int80_loop
    ud2
USER user_fault_loop
    mov (%rdi), %rax
    dec %rbx
    jnz user_fault_loop
    ud2

    .section .note.GNU-stack, "", @progbits
