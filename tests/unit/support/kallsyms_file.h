/* SPDX-License-Identifier: MIT */
/*
 * A made-up kernel that carries kallsyms' tables, as older and newer kernels lay them out.
 */
#ifndef SUPPORT_KALLSYMS_FILE_H
#define SUPPORT_KALLSYMS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KALLSYMS_NR   1300u
#define KALLSYMS_BASE 0xffffffff81000000UL
#define KALLSYMS_STEP 32u /* bytes a function */
#define KALLSYMS_SIZE 65536u

enum kallsyms_layout { KALLSYMS_4_6, KALLSYMS_6_2, KALLSYMS_6_4 };

/*
 * Writes it: symbol n is called function_n, of type T, at KALLSYMS_BASE + n * KALLSYMS_STEP; number 5 is data ('d'), 6
 * has a name of 200 characters, 7 and 8 share the address of 7. Returns the size.
 */
size_t kallsyms_file(uint8_t bytes[KALLSYMS_SIZE], enum kallsyms_layout layout);

#endif
