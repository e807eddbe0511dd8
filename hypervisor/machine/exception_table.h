/* SPDX-License-Identifier: MIT */
/*
 * Instructions that may fault, and where to go on if they do: pairs of distances from each word itself,
 * so that the table needs no relocation.
 */
#ifndef MACHINE_EXCEPTION_TABLE_H
#define MACHINE_EXCEPTION_TABLE_H

#include "lib/types.h"

struct exception_entry {
    int32_t fault;
    int32_t fixup;
};

#define EXCEPTION_ENTRY(fault, fixup)                                                              \
    ".pushsection .exception_table, \"a\"\n"                                                       \
    ".balign 4\n"                                                                                  \
    ".long " fault " - .\n"                                                                        \
    ".long " fixup " - .\n"                                                                        \
    ".popsection\n"

/* Where to go on after a fault at rip; 0 if it has no entry. */
uint64_t exception_fixup(uint64_t rip);

#endif
