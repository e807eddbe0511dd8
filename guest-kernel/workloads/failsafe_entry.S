/* SPDX-License-Identifier: MIT */
/*
 * A failsafe callback that writes down its frame before it goes on to the kernel's own: see failsafe.c.
 */
#define FRAME_WORDS 11

    .text
    .balign 16
    .global failsafe_probe
failsafe_probe:
    lea failsafe_seen(%rip), %r11
    .set word, 0
.rept FRAME_WORDS
    mov word * 8(%rsp), %rcx
    mov %rcx, word * 8(%r11)
    .set word, word + 1
.endr
    mov %rsp, 88(%r11)
    mov %ds, %ecx
    mov %rcx, 96(%r11)
    mov %es, %ecx
    mov %rcx, 104(%r11)
    mov %fs, %ecx
    mov %rcx, 112(%r11)
    mov %gs, %ecx
    mov %rcx, 120(%r11)
    incq 128(%r11)
    /* It takes rcx and r11 from the frame. */
    jmp failsafe_entry

/*
 * void failsafe_spin(uint64_t *words, uint64_t rcx, uint64_t r11): sets words[0] and waits, with those registers,
 * until words[1] is set or its patience has ended.
 */
    .global failsafe_spin, failsafe_spin_end
failsafe_spin:
    mov %rsi, %rcx
    mov %rdx, %r11
    mov $1 << 31, %eax
    movq $1, (%rdi)
1:  pause
    cmpq $0, 8(%rdi)
    jne 2f
    dec %rax
    jnz 1b
2:  ret
failsafe_spin_end:

    .section .note.GNU-stack, "", @progbits
