/* SPDX-License-Identifier: MIT */
/* The few string functions that ring 0 needs, with their meanings of the C library. */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memset(void *s, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* Copies at most size - 1 characters of src and ends them with a NUL. Returns true if all fitted. */
bool string_copy(char *dst, const char *src, size_t size);

/*
 * Parses a number (decimal, or 0x...), with an optional suffix k, m, g or t (or capitals) that
 * multiplies. *end is where it stopped. Returns false if there is no digit or it does not fit.
 */
bool parse_size(const char *s, const char **end, uint64_t *value);

#endif
