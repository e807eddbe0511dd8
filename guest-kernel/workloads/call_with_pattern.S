/* SPDX-License-Identifier: MIT */
/*
 * void call_with_pattern(const void *function, uint64_t number, struct registers *after,
 *                        const struct registers *pattern)
 *
 * Loads all registers from PATTERN and rax with NUMBER, calls FUNCTION, stores all registers to
 * AFTER.
 * The order in the structure is hypercall_entry.c's.
 */
    .text
    .global call_with_pattern
call_with_pattern:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    push %rdi
    mov %rsi, %rax
    mov 0(%rcx), %rdi
    mov 8(%rcx), %rsi
    mov 16(%rcx), %rdx
    mov 24(%rcx), %r8
    mov 32(%rcx), %r9
    mov 40(%rcx), %r10
    mov 48(%rcx), %rbx
    mov 56(%rcx), %rbp
    mov 64(%rcx), %r12
    mov 72(%rcx), %r13
    mov 80(%rcx), %r14
    mov 88(%rcx), %r15
    mov 104(%rcx), %r11
    mov 96(%rcx), %rcx
    call *(%rsp)
    push %rcx
    mov 16(%rsp), %rcx
    mov %rdi, 0(%rcx)
    mov %rsi, 8(%rcx)
    mov %rdx, 16(%rcx)
    mov %r8, 24(%rcx)
    mov %r9, 32(%rcx)
    mov %r10, 40(%rcx)
    mov %rbx, 48(%rcx)
    mov %rbp, 56(%rcx)
    mov %r12, 64(%rcx)
    mov %r13, 72(%rcx)
    mov %r14, 80(%rcx)
    mov %r15, 88(%rcx)
    mov %r11, 104(%rcx)
    mov %rax, 112(%rcx)
    pop 96(%rcx)
    add $16, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* A bare SYSCALL, far from any hypercall page. */
    .global bare_syscall
bare_syscall:
    syscall
    ret

    .section .note.GNU-stack, "", @progbits
