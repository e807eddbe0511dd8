/* SPDX-License-Identifier: MIT */
/*
 * Names of functions: a kernel with kallsyms' tables of which the input changes bytes (three of it each: where, what), or
 * the input itself as a kernel, and as a System.map. Whatever is found has an end and lies at or below the address.
 */
#include <stdlib.h>
#include <string.h>
#include "kallsyms_file.h"
#include "symbols/symbols.h"

static void look(const struct symbols *s)
{
    static const uint64_t steps[] = { 0, 1, 5, 6, 255, 256, 700, KALLSYMS_NR - 1, KALLSYMS_NR };
    struct symbol found;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t address = KALLSYMS_BASE + steps[i] * KALLSYMS_STEP;
        if (symbols_find(s, address, &found) && (found.address > address || strlen(found.name) >= SYMBOL_NAME_MAX))
            abort();
    }
    symbols_find(s, 0, &found);
    symbols_find(s, ~0UL, &found);
}

static void open_and_look(const uint8_t *from, size_t size, const char *map, size_t map_size)
{
    uint8_t *piece = malloc(size ? size : 1);
    struct symbols s;

    memcpy(piece, from, size);
    symbols_open(&s, piece, size, map, map_size);
    look(&s);
    free(piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[KALLSYMS_SIZE];
    size_t made;

    if (size == 0)
        return 0;
    made = kallsyms_file(bytes, (enum kallsyms_layout)(data[0] % 3));
    for (size_t i = 1; i + 2 < size; i += 3)
        bytes[(data[i] | data[i + 1] << 8) % made] = data[i + 2];
    open_and_look(bytes, made, NULL, 0);
    open_and_look(data, size, NULL, 0);
    char *map = malloc(size);
    memcpy(map, data, size);
    open_and_look(data, 0, map, size);
    free(map);
    return 0;
}
