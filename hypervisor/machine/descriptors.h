/* SPDX-License-Identifier: MIT */
/* GDT, TSS and IDT of each processor. */
#ifndef MACHINE_DESCRIPTORS_H
#define MACHINE_DESCRIPTORS_H

#include "machine/cpu.h"

/* Maps and fills the area of a processor: stacks, struct cpu, its page of the GDT. */
void cpu_area_create(unsigned id, unsigned apic_id);
/* Loads GDT, TSS, IDT and the SYSCALL registers; runs on the processor itself, on its own stack. */
void descriptors_load(void);
/* Sends an exception to other code for a while; NULL: back to its own stub. */
void idt_redirect(unsigned vector, const uint8_t *target);
/* Fills the IDT (once), and loads it with a GDT that is enough to report faults while booting. */
void idt_boot(void);

#endif
