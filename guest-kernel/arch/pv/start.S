/* SPDX-License-Identifier: MIT */
/*
 * The first instructions, and the notes by which a hypervisor recognises this image.
 *
 * ABI: <xen/elfnote.h>; the state at entry is described in <xen/xen.h> above struct start_info.
 */
#include <xen/elfnote.h>
#include <xen/features.h>

#define BOOT_STACK_SIZE 32768

.macro ELFNOTE type, desc:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 2f - 1f
    .long 4f - 3f
    .long \type
1:  .asciz "Xen"
2:  .balign 4
3:  \desc
4:  .balign 4
    .popsection
.endm

ELFNOTE XEN_ELFNOTE_GUEST_OS,           .asciz "Tenon-guest"
ELFNOTE XEN_ELFNOTE_GUEST_VERSION,      .asciz "1.0"
ELFNOTE XEN_ELFNOTE_XEN_VERSION,        .asciz "xen-3.0"
ELFNOTE XEN_ELFNOTE_LOADER,             .asciz "generic"
ELFNOTE XEN_ELFNOTE_VIRT_BASE,          .quad VIRT_BASE
ELFNOTE XEN_ELFNOTE_PADDR_OFFSET,       .quad 0
ELFNOTE XEN_ELFNOTE_ENTRY,              .quad start
ELFNOTE XEN_ELFNOTE_HYPERCALL_PAGE,     .quad hypercall_page
ELFNOTE XEN_ELFNOTE_HV_START_LOW,       .quad 0xffff800000000000
ELFNOTE XEN_ELFNOTE_L1_MFN_VALID,       .quad 1, 1
ELFNOTE XEN_ELFNOTE_FEATURES,           .asciz "!writable_page_tables|pae_pgdir_above_4gb"
ELFNOTE XEN_ELFNOTE_SUPPORTED_FEATURES, \
    .long (1 << XENFEAT_writable_page_tables) | (1 << XENFEAT_dom0)

    .section .text.start, "ax"
    .global start
/* Saves what the hypervisor handed over, for the boot-state workload, then enters C. */
start:
    mov %rax, boot_registers + 0(%rip)
    mov %rbx, boot_registers + 8(%rip)
    mov %rcx, boot_registers + 16(%rip)
    mov %rdx, boot_registers + 24(%rip)
    mov %rsi, boot_registers + 32(%rip)
    mov %rdi, boot_registers + 40(%rip)
    mov %rbp, boot_registers + 48(%rip)
    mov %rsp, boot_registers + 56(%rip)
    mov %r8,  boot_registers + 64(%rip)
    mov %r9,  boot_registers + 72(%rip)
    mov %r10, boot_registers + 80(%rip)
    mov %r11, boot_registers + 88(%rip)
    mov %r12, boot_registers + 96(%rip)
    mov %r13, boot_registers + 104(%rip)
    mov %r14, boot_registers + 112(%rip)
    mov %r15, boot_registers + 120(%rip)
    pushfq
    popq boot_registers + 128(%rip)
    mov %cs, boot_registers + 136(%rip)
    mov %ss, boot_registers + 144(%rip)
    mov %ds, boot_registers + 152(%rip)
    mov %es, boot_registers + 160(%rip)
    mov %fs, boot_registers + 168(%rip)
    mov %gs, boot_registers + 176(%rip)
    cld
    lea boot_stack + BOOT_STACK_SIZE(%rip), %rsp
    mov %rsi, %rdi
    xor %ebp, %ebp
    call arch_boot
1:  jmp 1b

/* Filled by the hypervisor: 128 stubs of 32 bytes. Its first byte must not stay as it is here. */
    .text
    .balign 4096
    .global hypercall_page
hypercall_page:
    .fill 4096, 1, 0xcc

    .bss
    .balign BOOT_STACK_SIZE
    .global boot_stack
boot_stack:
    .skip BOOT_STACK_SIZE

    .section .note.GNU-stack, "", @progbits
