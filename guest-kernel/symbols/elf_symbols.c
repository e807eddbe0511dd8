/* SPDX-License-Identifier: MIT */
/*
 * The symbol table of an ELF file.
 */
#include <string.h>

#include "symbols/symbols.h"

#define SECTIONS_MAX 4096u
#define CLASS_64     2
#define SHT_SYMTAB   2
#define TYPE_NONE    0
#define TYPE_FUNC    2
#define SHN_UNDEF    0
#define SHN_ABS      0xfff1

struct elf_header {
    uint8_t magic[4], class, ident[11];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

struct elf_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

static bool within(uint64_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

static bool read_section(const uint8_t *bytes, size_t size, const struct elf_header *header, uint64_t n, struct elf_section *section)
{
    uint64_t at = header->shoff + n * sizeof(*section);

    if (n >= header->shnum || header->shoff > size || !within(size, at, sizeof(*section)))
        return false;
    memcpy(section, bytes + at, sizeof(*section));
    return true;
}

bool elf_symbols_open(struct elf_symbols *e, const uint8_t *bytes, size_t size)
{
    struct elf_section table, names;
    struct elf_header header;

    memset(e, 0, sizeof(*e));
    if (size < sizeof(header))
        return false;
    memcpy(&header, bytes, sizeof(header));
    if (memcmp(header.magic, "\177ELF", 4) != 0 || header.class != CLASS_64 ||
        header.shentsize != sizeof(table) || header.shnum > SECTIONS_MAX)
        return false;
    for (uint64_t n = 0; n < header.shnum; n++) {
        if (!read_section(bytes, size, &header, n, &table))
            return false;
        if (table.type != SHT_SYMTAB || !read_section(bytes, size, &header, table.link, &names))
            continue;
        if (!within(size, table.offset, table.size) || !within(size, names.offset, names.size))
            return false;
        *e = (struct elf_symbols){
            .bytes = bytes,
            .size = size,
            .table = table.offset,
            .nr = table.size / sizeof(struct elf_symbol),
            .names = names.offset,
            .names_size = names.size,
        };
        return e->nr > 0;
    }
    return false;
}

static void take_name(const struct elf_symbols *e, uint32_t at, char *to)
{
    uint64_t left = at < e->names_size ? e->names_size - at : 0;
    size_t i = 0;

    for (; i < left && i < SYMBOL_NAME_MAX - 1 && e->bytes[e->names + at + i] != 0; i++)
        to[i] = (char)e->bytes[e->names + at + i];
    to[i] = 0;
}

/* Functions, and labels of assembly, which have no type. */
static bool is_code(const struct elf_symbol *symbol)
{
    unsigned type = symbol->info & 15;

    return (type == TYPE_FUNC || type == TYPE_NONE) && symbol->section != SHN_UNDEF && symbol->section != SHN_ABS;
}

bool elf_symbols_find(const struct elf_symbols *e, uint64_t address, struct symbol *found)
{
    struct elf_symbol symbol, best = { 0 };
    bool any = false;

    for (uint64_t i = 0; i < e->nr; i++) {
        memcpy(&symbol, e->bytes + e->table + i * sizeof(symbol), sizeof(symbol));
        if (!is_code(&symbol) || symbol.value > address || (any && symbol.value <= best.value))
            continue;
        best = symbol;
        any = true;
    }
    if (!any)
        return false;
    take_name(e, best.name, found->name);
    found->address = best.value;
    found->size = best.size;
    return true;
}
