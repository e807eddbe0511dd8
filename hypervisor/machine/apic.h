/* SPDX-License-Identifier: MIT */
/* Local APIC of each processor, and the one line of the I/O APIC that we use. */
#ifndef MACHINE_APIC_H
#define MACHINE_APIC_H

#include "machine/acpi.h"

#define APIC_VECTOR_TIMER    0xf0
#define APIC_VECTOR_CALL     0xf1
#define APIC_VECTOR_KICK     0xf2
#define APIC_VECTOR_UART     0xe0
#define APIC_VECTOR_SPURIOUS 0xff

void apic_map(const struct acpi_topology *topology); /* once, before any other */
void apic_enable(void);                              /* on each processor */
unsigned apic_id(void);
void apic_end_of_interrupt(void);
void apic_send(unsigned apic_id, unsigned vector);
void apic_send_all_stop(void); /* NMI to all others: the machine is dying */
void apic_reset_processor(unsigned target); /* it waits to be started, deaf to all else */
void apic_start_processor(unsigned apic_id, unsigned start_page);
void apic_uart_route(const struct acpi_topology *topology);

/* The timer counts down from count and interrupts once. */
void apic_timer_set(uint32_t count);
uint32_t apic_timer_left(void);

#endif
