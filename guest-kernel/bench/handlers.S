/* SPDX-License-Identifier: MIT */
/*
 * The shortest handlers there can be: a benchmark of a bounce should measure the hypervisor.
 */
#include <xen/xen.h>

#define IRET_STUB (hypercall_page + __HYPERVISOR_iret * 32)

    .text
/* A frame without error code: back at once, every register restored. */
    .balign 16
    .global bench_return
bench_return:
    pop %rcx
    pop %r11
    push $0
    jmp IRET_STUB

/* A system call's frame: back by the short way. */
    .balign 16
    .global bench_sysret
bench_sysret:
    pop %rcx
    pop %r11
    push $VGCF_in_syscall
    jmp IRET_STUB

/* A page fault's: past the instruction, which is three bytes long. */
    .balign 16
    .global bench_skip_fault
bench_skip_fault:
    pop %rcx
    pop %r11
    movq $0, (%rsp)
    addq $3, 8(%rsp)
    jmp IRET_STUB

/*
 * The event callback: notes when it was entered, clears what is pending, returns. Where the words
 * are was stored in bench_event_words by the benchmark.
 */
    .balign 16
    .global bench_event
bench_event:
    push %rax
    push %rdx
    rdtsc
    mov %eax, bench_event_entry(%rip)
    mov %edx, bench_event_entry+4(%rip)
    mov bench_event_info(%rip), %rax
    movb $0, (%rax)
    movq $0, 8(%rax)
    mov bench_event_pending(%rip), %rax
    movq $0, (%rax)
    pop %rdx
    pop %rax
    pop %rcx
    pop %r11
    push $0
    jmp IRET_STUB

    .section .note.GNU-stack, "", @progbits
