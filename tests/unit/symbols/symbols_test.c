/* SPDX-License-Identifier: MIT */
/* Names of functions: from the three sources that there are, and never from outside of the bytes that hold them. */
#include "run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kallsyms_file.h"
#include "symbols/symbols.h"

static uint8_t bytes[KALLSYMS_SIZE];
static struct symbol found;

/* --- kallsyms --- */

static uint64_t address(unsigned n)
{
    return KALLSYMS_BASE + n * KALLSYMS_STEP;
}

START_TEST(kallsyms_of_every_layout)
{
    size_t size = kallsyms_file(bytes, (enum kallsyms_layout)_i);
    struct symbols s;
    char name[32];

    symbols_open(&s, bytes, size, NULL, 0);
    ck_assert_uint_eq(s.kallsyms.nr, KALLSYMS_NR);
    for (unsigned n = 9; n < KALLSYMS_NR; n += 31) {
        ck_assert(symbols_find(&s, address(n) + KALLSYMS_STEP - 1, &found));
        sprintf(name, "function_%u", n);
        ck_assert_str_eq(found.name, name);
        ck_assert_uint_eq(found.address, address(n));
        ck_assert_uint_eq(found.size, n + 1 < KALLSYMS_NR ? KALLSYMS_STEP : 0);
    }
}
END_TEST

START_TEST(kallsyms_edges)
{
    struct symbols s;
    size_t size = kallsyms_file(bytes, KALLSYMS_6_2);

    symbols_open(&s, bytes, size, NULL, 0);
    ck_assert(!symbols_find(&s, KALLSYMS_BASE - 1, &found));
    ck_assert(!symbols_find(&s, 0, &found));
    ck_assert(symbols_find(&s, ~0UL, &found)); /* behind the last one; who asks sees by how much */
    ck_assert(symbols_find(&s, KALLSYMS_BASE, &found));
    ck_assert_str_eq(found.name, "function_0");
    ck_assert(!symbols_find(&s, address(5), &found)); /* data */
    ck_assert(symbols_find(&s, address(6), &found));
    ck_assert_uint_eq(strlen(found.name), SYMBOL_NAME_MAX - 1); /* cut */
    ck_assert(symbols_find(&s, address(8), &found)); /* two at one address: the first */
    ck_assert_str_eq(found.name, "function_7");
    ck_assert_uint_eq(found.size, 2 * KALLSYMS_STEP);
}
END_TEST

/* Each in a piece of memory of just that size, so that reading beyond is noticed. */
static void open_piece(const uint8_t *from, size_t size)
{
    uint8_t *piece = malloc(size ? size : 1);
    struct symbols s;

    memcpy(piece, from, size);
    symbols_open(&s, piece, size, NULL, 0);
    for (unsigned n = 0; n < KALLSYMS_NR; n += 97)
        symbols_find(&s, address(n), &found);
    free(piece);
}

START_TEST(kallsyms_cut_off)
{
    size_t size = kallsyms_file(bytes, (enum kallsyms_layout)_i);

    for (size_t cut = 0; cut < size; cut += 61)
        open_piece(bytes, cut);
    for (size_t from = 8; from < size; from += 8 * 61)
        open_piece(bytes + from, size - from);
}
END_TEST

START_TEST(kallsyms_that_lie)
{
    size_t size = kallsyms_file(bytes, KALLSYMS_6_2);
    struct symbols s;
    unsigned refused = 0;

    for (size_t at = 0; at < size; at += 7) {
        uint8_t was = bytes[at];
        bytes[at] = (uint8_t)~was;
        symbols_open(&s, bytes, size, NULL, 0);
        refused += s.kallsyms.nr == 0;
        for (unsigned n = 0; n < KALLSYMS_NR; n += 97)
            symbols_find(&s, address(n), &found);
        bytes[at] = was;
    }
    ck_assert_uint_gt(refused, 0); /* the tokens among them, and the index */
    memset(bytes, '0', sizeof(bytes));
    for (size_t at = 1; at < sizeof(bytes); at += 2)
        bytes[at] = 0;
    symbols_open(&s, bytes, sizeof(bytes), NULL, 0);
    ck_assert_uint_eq(s.kallsyms.nr, 0);
}
END_TEST

/* The last name claims to be longer than all that comes behind it. Nothing else is wrong, so the tables are taken for
 * what they are; only that one has no name. */
START_TEST(kallsyms_whose_last_name_does_not_end)
{
    size_t size = kallsyms_file(bytes, (enum kallsyms_layout)_i);
    uint8_t *piece = malloc(size), *last = NULL;
    char name[32];
    struct symbols s;

    int length = sprintf(name, "Tfunction_%u", KALLSYMS_NR - 1);
    memcpy(piece, bytes, size);
    for (size_t at = 1; at + (size_t)length <= size; at++)
        if (memcmp(piece + at, name, (size_t)length) == 0)
            last = piece + at - 1;
    ck_assert_ptr_nonnull(last);
    ck_assert_uint_eq(*last, length);
    last[0] = last[1] = 0xff;
    ck_assert_uint_lt(piece + size - last, 0x7f + (0xff << 7));
    symbols_open(&s, piece, size, NULL, 0);
    ck_assert_uint_eq(s.kallsyms.nr, KALLSYMS_NR);
    ck_assert(!symbols_find(&s, address(KALLSYMS_NR - 1), &found));
    ck_assert(symbols_find(&s, address(KALLSYMS_NR - 2), &found));
    free(piece);
}
END_TEST

/* --- System.map --- */

static bool in_map(const char *map, uint64_t where)
{
    char *piece = malloc(strlen(map) + 1);
    size_t size = strlen(map);
    bool is;

    memcpy(piece, map, size);
    is = system_map_find(piece, size, where, &found);
    free(piece);
    return is;
}

static const char map[] = "0000000000000000 A absolute\n"
                          "ffffffff81000000 T _text\n"
                          "ffffffff81000010 t first\n"
                          "ffffffff81000040 W second\n"
                          "ffffffff81000080 D data\n"
                          "ffffffff810000c0 T last";

START_TEST(system_map)
{
    ck_assert(in_map(map, 0xffffffff81000010));
    ck_assert_str_eq(found.name, "first");
    ck_assert_uint_eq(found.size, 0x30);
    ck_assert(in_map(map, 0xffffffff8100000f));
    ck_assert_str_eq(found.name, "_text");
    ck_assert(in_map(map, 0xffffffff8100007f));
    ck_assert_str_eq(found.name, "second");
    ck_assert(!in_map(map, 0xffffffff81000080));
    ck_assert(in_map(map, ~0UL));
    ck_assert_str_eq(found.name, "last");
    ck_assert_uint_eq(found.size, 0);
    ck_assert(!in_map(map, 1)); /* no code */
    ck_assert(!in_map("", 1));
    ck_assert(!in_map("\n", 1));
    ck_assert(!in_map("nonsense\n\n\n", 1));
    ck_assert(!in_map("0 T", 1));
    ck_assert(in_map("0 T x", 1));
    ck_assert_str_eq(found.name, "x");
}
END_TEST

/* --- An ELF file's own table --- */

START_TEST(elf_table)
{
    /* This program's: of functions it knows where they are. */
    FILE *self = fopen("/proc/self/exe", "rb");
    static uint8_t image[64 << 20];
    size_t size = fread(image, 1, sizeof(image), self);
    struct symbols s;
    struct symbol again;

    fclose(self);
    ck_assert_uint_lt(size, sizeof(image));
    symbols_open(&s, image, size, NULL, 0);
    ck_assert_uint_gt(s.elf.nr, 10);
    ck_assert(symbols_find(&s, ~0UL >> 1, &found)); /* the highest */
    ck_assert(symbols_find(&s, found.address, &again));
    ck_assert_uint_eq(again.address, found.address);
    ck_assert(found.address == 0 || symbols_find(&s, found.address - 1, &again));
    ck_assert_uint_lt(again.address, found.address);
    ck_assert(!symbols_find(&s, 0, &found));
    for (size_t cut = 0; cut < 4096; cut += 13) {
        uint8_t *piece = malloc(cut + 1);
        memcpy(piece, image, cut);
        symbols_open(&s, piece, cut, NULL, 0);
        ck_assert_uint_eq(s.elf.nr, 0);
        free(piece);
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { kallsyms_of_every_layout, .rounds = KALLSYMS_6_4 + 1 },
        { kallsyms_edges },
        { kallsyms_cut_off, .rounds = KALLSYMS_6_4 + 1 },
        { kallsyms_that_lie },
        { kallsyms_whose_last_name_does_not_end, .rounds = KALLSYMS_6_4 + 1 },
        { system_map },
        { elf_table },
    };

    return RUN_TESTS("symbols", tests);
}
