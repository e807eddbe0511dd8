/* SPDX-License-Identifier: MIT */
/*
 * The files that dom0 was given: the boot module, a cpio archive of the "newc" kind.
 */
#ifndef DOM0_ARCHIVE_H
#define DOM0_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

struct archive_file {
    const char *name; /* without a leading "./" or "/" */
    const void *bytes;
    size_t size;
};

/* bytes stay in use. Returns NULL, or what is wrong with the archive; what came before it is there. */
const char *archive_open(const void *bytes, size_t size);

/* The file of that name. False: there is none. */
bool archive_find(const char *name, struct archive_file *file);
/* Walks all of them: *at begins as 0. False: there are no more. */
bool archive_next(size_t *at, struct archive_file *file);

#endif
