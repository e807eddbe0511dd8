/* SPDX-License-Identifier: MIT */
/*
 * dom0's archive: whatever the bytes are, each file lies within them, is found by its name, and a walk ends.
 */
#include <stdlib.h>
#include <string.h>
#include "dom0/archive.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_file(const struct archive_file *file, const char *bytes, size_t size)
{
    const char *at = file->bytes;
    struct archive_file found;

    require(file->name >= bytes && file->name < bytes + size);
    require(strlen(file->name) < (size_t)(bytes + size - file->name));
    require(at >= bytes && at <= bytes + size && file->size <= (size_t)(bytes + size - at));
    require(archive_find(file->name, &found) && strcmp(found.name, file->name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    struct archive_file file;
    size_t at = 0, before = 0;

    if (size)
        memcpy(copy, data, size);
    archive_open(copy, size);
    while (archive_next(&at, &file)) {
        require(at > before && at <= size);
        before = at;
        check_file(&file, copy, size);
    }
    free(copy);
    return 0;
}
