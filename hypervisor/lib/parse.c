/* SPDX-License-Identifier: MIT */
/* Text to values; apart from string.c, which the host's C library replaces in unit tests. */
#include "lib/string.h"

bool string_copy(char *dst, const char *src, size_t size)
{
    size_t length = strnlen(src, size);
    bool fits = length < size;

    if (!fits)
        length = size - 1;
    memcpy(dst, src, length);
    dst[length] = 0;
    return fits;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static unsigned suffix_shift(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    case 't':
    case 'T':
        return 40;
    }
    return 0;
}

bool parse_size(const char *s, const char **end, uint64_t *value)
{
    int base = 10;
    uint64_t n = 0;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    const char *first = s;
    for (; digit_value(*s) < base; s++) {
        if (__builtin_mul_overflow(n, (uint64_t)base, &n) ||
            __builtin_add_overflow(n, (uint64_t)digit_value(*s), &n))
            return false;
    }
    if (s == first)
        return false;

    unsigned shift = suffix_shift(*s);
    if (shift) {
        if (n >> (64 - shift))
            return false;
        n <<= shift;
        s++;
    }
    *end = s;
    *value = n;
    return true;
}
