/* SPDX-License-Identifier: MIT */
/* Names of our own functions, from a table that the build links into the image. */
#ifndef MACHINE_SYMBOLS_H
#define MACHINE_SYMBOLS_H

#include "lib/types.h"

/* The function that contains the address, and how far into it; NULL if it is not in our text. */
const char *symbol_of(uint64_t address, uint64_t *offset);

#endif
