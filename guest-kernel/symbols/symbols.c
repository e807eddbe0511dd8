/* SPDX-License-Identifier: MIT */
#include "symbols/symbols.h"

#include <string.h>

void symbols_open(struct symbols *s, const void *image, size_t image_size, const char *map, size_t map_size)
{
    memset(s, 0, sizeof(*s));
    s->map = map;
    s->map_size = map != NULL ? map_size : 0;
    if (!elf_symbols_open(&s->elf, image, image_size))
        kallsyms_open(&s->kallsyms, image, image_size);
}

bool symbols_find(const struct symbols *s, uint64_t address, struct symbol *found)
{
    if (s->map_size > 0)
        return system_map_find(s->map, s->map_size, address, found);
    if (s->elf.nr > 0)
        return elf_symbols_find(&s->elf, address, found);
    return s->kallsyms.nr > 0 && kallsyms_find(&s->kallsyms, address, found);
}
