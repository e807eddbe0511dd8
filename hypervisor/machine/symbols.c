/* SPDX-License-Identifier: MIT */
#include "machine/symbols.h"

struct symbol {
    uint32_t address; /* from image_start */
    uint32_t name;    /* from symbol_names */
};

extern const uint8_t image_start[], text_end[];
/* The first of two links has an empty table. */
extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

const char *symbol_of(uint64_t address, uint64_t *offset)
{
    uint64_t at = address - (uint64_t)image_start;

    if (at >= (uint64_t)(text_end - image_start) || !symbol_count)
        return NULL;

    uint32_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_table[middle].address <= at)
            low = middle;
        else
            high = middle;
    }
    if (symbol_table[low].address > at)
        return NULL;
    *offset = at - symbol_table[low].address;
    return symbol_names + symbol_table[low].name;
}
