/* SPDX-License-Identifier: MIT */
/*
 * A System.map: lines of "address type name", by ascending addresses.
 */
#include <string.h>

#include "symbols/symbols.h"

#define LINE_MAX_SIZE 1024u /* what is longer is no line of such a file, and is taken for several */

struct line {
    uint64_t address;
    char type;
    const char *name;
    size_t length; /* of the name */
};

static unsigned digit(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : (c | 32) >= 'a' && (c | 32) <= 'f' ? (unsigned)((c | 32) - 'a' + 10) : 16;
}

/* Where the line begins that holds this byte. */
static size_t line_start(const char *map, size_t at)
{
    size_t lowest = at > LINE_MAX_SIZE ? at - LINE_MAX_SIZE : 0;

    while (at > lowest && map[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const char *map, size_t size, size_t at)
{
    size_t most = size - at < LINE_MAX_SIZE ? size - at : LINE_MAX_SIZE;
    const char *end = memchr(map + at, '\n', most);

    return end != NULL ? (size_t)(end - map) : at + most;
}

static bool read_line(const char *map, size_t size, size_t at, struct line *line)
{
    size_t end = line_end(map, size, at);

    line->address = 0;
    for (; at < end && digit(map[at]) < 16; at++)
        line->address = line->address << 4 | digit(map[at]);
    if (end - at < 4 || map[at] != ' ' || map[at + 2] != ' ')
        return false;
    line->type = map[at + 1];
    line->name = map + at + 3;
    line->length = end - at - 3;
    return true;
}

static bool is_code(char type)
{
    return (type | 32) == 't' || (type | 32) == 'w';
}

/* The beginning of the last line whose address is not above this one. */
static size_t last_line_to(const char *map, size_t size, uint64_t address)
{
    size_t low = 0, high = size; /* both begin a line, or end the file */
    struct line line;

    while (low < high) {
        size_t middle = line_start(map, low + (high - low) / 2);
        size_t next = line_end(map, size, middle) + 1;
        if (read_line(map, size, middle, &line) && line.address > address)
            high = middle;
        else if (next >= high)
            return middle;
        else
            low = next > low ? next : high;
    }
    return low > 0 ? line_start(map, low - 1) : 0;
}

bool system_map_find(const char *map, size_t size, uint64_t address, struct symbol *found)
{
    size_t at = last_line_to(map, size, address);
    struct line line, next;

    if (size == 0)
        return false;
    size_t behind = line_end(map, size, at) + 1;
    /* Behind the last function lies data: an address there is in none. */
    if (!read_line(map, size, at, &line) || line.address > address || !is_code(line.type))
        return false;
    size_t length = line.length < SYMBOL_NAME_MAX - 1 ? line.length : SYMBOL_NAME_MAX - 1;
    memcpy(found->name, line.name, length);
    found->name[length] = 0;
    found->address = line.address;
    found->size = behind < size && read_line(map, size, behind, &next) ? next.address - line.address : 0;
    return true;
}
