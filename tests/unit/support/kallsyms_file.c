/* SPDX-License-Identifier: MIT */
#include "kallsyms_file.h"
#include <stdio.h>
#include <string.h>

struct maker {
    uint8_t *bytes;
    size_t at;
};

static void put(struct maker *m, uint64_t value, size_t size)
{
    memcpy(m->bytes + m->at, &value, size);
    m->at += size;
}

static void align(struct maker *m)
{
    while (m->at % 8 != 0)
        m->bytes[m->at++] = 0;
}

static void put_offsets(struct maker *m)
{
    for (unsigned n = 0; n < KALLSYMS_NR; n++) {
        unsigned where = n == 8 ? 7 : n;
        put(m, (uint32_t)(-1 - (int32_t)(where * KALLSYMS_STEP)), 4);
    }
    align(m);
    put(m, KALLSYMS_BASE, 8);
}

static size_t spell(unsigned n, char *name)
{
    sprintf(name, "%cfunction_%u", n == 5 ? 'd' : 'T', n);
    if (n == 6) {
        memset(name + 1, 'z', 200);
        name[201] = 0;
    }
    return strlen(name);
}

/* Number, names and markers. */
static void put_names(struct maker *m)
{
    uint32_t markers[KALLSYMS_NR / 256 + 1];
    char name[256];

    put(m, KALLSYMS_NR, 8);
    size_t begin = m->at;
    for (unsigned n = 0; n < KALLSYMS_NR; n++) {
        size_t length = spell(n, name);
        if (n % 256 == 0)
            markers[n / 256] = (uint32_t)(m->at - begin);
        if (length > 127)
            put(m, (length & 127) | 128 | length >> 7 << 8, 2);
        else
            put(m, length, 1);
        memcpy(m->bytes + m->at, name, length);
        m->at += length;
    }
    align(m);
    for (unsigned i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
        put(m, markers[i], 4);
    align(m);
}

static void put_order(struct maker *m)
{
    for (unsigned n = 0; n < KALLSYMS_NR; n++) {
        put(m, 0, 1);
        put(m, n >> 8, 1);
        put(m, n & 255, 1);
    }
    align(m);
}

static void put_tokens(struct maker *m)
{
    uint16_t index[256];
    size_t begin = m->at;

    for (unsigned i = 0; i < 256; i++) {
        index[i] = (uint16_t)(m->at - begin);
        if (i > ' ' && i < 127)
            put(m, i, 1);
        else
            put(m, 'a' | 'b' << 8, 2);
        put(m, 0, 1);
    }
    align(m);
    for (unsigned i = 0; i < 256; i++)
        put(m, index[i], 2);
}

size_t kallsyms_file(uint8_t bytes[KALLSYMS_SIZE], enum kallsyms_layout layout)
{
    struct maker m = { .bytes = bytes };

    memset(bytes, 0, KALLSYMS_SIZE);
    m.at += (size_t)sprintf((char *)bytes, "a kernel, with digits: %c0%c1%c2", 0, 0, 0);
    m.at = 512;
    if (layout != KALLSYMS_6_4)
        put_offsets(&m);
    put_names(&m);
    if (layout == KALLSYMS_6_2)
        put_order(&m);
    put_tokens(&m);
    if (layout == KALLSYMS_6_4) {
        put_offsets(&m);
        put_order(&m);
    }
    return m.at;
}
