/* SPDX-License-Identifier: MIT */
/*
 * The C library's memory and string functions, as far as this kernel needs them.
 */
#include <stdint.h>

#include "kernel/string.h"

void *memset(void *to, int value, size_t size)
{
    volatile uint8_t *bytes = to; /* volatile: the compiler must not see a memset in here */

    if (((uintptr_t)to | size) % 8 == 0) {
        volatile uint64_t *words = to;
        uint64_t word = 0x0101010101010101UL * (uint8_t)value;

        for (size_t i = 0; i < size / 8; i++)
            words[i] = word;
        return to;
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    volatile uint8_t *target = to;
    const uint8_t *source = from;

    for (size_t i = 0; i < size; i++)
        target[i] = source[i];
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    volatile uint8_t *target = to;
    const uint8_t *source = from;

    if (target <= source)
        return memcpy(to, from, size);
    while (size-- > 0)
        target[size] = source[size];
    return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;

    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (((const volatile char *)text)[length] != 0)
        length++;
    return length;
}

int strncmp(const char *left, const char *right, size_t size)
{
    for (; size > 0; left++, right++, size--) {
        if (*left != *right)
            return (unsigned char)*left - (unsigned char)*right;
        if (*left == 0)
            return 0;
    }
    return 0;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, SIZE_MAX);
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

int strncasecmp(const char *left, const char *right, size_t size)
{
    for (; size > 0; left++, right++, size--) {
        if (lower(*left) != lower(*right))
            return lower(*left) - lower(*right);
        if (*left == 0)
            return 0;
    }
    return 0;
}
