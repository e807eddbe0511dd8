/* SPDX-License-Identifier: MIT */
/*
 * Reading a cpio archive where it lies.
 *
 * A file is a header of text (a magic number and thirteen numbers of eight hexadecimal digits each),
 * its name with a NUL, its bytes; name and bytes are filled up to a multiple of four. The file
 * TRAILER!!! ends the archive.
 */
#include "dom0/archive.h"

#include <stdint.h>
#include <string.h>

#define DIGITS      8
#define HEADER_SIZE (6 + 13 * DIGITS)
#define MODE_FIELD  1
#define SIZE_FIELD  6
#define NAME_FIELD  11
#define MODE_TYPE   0170000
#define MODE_FILE   0100000

static struct {
    const char *bytes;
    size_t size; /* of the part that is well formed */
} archive;

static bool read_number(const char *header, unsigned field, size_t *number)
{
    const char *digit = header + 6 + field * DIGITS;
    size_t value = 0;

    for (unsigned i = 0; i < DIGITS; i++, digit++) {
        if (*digit >= '0' && *digit <= '9')
            value = value << 4 | (size_t)(*digit - '0');
        else if ((*digit | 32) >= 'a' && (*digit | 32) <= 'f')
            value = value << 4 | (size_t)((*digit | 32) - 'a' + 10);
        else
            return false;
    }
    *number = value;
    return true;
}

static size_t round_up(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static const char *skip_root(const char *name)
{
    while (*name == '/' || strncmp(name, "./", 2) == 0)
        name += *name == '/' ? 1 : 2;
    return name;
}

/* The entry at *at. Moves *at behind it; false if there is no well-formed one. */
static bool read_entry(size_t *at, struct archive_file *file, bool *is_file)
{
    size_t left = archive.size - *at, name_size, size, mode;
    const char *header = archive.bytes + *at;

    if (left < HEADER_SIZE || memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2') ||
        !read_number(header, MODE_FIELD, &mode) || !read_number(header, SIZE_FIELD, &size) ||
        !read_number(header, NAME_FIELD, &name_size))
        return false;
    if (name_size == 0 || round_up(HEADER_SIZE + name_size) > left ||
        header[HEADER_SIZE + name_size - 1] != 0)
        return false;
    file->name = skip_root(header + HEADER_SIZE);
    file->bytes = header + round_up(HEADER_SIZE + name_size);
    file->size = size;
    left -= round_up(HEADER_SIZE + name_size);
    if (size > left)
        return false;
    *at = archive.size - left + (round_up(size) < left ? round_up(size) : left);
    *is_file = (mode & MODE_TYPE) == MODE_FILE;
    return true;
}

static bool is_trailer(const struct archive_file *file)
{
    return strcmp(file->name, "TRAILER!!!") == 0;
}

const char *archive_open(const void *bytes, size_t size)
{
    struct archive_file file;
    size_t at = 0, end;
    bool is_file;

    archive.bytes = bytes;
    archive.size = size;
    do {
        end = at;
        if (!read_entry(&at, &file, &is_file)) {
            archive.size = end;
            return end == 0 ? "the boot module is no cpio archive (newc)" :
                              "the boot module's archive is cut off or damaged";
        }
    } while (!is_trailer(&file));
    archive.size = end;
    return NULL;
}

bool archive_next(size_t *at, struct archive_file *file)
{
    bool is_file;

    while (read_entry(at, file, &is_file))
        if (is_file)
            return true;
    return false;
}

bool archive_find(const char *name, struct archive_file *file)
{
    size_t at = 0;

    name = skip_root(name);
    while (archive_next(&at, file))
        if (strcmp(file->name, name) == 0)
            return true;
    return false;
}
