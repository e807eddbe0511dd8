/* SPDX-License-Identifier: MIT */
#ifndef MACHINE_CLOCK_H
#define MACHINE_CLOCK_H

/* Measures the time-stamp counter and the APIC's timer against the PIT, and reads the wall clock. */
void clock_boot(void);

#endif
