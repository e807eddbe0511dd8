/* SPDX-License-Identifier: MIT */
/*
 * Where things stand in the hypervisor's part of every address space: the L4 slots 256 to 271 that
 * the ABI reserves, the same sixteen entries in every root.
 *
 *   slot 256   ffff8000'00000000   machine-to-physical table, read-only to guests (ABI's address)
 *        257   ffff8080'00000000   the same table, writable by us alone
 *        260   ffff8200'00000000   descriptor windows: a GDT and an LDT window for each vCPU
 *        261   ffff82d0'40000000   image: text, read-only data, data
 *              ffff82d0'80000000   one area a processor: stacks between guard pages, struct cpu
 *              ffff82d0'c0000000   device registers, uncached
 *              ffff82e0'00000000   frame table
 *        262.. ffff8300'00000000   all of RAM, never executable
 *
 * Included by assembly as well: numbers only.
 */
#ifndef MACHINE_LAYOUT_H
#define MACHINE_LAYOUT_H

#define HYPERVISOR_START 0xffff800000000000
#define HYPERVISOR_END   0xffff880000000000
#define HYPERVISOR_SLOT_FIRST 256
#define HYPERVISOR_SLOTS      16

#define M2P_BASE          0xffff800000000000
#define M2P_WRITABLE_BASE 0xffff808000000000
#define WINDOW_BASE       0xffff820000000000
#define IMAGE_OFFSET      0xffff82d040000000
#define CPU_AREA_BASE     0xffff82d080000000
#define DEVICE_BASE       0xffff82d0c0000000
#define FRAME_TABLE_BASE  0xffff82e000000000
#define DIRECT_MAP_BASE   0xffff830000000000
#define DIRECT_MAP_SIZE   0x0000050000000000 /* 5 TiB */

#define IMAGE_PHYS 0x200000 /* where the image is linked to stand in RAM */

#define NR_CPUS 32
#define AP_NOBODY 0xffffffff /* APIC id of no processor */

/*
 * A processor's area, 64 KiB, aligned to its size so that the stack pointer tells the processor:
 *
 *   +0x1000 #DF   +0x3000 NMI   +0x5000 #MC   +0x7000 #DB   +0x9000 all else   +0xc000 struct cpu
 *
 * with a page that is not mapped below each stack. struct cpu begins with the guest's registers: its
 * head is where the stack begins.
 */
#define CPU_AREA_SIZE     0x10000
#define CPU_STACK_DF_TOP  0x2000
#define CPU_STACK_NMI_TOP 0x4000
#define CPU_STACK_MC_TOP  0x6000
#define CPU_STACK_DB_TOP  0x8000
#define CPU_STACK_BOTTOM  0x9000
#define CPU_STRUCT        0xc000
#define CPU_GDT_PAGE      0xf000 /* the page of the GDT that belongs to us (0xe000 in it) */

/* Offsets into struct cpu and struct cpu_user_regs, checked against C in machine/cpu.h. */
#define CPU_REGS       8
#define CPU_REGS_RIP   (CPU_REGS + 128)
#define CPU_REGS_RSP   (CPU_REGS + 152)
#define CPU_REGS_SS    (CPU_REGS + 160)
#define CPU_REGS_WORDS 21 /* up to and with SS */
#define CPU_STACK_TOP  (CPU_REGS + 168) /* where hardware begins to push: 16-aligned */

/* Selectors in our page of the GDT (ABI). */
#define SEL_RING0_CODE  0xe008
#define SEL_RING0_DATA  0xe010
#define SEL_GUEST_CODE32 0xe023
#define SEL_GUEST_DATA  0xe02b
#define SEL_GUEST_CODE  0xe033
#define SEL_TSS         0xe040
#define SEL_LDT         0xe050
#define SEL_CPU_LIMIT   0xe060
#define GDT_RESERVED_BYTE 0xe000

#endif
