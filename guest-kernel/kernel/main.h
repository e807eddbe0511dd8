/* SPDX-License-Identifier: MIT */
/*
 * Where the arch layer hands over.
 */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

void kernel_main(void) __attribute__((noreturn));
void kernel_secondary_cpu(void) __attribute__((noreturn));

#endif
