/* SPDX-License-Identifier: MIT */
#include "symbols/symbols.h"

#include <string.h>

void symbols_open(struct symbols *s, const void *image, size_t image_size, const char *map, size_t map_size)
{
    memset(s, 0, sizeof(*s));
    s->map = map;
    s->map_size = map != NULL ? map_size : 0;
    /* A Linux kernel's own are sorted, and whole where the file's table may be stripped in part. */
    if (!kallsyms_open(&s->kallsyms, image, image_size))
        elf_symbols_open(&s->elf, image, image_size);
}

bool symbols_find(const struct symbols *s, uint64_t address, struct symbol *found)
{
    if (s->map_size > 0)
        return system_map_find(s->map, s->map_size, address, found);
    if (s->kallsyms.nr > 0)
        return kallsyms_find(&s->kallsyms, address, found);
    return s->elf.nr > 0 && elf_symbols_find(&s->elf, address, found);
}
