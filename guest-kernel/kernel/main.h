/* SPDX-License-Identifier: MIT */
/*
 * Where the arch layer hands over.
 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

void kernel_main(void) __attribute__((noreturn));
void kernel_secondary_cpu(void) __attribute__((noreturn));

/* What every image does first: says where it is, reads the command line, starts the other CPUs. Does
 * not come back where the command line wants an end. */
void kernel_begin(void);

#endif
