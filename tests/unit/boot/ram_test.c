/* SPDX-License-Identifier: MIT */
/* Firmware's maps with places that are two things at once: those are no RAM, neither to give away nor to know of. */
#include "run.h"
#include "boot/ram.h"

#define MAX_RANGES 4U

static struct ram_range ram[MAX_RANGES];
static unsigned nr;

static bool find(const struct boot_region *regions, unsigned nr_regions)
{
    return ram_find(regions, nr_regions, 1UL << 40, ram, &nr, MAX_RANGES);
}

static void expect(unsigned n, uint64_t start, uint64_t end)
{
    ck_assert_uint_lt(n, nr);
    ck_assert_uint_eq(ram[n].start, start);
    ck_assert_uint_eq(ram[n].end, end);
}

START_TEST(ram_is_in_whole_pages)
{
    const struct boot_region map[] = { { 0, 0x9fc00, REGION_RAM },
                                       { 0x9fc00, 0x400, REGION_RESERVED },
                                       { 0x100001, 0xfffff, REGION_RAM },
                                       { 0x300800, 0x100, REGION_RAM } };

    ck_assert(find(map, ARRAY_SIZE(map)));
    ck_assert_uint_eq(nr, 2);
    expect(0, 0, 0x9f000);
    expect(1, 0x101000, 0x200000);
}
END_TEST

/* What a reserved region overlaps was RAM for the frame table once: it could be granted, and no driver map it. */
START_TEST(reserved_places_are_no_ram)
{
    const struct boot_region map[] = { { 0, 0x800000, REGION_RAM },
                                       { 0x200800, 0x1000, REGION_RESERVED },
                                       { 0x7ff000, 0x10000, 3 },
                                       { 0x900000, 0x1000, REGION_RAM },
                                       { 0x900000, 0x800, 4 } };

    ck_assert(find(map, ARRAY_SIZE(map)));
    ck_assert_uint_eq(nr, 2);
    expect(0, 0, 0x200000);
    expect(1, 0x202000, 0x7ff000);
}
END_TEST

START_TEST(ram_that_is_named_twice_is_there_once)
{
    const struct boot_region map[] = { { 0, 0x400000, REGION_RAM }, { 0x200000, 0x400000, REGION_RAM } };

    ck_assert(find(map, ARRAY_SIZE(map)));
    ck_assert_uint_eq(nr, 2);
    expect(0, 0, 0x400000);
    expect(1, 0x400000, 0x600000);
}
END_TEST

START_TEST(the_end_of_all_addresses_is_no_beginning)
{
    const struct boot_region map[] = { { 0, 0x400000, REGION_RAM }, { ~0UL - 0xfff, 0x1000, REGION_RESERVED },
                                       { ~0UL, 5, REGION_RAM },     { 1UL << 40, 0x1000, REGION_RAM } };

    ck_assert(find(map, ARRAY_SIZE(map)));
    ck_assert_uint_eq(nr, 1);
    expect(0, 0, 0x400000);
}
END_TEST

START_TEST(too_many_pieces_are_said_to_be)
{
    struct boot_region map[6] = { { 0, 0x800000, REGION_RAM } };

    for (unsigned i = 1; i < ARRAY_SIZE(map); i++)
        map[i] = (struct boot_region){ i * 0x10000, 0x1000, REGION_RESERVED };
    ck_assert(find(map, MAX_RANGES));
    ck_assert_uint_eq(nr, MAX_RANGES);
    ck_assert(!find(map, MAX_RANGES + 1));
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { ram_is_in_whole_pages },
        { reserved_places_are_no_ram },
        { ram_that_is_named_twice_is_there_once },
        { the_end_of_all_addresses_is_no_beginning },
        { too_many_pieces_are_said_to_be },
    };
    return RUN_TESTS("boot/ram", tests);
}
