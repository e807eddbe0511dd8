/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C.
 *
 * Both Multiboot versions enter here, in 32-bit protected mode without paging, with a magic number in
 * EAX and the boot information's address in EBX. Nothing is moved: the image runs where it was loaded,
 * and tables in its own zeroed data map the first 4 GiB three times: at their own addresses (for the
 * next instructions), in the direct map, and as the image.
 */
#include "machine/layout.h"

#define PHYS(symbol) ((symbol) - IMAGE_OFFSET)

        .section .boot.header, "a", @progbits
        .balign 8
/* Multiboot 1, with the address fields (flag 16): that is how QEMU and old GRUBs take a 64-bit ELF. */
multiboot1_header:
        .set    MB1_MAGIC, 0x1badb002
        .set    MB1_FLAGS, 0x00010003   /* modules on page boundaries, memory map, address fields */
        .long   MB1_MAGIC
        .long   MB1_FLAGS
        .long   -(MB1_MAGIC + MB1_FLAGS)
        .long   PHYS(multiboot1_header)
        .long   PHYS(image_start)
        .long   PHYS(image_load_end)
        .long   PHYS(image_end)
        .long   PHYS(start32)

        .balign 8
multiboot2_header:
        .set    MB2_MAGIC, 0xe85250d6
        .long   MB2_MAGIC
        .long   0                       /* i386 protected mode */
        .long   multiboot2_end - multiboot2_header
        .long   -(MB2_MAGIC + (multiboot2_end - multiboot2_header))
        .balign 8
        .short  3, 0                    /* entry address */
        .long   12
        .long   PHYS(start32)
        .balign 8
        .short  6, 0                    /* modules on page boundaries */
        .long   8
        .balign 8
        .short  0, 0                    /* end */
        .long   8
multiboot2_end:

        .section .boot.text, "ax", @progbits
        .code32
        .globl  start32
start32:
        cli
        cld
        movl    %eax, %ebp              /* magic; EBX keeps the information */

        /* Say something before anything can go wrong. */
        movl    $PHYS(hello), %esi
        call    say32

        /* Long mode there? */
        movl    $0x80000000, %eax
        movl    %ebx, %edi
        cpuid
        cmpl    $0x80000001, %eax
        movl    $PHYS(no_long_mode), %esi
        jb      stop32
        movl    $0x80000001, %eax
        cpuid
        movl    $PHYS(no_long_mode), %esi
        btl     $29, %edx
        jnc     stop32
        btl     $20, %edx
        movl    $PHYS(no_nx), %esi
        jnc     stop32
        movl    %edi, %ebx

        movl    $PHYS(boot_l2), %edi    /* 2048 entries of 2 MiB */
        movl    $0x83, %eax
        xorl    %edx, %edx
        movl    $2048, %ecx
1:      movl    %eax, (%edi)
        movl    %edx, 4(%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        adcl    $0, %edx
        loop    1b

        movl    $PHYS(boot_l4), %eax
        call    long_mode32
        lgdt    PHYS(boot_gdt_pointer)
        ljmpl   $8, $PHYS(start64)

/* Turns on long mode with the root in EAX. Also used by processors that are started later. */
        .globl  long_mode32
long_mode32:
        movl    %eax, %cr3
        movl    $0x00000020, %eax       /* PAE */
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx       /* EFER: SCE, LME, NXE */
        rdmsr
        orl     $0x00000901, %eax
        wrmsr
        movl    $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        ret

/* Prints the text at ESI on the first serial port. */
say32:
        movw    $0x3f8, %dx
        movl    $100000, %ecx
2:      lodsb
        testb   %al, %al
        jz      4f
        movb    %al, %ah
        movw    $0x3fd, %dx
        movl    $100000, %ecx
3:      inb     %dx, %al
        testb   $0x20, %al
        loopz   3b
        movb    %ah, %al
        movw    $0x3f8, %dx
        outb    %al, %dx
        jmp     2b
4:      ret

stop32:
        call    say32
5:      cli
        hlt
        jmp     5b

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9a000000ffff      /* 8: code, 64-bit */
        .quad   0x00cf92000000ffff      /* 16: data */
boot_gdt_pointer:
        .short  . - boot_gdt - 1
        .long   PHYS(boot_gdt)
        .long   0

hello:          .asciz "Tenon starts\r\n"
no_long_mode:   .asciz "(TEN) TENON PANIC: this processor has no 64-bit mode: take an x86-64 one\r\n"
no_nx:          .asciz "(TEN) TENON PANIC: this processor cannot forbid execution (NX): turn it on in the firmware\r\n"

        .code64
start64:
        movabsq $start_high, %rax
        jmp     *%rax

        .text
start_high:
        xorl    %eax, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        leaq    boot_area + CPU_STRUCT(%rip), %rsp
        movl    %ebp, %edi
        movl    %ebx, %esi
        xorl    %ebp, %ebp
        call    hypervisor_start
        ud2

/* The first tables. The low ones are never loaded again once all processors run. */
        .data
        .balign 4096
        .globl  boot_l4
boot_l4:
        .quad   PHYS(boot_l3) + 3
        .fill   (HYPERVISOR_SLOT_FIRST + 5) - 1, 8, 0
        .quad   PHYS(boot_l3_image) + 3  /* slot 261 */
        .quad   PHYS(boot_l3) + 3        /* slot 262: direct map */
        .fill   512 - 263, 8, 0
boot_l3:
        .quad   PHYS(boot_l2) + 3
        .quad   PHYS(boot_l2) + 0x1003
        .quad   PHYS(boot_l2) + 0x2003
        .quad   PHYS(boot_l2) + 0x3003
        .fill   508, 8, 0
boot_l3_image:
        .fill   (IMAGE_OFFSET >> 30) & 511, 8, 0
        .quad   PHYS(boot_l2) + 3
        .fill   511 - ((IMAGE_OFFSET >> 30) & 511), 8, 0
boot_tables_end:

        .section .bss
        .balign 4096
boot_l2:
        .skip   4 * 4096
        .section .bss.boot_area, "aw", @nobits
        .globl  boot_area              /* aligned to CPU_AREA_SIZE by link.ld */
boot_area:
        .skip   CPU_AREA_SIZE
