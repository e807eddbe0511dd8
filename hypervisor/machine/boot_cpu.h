/* SPDX-License-Identifier: MIT */
/* What each processor sets up for itself, and the first one for all. */
#ifndef MACHINE_BOOT_CPU_H
#define MACHINE_BOOT_CPU_H

#include "lib/types.h"

extern uint64_t hypervisor_root; /* machine address of our L4, for processors that start */

/* Whether translations marked global outlive a load of CR3. */
enum global_pages {
    GLOBAL_PAGES_AUTO, /* on a real machine */
    GLOBAL_PAGES_ON,
    GLOBAL_PAGES_OFF,
};

/* Refuses machines without what we need (panics), and notes the options they have. */
void cpu_check_features(enum global_pages global_pages);

/* On each processor, on its own stack, with our root: descriptors, control registers, APIC, PAT. */
void cpu_setup(void);

/* Our page tables: RAM, the image with the rights of its parts, tables below. */
void hypervisor_tables_create(void);

/* Turns SMAP on if it can be: see smap.c. */
void smap_decide(void);
/* Enters ring 3 at that code with that stack; true: smap_trial_came_through was reached (entry.S). */
bool smap_trial(uint64_t code, uint64_t stack);

/* From the boot stack to a processor's own. */
void continue_on_stack(uint64_t stack, void (*fn)(void)) __attribute__((noreturn));

#endif
