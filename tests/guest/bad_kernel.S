/* SPDX-License-Identifier: MIT */
/*
 * A kernel that no hypervisor should start: without its notes, without one of them, or too large.
 */
#include <xen/elfnote.h>

    .text
    .globl _start
_start:
    ud2

#ifdef BSS_BYTES
    .bss
    .skip BSS_BYTES
#endif

#ifdef NOTES
    .macro note type:req, value:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \value
2:  .balign 4
    .popsection
    .endm

    note XEN_ELFNOTE_GUEST_OS, .asciz "bad-kernel"
#ifndef NO_VERSION
    note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
#endif
    note XEN_ELFNOTE_LOADER, .asciz "generic"
    note XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000
    note XEN_ELFNOTE_PADDR_OFFSET, .quad 0xffffffff80000000
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad _start
    note XEN_ELFNOTE_ENTRY, .quad _start
#endif
    .section .note.GNU-stack, "", @progbits
