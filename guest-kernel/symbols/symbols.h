/* SPDX-License-Identifier: MIT */
/*
 * Names of a guest kernel's functions: from a System.map, from the image's own symbol table, or from the tables that a
 * Linux kernel carries for itself (kallsyms), which survive stripping.
 *
 * The bytes are a guest owner's, and may be anything: what does not make sense is not used, and nothing is read outside
 * of them. Reads only, and allocates nothing. Opening goes through an image once or twice, at most; a look-up takes some
 * dozens of steps, but in an ELF file's table, which has no order, one a symbol.
 */
#ifndef SYMBOLS_SYMBOLS_H
#define SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_MAX 64 /* with its end; longer ones are cut */

struct symbol {
    char name[SYMBOL_NAME_MAX];
    uint64_t address;
    uint64_t size; /* up to the next function; 0: not known */
};

/* Where kallsyms' tables are in an image; all 0: there are none. */
struct kallsyms {
    const uint8_t *bytes;
    uint64_t nr;
    uint64_t base;    /* what negative offsets count from */
    uint64_t offsets; /* where in the image: 4 bytes a symbol, ascending addresses */
    uint64_t names, names_end;
    uint64_t markers; /* 4 bytes: where the name of each 256th symbol is among the names */
    uint64_t tokens, token_index;
};

struct elf_symbols {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t table, nr; /* 24 bytes a symbol, in no order */
    uint64_t names, names_size;
};

struct symbols {
    const char *map;
    size_t map_size;
    struct elf_symbols elf;
    struct kallsyms kallsyms;
};

/* map: a System.map, or NULL. Bytes of both stay in use. */
void symbols_open(struct symbols *s, const void *image, size_t image_size, const char *map, size_t map_size);

/* The function that this address lies in, or behind the last of. False: there is none. */
bool symbols_find(const struct symbols *s, uint64_t address, struct symbol *found);

/* One source each, behind the two above. */
bool kallsyms_open(struct kallsyms *k, const uint8_t *bytes, size_t size);
bool kallsyms_find(const struct kallsyms *k, uint64_t address, struct symbol *found);
bool elf_symbols_open(struct elf_symbols *e, const uint8_t *bytes, size_t size);
bool elf_symbols_find(const struct elf_symbols *e, uint64_t address, struct symbol *found);
bool system_map_find(const char *map, size_t size, uint64_t address, struct symbol *found);

#endif
