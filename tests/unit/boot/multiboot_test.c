/* SPDX-License-Identifier: MIT */
/*
 * Boot information by both Multiboot protocols, built here as loaders build it. Memory ends exactly
 * where a test says: whatever the reader touches beyond is caught by ASan, since each look goes to
 * a copy of just the bytes that it asked for.
 */
#include "run.h"
#include "boot/multiboot.h"
#include <stdlib.h>
#include <string.h>

#define BASE 0x10000U

static uint8_t ram[8192];
static uint64_t ram_size; /* what of it is there */
static void *looks[65536];
static unsigned nr_looks;

/* A reader may go through what it was given, and not a byte more. */
static const void *look(uint64_t maddr, uint64_t size)
{
    if (maddr < BASE || maddr - BASE > ram_size || size > ram_size - (maddr - BASE))
        return NULL;
    ck_assert_uint_lt(nr_looks, ARRAY_SIZE(looks));
    void *copy = malloc(size ? size : 1);
    memcpy(copy, ram + (maddr - BASE), size);
    looks[nr_looks++] = copy;
    return copy;
}

static const char *read_info(uint32_t magic, struct boot_info *out)
{
    memset(out, 0x55, sizeof(*out));
    const char *wrong = boot_info_read(magic, BASE, look, out);
    while (nr_looks)
        free(looks[--nr_looks]);
    return wrong;
}

static uint32_t at; /* where the next thing goes */

static void begin(void)
{
    memset(ram, 0, sizeof(ram));
    at = 0;
}

static uint32_t put(const void *data, size_t size)
{
    uint32_t where = at;

    ck_assert_uint_le(at + size, sizeof(ram));
    memcpy(ram + at, data, size);
    at += (uint32_t)size;
    return where;
}

static uint32_t put32(uint32_t value)
{
    return put(&value, sizeof(value));
}

static void put64(uint64_t value)
{
    put(&value, sizeof(value));
}

static void set32(uint32_t where, uint32_t value)
{
    memcpy(ram + where, &value, sizeof(value));
}

/* --- Multiboot 1 --- */

static void put_region_1(uint64_t start, uint64_t size, uint32_t type)
{
    put32(20);
    put64(start);
    put64(size);
    put32(type);
}

static void build_1(void)
{
    begin();
    put32(0x4 | 0x8 | 0x40);
    for (unsigned i = 1; i < 13; i++)
        put32(0);
    set32(16, BASE + at);
    put("/boot/tenon.elf console=com1 audit", 35);
    set32(44, 3 * 24);
    set32(48, BASE + at);
    put_region_1(0x100000, 0x7f00000, 1);
    put_region_1(0, 0x9fc00, 1);
    put_region_1(0xfffc0000, 0x40000, 2);
    uint32_t modules = at, texts[2];
    set32(20, 2);
    set32(24, BASE + modules);
    for (unsigned i = 0; i < 2; i++) {
        put32(0x200000 + 0x100000 * i);
        put32(0x280000 + 0x100000 * i);
        put32(0);
        put32(0);
    }
    texts[0] = put("guest-kernel.elf run=timers", 28);
    texts[1] = put("initrd.img", 11);
    for (uint32_t i = 0; i < 2; i++)
        set32(modules + i * 16 + 8, BASE + texts[i]);
    ram_size = at;
}

/* --- Multiboot 2 --- */

static uint32_t tag_begin(uint32_t type)
{
    while (at % 8)
        put("", 1);
    uint32_t tag = put32(type);
    put32(0);
    return tag;
}

static void tag_end(uint32_t tag)
{
    set32(tag + 4, at - tag);
}

static void put_region_2(uint64_t start, uint64_t size, uint32_t type)
{
    put64(start);
    put64(size);
    put32(type);
    put32(0);
}

static void put_module_2(uint32_t start, uint32_t end, const char *words)
{
    uint32_t tag = tag_begin(3);

    put32(start);
    put32(end);
    put(words, strlen(words) + 1);
    tag_end(tag);
}

static void end_2(void)
{
    tag_end(tag_begin(0));
    set32(0, at);
    ram_size = at;
}

static void build_2(void)
{
    uint32_t tag;

    begin();
    put64(0);
    tag = tag_begin(1);
    put("console=com1 audit", 19);
    tag_end(tag);
    put_module_2(0x200000, 0x280000, "run=timers");
    put_module_2(0x300000, 0x380000, "");
    tag = tag_begin(6);
    put32(24);
    put32(0);
    put_region_2(0x100000, 0x7f00000, 1);
    put_region_2(0, 0x9fc00, 1);
    put_region_2(0xfffc0000, 0x40000, 2);
    tag_end(tag);
    tag = tag_begin(14);
    put("RSD PTR ............", 20);
    tag_end(tag);
    tag = tag_begin(77); /* nobody knows it */
    put("????", 4);
    tag_end(tag);
    end_2();
}

static void check_map(const struct boot_info *b)
{
    ck_assert_uint_eq(b->nr_regions, 3);
    ck_assert_uint_eq(b->regions[0].start, 0);
    ck_assert_uint_eq(b->regions[0].size, 0x9fc00);
    ck_assert_uint_eq(b->regions[1].start, 0x100000);
    ck_assert_uint_eq(b->regions[1].type, REGION_RAM);
    ck_assert_uint_eq(b->regions[2].start, 0xfffc0000);
    ck_assert_uint_eq(b->regions[2].type, REGION_RESERVED);
}

static void check_modules(const struct boot_info *b, const char *first, const char *second)
{
    ck_assert_uint_eq(b->nr_modules, 2);
    ck_assert_uint_eq(b->modules[0].start, 0x200000);
    ck_assert_uint_eq(b->modules[0].end, 0x280000);
    ck_assert_uint_eq(b->modules[1].start, 0x300000);
    ck_assert_str_eq(b->modules[0].words, first);
    ck_assert_str_eq(b->modules[1].words, second);
}

START_TEST(multiboot_1_is_read_with_file_names_taken_off_and_the_map_in_order)
{
    struct boot_info b;

    build_1();
    ck_assert_ptr_null(read_info(MULTIBOOT1_MAGIC, &b));
    ck_assert_str_eq(b.words, "console=com1 audit");
    check_map(&b);
    /* The initrd's name has no slash and no .elf: it is left as it is, and does no harm. */
    check_modules(&b, "run=timers", "initrd.img");
    ck_assert_uint_eq(b.rsdp, 0);
}
END_TEST

START_TEST(multiboot_2_is_read_with_the_map_in_order_and_acpi_found)
{
    struct boot_info b;

    build_2();
    ck_assert_ptr_null(read_info(MULTIBOOT2_MAGIC, &b));
    ck_assert_str_eq(b.words, "console=com1 audit");
    check_map(&b);
    check_modules(&b, "run=timers", "");
    ck_assert_mem_eq(ram + (b.rsdp - BASE), "RSD PTR ", 8);
}
END_TEST

/* Each shorter memory is refused in words, or what is told is a part of the truth. */
static void check_prefixes(uint32_t magic, void (*build)(void))
{
    build();
    uint64_t whole = ram_size;

    for (uint64_t size = 0; size < whole; size++) {
        struct boot_info b;
        ram_size = size;
        const char *wrong = read_info(magic, &b);
        ck_assert_msg(!wrong || strlen(wrong) > 10, "%lu bytes: \"%s\"", size, wrong);
        ck_assert_uint_le(b.nr_regions, 3);
        ck_assert_uint_le(b.nr_modules, 2);
        ck_assert_uint_lt(strnlen(b.words, BOOT_TEXT_MAX), BOOT_TEXT_MAX);
        for (unsigned i = 0; i < b.nr_modules; i++)
            ck_assert_uint_lt(strnlen(b.modules[i].words, BOOT_TEXT_MAX), BOOT_TEXT_MAX);
        if (!wrong)
            check_map(&b);
    }
}

START_TEST(multiboot_1_that_ends_anywhere_is_refused_or_read_to_its_end)
{
    check_prefixes(MULTIBOOT1_MAGIC, build_1);
}
END_TEST

START_TEST(multiboot_2_that_ends_anywhere_is_refused)
{
    check_prefixes(MULTIBOOT2_MAGIC, build_2);
    /* And so if its own size is what ends early. */
    for (uint32_t size = 0; size < 400; size++) {
        struct boot_info b;
        build_2();
        if (size >= ram_size)
            break;
        set32(0, size);
        ck_assert_msg(read_info(MULTIBOOT2_MAGIC, &b), "size %u is taken", size);
    }
}
END_TEST

/* One byte of the information is anything: refused or read, never beyond. */
START_TEST(no_byte_leads_outside)
{
    for (unsigned protocol = 1; protocol <= 2; protocol++) {
        void (*build)(void) = protocol == 1 ? build_1 : build_2;
        static const uint8_t values[] = { 0x00, 0x01, 0x07, 0x7f, 0x80, 0xff };
        build();
        uint32_t whole = (uint32_t)ram_size;
        for (uint32_t i = 0; i < whole; i++) {
            for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
                struct boot_info b;
                build();
                ram[i] = values[v];
                read_info(protocol == 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC, &b);
                ck_assert_uint_le(b.nr_regions, BOOT_REGIONS_MAX);
                ck_assert_uint_le(b.nr_modules, BOOT_MODULES_MAX);
                for (unsigned r = 1; r < b.nr_regions; r++)
                    ck_assert_uint_le(b.regions[r - 1].start, b.regions[r].start);
            }
        }
    }
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    struct boot_info b;

    build_1();
    ck_assert_str_eq(read_info(0x12345678, &b), "it was not started by a Multiboot loader");
    set32(0, 0x4 | 0x8);
    ck_assert_str_eq(read_info(MULTIBOOT1_MAGIC, &b), "the boot loader gives no memory map");
    begin();
    put64(0);
    put_module_2(1, 2, "x");
    end_2();
    ck_assert_str_eq(read_info(MULTIBOOT2_MAGIC, &b), "the boot loader gives no memory map");
    build_2();
    set32(0, (uint32_t)ram_size - 8);
    ck_assert_str_eq(read_info(MULTIBOOT2_MAGIC, &b), "the boot information has no end");
}
END_TEST

START_TEST(a_module_that_ends_before_it_begins_is_refused)
{
    struct boot_info b;

    begin();
    put64(0);
    put_module_2(0x2000, 0x1000, "x");
    end_2();
    ck_assert_str_eq(read_info(MULTIBOOT2_MAGIC, &b), "a module's description is cut short");
}
END_TEST

START_TEST(modules_and_regions_beyond_what_fits_are_counted_and_left)
{
    struct boot_info b;

    begin();
    put64(0);
    for (uint32_t i = 0; i < BOOT_MODULES_MAX + 3; i++)
        put_module_2(i << 12, (i + 1) << 12, "m");
    uint32_t tag = tag_begin(6);
    put32(24);
    put32(0);
    for (uint64_t i = 0; i < BOOT_REGIONS_MAX + 5; i++)
        put_region_2((100 - i) << 20, 4096, 1);
    tag_end(tag);
    end_2();
    ck_assert_ptr_null(read_info(MULTIBOOT2_MAGIC, &b));
    ck_assert_uint_eq(b.nr_modules, BOOT_MODULES_MAX);
    ck_assert_uint_eq(b.ignored_modules, 3);
    ck_assert_uint_eq(b.nr_regions, BOOT_REGIONS_MAX);
    ck_assert_uint_eq(b.ignored_regions, 5);
    for (unsigned i = 1; i < b.nr_regions; i++)
        ck_assert_uint_lt(b.regions[i - 1].start, b.regions[i].start);
}
END_TEST

/* It is small RAM that goes: what is reserved must stay known, and the most RAM is kept. */
START_TEST(the_smallest_ram_gives_way_to_what_is_reserved)
{
    struct boot_info b;
    unsigned reserved = 0;

    begin();
    put64(0);
    put_module_2(0x1000, 0x2000, "m");
    uint32_t tag = tag_begin(6);
    put32(24);
    put32(0);
    for (uint64_t i = 0; i < BOOT_REGIONS_MAX; i++)
        put_region_2(i << 30, (100 - i) << 12, 1);
    for (uint64_t i = 0; i < 3; i++)
        put_region_2((i << 30) + 4096, 4096, 2);
    put_region_2(200UL << 30, 1UL << 20, 1);
    tag_end(tag);
    end_2();
    ck_assert_ptr_null(read_info(MULTIBOOT2_MAGIC, &b));
    ck_assert_uint_eq(b.nr_regions, BOOT_REGIONS_MAX);
    ck_assert_uint_eq(b.ignored_regions, 4);
    for (unsigned i = 0; i < b.nr_regions; i++) {
        reserved += b.regions[i].type == 2;
        ck_assert(b.regions[i].type == 2 || b.regions[i].start >> 30 < 60 ||
                  b.regions[i].start >> 30 == 200);
        ck_assert(!i || b.regions[i - 1].start < b.regions[i].start);
    }
    ck_assert_uint_eq(reserved, 3);
}
END_TEST

/* Two modules in the same place, and regions that lie on one another, are told as they are. */
START_TEST(doubles_are_told_as_they_are)
{
    struct boot_info b;

    begin();
    put64(0);
    put_module_2(0x1000, 0x2000, "one");
    put_module_2(0x1000, 0x2000, "two");
    uint32_t tag = tag_begin(6);
    put32(24);
    put32(0);
    put_region_2(0x1000, 0x1000, 1);
    put_region_2(0x1000, 0x1000, 2);
    put_region_2(0x9000, 0, 1);        /* nothing */
    put_region_2(~0xfffUL, 0x2000, 1); /* around the end */
    tag_end(tag);
    end_2();
    ck_assert_ptr_null(read_info(MULTIBOOT2_MAGIC, &b));
    ck_assert_uint_eq(b.nr_modules, 2);
    ck_assert_str_eq(b.modules[1].words, "two");
    ck_assert_uint_eq(b.nr_regions, 2);
}
END_TEST

START_TEST(a_line_longer_than_fits_is_cut)
{
    struct boot_info b;
    char line[3000];

    memset(line, 'w', sizeof(line));
    line[sizeof(line) - 1] = 0;
    begin();
    put64(0);
    uint32_t tag = tag_begin(1);
    put(line, sizeof(line));
    tag_end(tag);
    tag = tag_begin(6);
    put32(24);
    put32(0);
    put_region_2(0, 4096, 1);
    tag_end(tag);
    end_2();
    ck_assert_ptr_null(read_info(MULTIBOOT2_MAGIC, &b));
    ck_assert_uint_eq(strlen(b.words), BOOT_TEXT_MAX - 1);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { multiboot_1_is_read_with_file_names_taken_off_and_the_map_in_order },
        { multiboot_2_is_read_with_the_map_in_order_and_acpi_found },
        { multiboot_1_that_ends_anywhere_is_refused_or_read_to_its_end },
        { multiboot_2_that_ends_anywhere_is_refused },
        { no_byte_leads_outside },
        { what_is_missing_is_named },
        { a_module_that_ends_before_it_begins_is_refused },
        { modules_and_regions_beyond_what_fits_are_counted_and_left },
        { the_smallest_ram_gives_way_to_what_is_reserved },
        { doubles_are_told_as_they_are },
        { a_line_longer_than_fits_is_cut },
    };
    return RUN_TESTS("boot/multiboot", tests);
}
