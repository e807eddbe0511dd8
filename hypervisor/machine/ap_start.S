/* SPDX-License-Identifier: MIT */
/*
 * The first code of a processor that is started: copied to a page below 1 MiB, entered in real mode.
 * It takes the way that the first processor took, to C on its own stack.
 *
 * A processor may be so slow that nobody waits for it any more. So it takes no stack before it knows that
 * it is the one that is wanted (ap_wanted), and all that is written in the page but ap_start_stack is the
 * same for all processors: a late one does no harm on its way.
 */
#include "machine/layout.h"

#define PHYS(symbol) ((symbol) - IMAGE_OFFSET)

        .section .rodata
        .balign 16
        .globl  ap_start, ap_start_end, ap_start_stack
ap_start:
        .code16
        cli
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        xorl    %ebx, %ebx
        movw    %cs, %bx
        shll    $4, %ebx                /* where we are */
        leal    (ap_gdt - ap_start)(%ebx), %eax
        movl    %eax, (ap_gdt_pointer - ap_start + 2)
        lgdtl   (ap_gdt_pointer - ap_start)
        leal    (ap_start32 - ap_start)(%ebx), %eax
        movl    %eax, (ap_far32 - ap_start)
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   *(ap_far32 - ap_start)

        .code32
ap_start32:
        movl    $16, %eax
        movl    %eax, %ds
        movl    %eax, %ss
        leal    (ap_start_stack - ap_start)(%ebx), %esp /* for one call */
        movl    $PHYS(boot_l4), %eax
        movl    $PHYS(long_mode32), %edx
        call    *%edx
        leal    (ap_start64 - ap_start)(%ebx), %eax
        movl    %eax, (ap_far64 - ap_start)(%ebx)
        ljmpl   *(ap_far64 - ap_start)(%ebx)

        .code64
ap_start64:
        movq    ap_start_stack(%rip), %rsi
        movabsq $ap_high, %rax
        jmp     *%rax

        .balign 8
ap_gdt: .quad   0
        .quad   0x00cf9a000000ffff      /* 8: code, 32-bit */
        .quad   0x00cf92000000ffff      /* 16: data */
        .quad   0x00af9a000000ffff      /* 24: code, 64-bit */
ap_gdt_pointer:
        .short  . - ap_gdt - 1
        .long   0
ap_far32:
        .long   0
        .short  8
ap_far64:
        .long   0
        .short  24
        .balign 8
        .skip   32                      /* the stack of that one call */
ap_start_stack:
        .quad   0
ap_start_end:

        .text
ap_high:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        movq    hypervisor_root(%rip), %rax
        movq    %rax, %cr3
        movl    $1, %eax
        cpuid
        shrl    $24, %ebx               /* our APIC id */
        movl    %ebx, %eax
        movl    $AP_NOBODY, %edx
        lock cmpxchgl %edx, ap_wanted(%rip)
        jne     ap_unwanted
        movq    %rsi, %rsp              /* mapped only now */
        xorl    %ebp, %ebp
        call    secondary_entry
        ud2
ap_unwanted:
        cli
        hlt
        jmp     ap_unwanted

        .bss
        .balign 4
        .globl  ap_wanted
ap_wanted:
        .long   0
