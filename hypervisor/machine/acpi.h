/* SPDX-License-Identifier: MIT */
/* What ACPI's tables say about processors and interrupt controllers. */
#ifndef MACHINE_ACPI_H
#define MACHINE_ACPI_H

#include "machine/layout.h"
#include "lib/types.h"

struct acpi_topology {
    unsigned nr_processors;
    uint8_t apic_ids[NR_CPUS];
    unsigned ignored_processors; /* more than NR_CPUS */
    uint64_t local_apic;         /* machine addresses */
    uint64_t io_apic;
    uint32_t uart_gsi; /* what ISA interrupt 4 is wired to */
    bool uart_level, uart_low;
};

/*
 * Reads the tables through the boot mappings (the first 4 GiB). rsdp: where the boot loader says the
 * root pointer is, or 0 to look for it. Without tables: one processor and the usual addresses.
 */
void acpi_read(uint64_t rsdp, struct acpi_topology *out);

#endif
