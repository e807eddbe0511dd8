/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_SMP_H
#define MACHINE_SMP_H

#include "machine/acpi.h"

/* Starts all other processors, one by one; low_page is a free page below 1 MiB for their first code. */
void smp_start(const struct acpi_topology *topology, uint64_t low_page);
void smp_call_interrupt(void);
void secondary_entry(void);

#endif
