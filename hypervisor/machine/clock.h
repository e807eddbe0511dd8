/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_CLOCK_H
#define MACHINE_CLOCK_H

/* Measures the time-stamp counter and the APIC's timer against the PIT. */
void clock_boot(void);

/* Reads the wall clock: waits for the beginning of a second, idle, with interrupts on. */
void wallclock_boot(void);

#endif
