/* SPDX-License-Identifier: MIT */
/*
 * Places and tables of new guests, around each of the numbers that decide: a kernel page by page larger,
 * lists of frames that share tables with the rest or do not, base addresses near the ends of what there
 * is.
 *
 * ABI: <xen/xen.h>, "Start-of-day memory layout"
 */
#include "run.h"
#include <string.h>
#include <xen/xen.h>
#include "guest-image/fill.h"
#include "kernel_file.h"

#define PAGES   4200U
#define RUBBISH 0x5a
#define FRAME(page) ((page) * 3 + 77) /* none is what the page is called */
#define MIB4    (4UL << 20)
#define PRESENT 1UL

static struct kernel_image image;
static struct image_layout l;

/* --- Places --- */

static const char *lay_out(uint64_t kernel_pages, uint64_t initrd_size)
{
    image.start = image.virt_base + KERNEL_PADDR;
    image.end = image.start + kernel_pages * PAGE_SIZE - 1;
    image.entry = image.start;
    return image_lay_out(&l, &image, IMAGE_DOMU, PAGES, initrd_size);
}

static void start(uint64_t base)
{
    image = (struct kernel_image){ .virt_base = base, .hypercall_page = ELF_UNSET, .init_p2m = ELF_UNSET };
}

static uint64_t tables_between(uint64_t from, uint64_t to)
{
    uint64_t nr = 1;

    for (unsigned shift = 21; shift <= 39; shift += 9)
        nr += ((to - 1) >> shift) - (from >> shift) + 1;
    return nr;
}

START_TEST(places_follow_each_other)
{
    start(KERNEL_BASE + (uint64_t)_i * 5 * PAGE_SIZE); /* a base need not be a round number */
    for (uint64_t pages = 1; pages < 2500; pages++) {
        uint64_t initrd = pages % 7 * 900, at = (KERNEL_PADDR >> PAGE_SHIFT) + pages;
        ck_assert_ptr_null(lay_out(pages, initrd));
        uint64_t stack_end = image_address(&l, l.stack + 1);
        bool ok = (!initrd || l.initrd == at) && l.p2m == at + (initrd + PAGE_SIZE - 1) / PAGE_SIZE &&
                  l.start_info == l.p2m + (PAGES + 511) / 512 && l.store_ring == l.start_info + 1 &&
                  l.console_ring == l.start_info + 2 && l.tables == l.start_info + 3 &&
                  l.stack == l.tables + l.nr_tables &&
                  l.nr_tables == tables_between(image.virt_base, l.mapped.end) && l.mapped.end % MIB4 == 0 &&
                  l.mapped.end - stack_end >= MIB4 / 8 && l.mapped.end - stack_end < MIB4 / 8 + MIB4 &&
                  l.nr_used == image_page(&l, l.mapped.end);
        if (!ok)
            ck_abort_msg("kernel of %lu pages: tables %lu+%lu, end %lx", pages, l.tables, l.nr_tables,
                         l.mapped.end);
    }
}
END_TEST

START_TEST(dom0_has_no_rings)
{
    start(KERNEL_BASE);
    image.end = (image.start = image.entry = KERNEL_BASE) + 1;
    ck_assert_ptr_null(image_lay_out(&l, &image, IMAGE_DOM0, PAGES, 0));
    ck_assert_uint_eq(l.tables, l.start_info + 1);
}
END_TEST

/* Near the end of its half, the last that fits is taken and the next is not. */
START_TEST(what_would_leave_its_half_is_refused)
{
    static const uint64_t ends[] = { 1UL << 47, 0 };
    unsigned taken = 0;

    for (uint64_t room = MIB4; room < 8 * MIB4; room += PAGE_SIZE * 32) {
        start(ends[_i] - room);
        const char *wrong = lay_out(100, 0);
        if (wrong) {
            ck_assert_ptr_nonnull(strstr(wrong, "no room"));
            ck_assert_uint_eq(taken, 0);
            continue;
        }
        taken++;
        ck_assert(kernel_range_ok(l.mapped.start, l.mapped.end));
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

START_TEST(absurd_sizes_are_refused_at_once)
{
    static const uint64_t sizes[] = { 1UL << 40, 1UL << 51, (1UL << 52) - 1, 1UL << 52, 1UL << 63, ~0UL };

    start(KERNEL_BASE);
    ck_assert_ptr_null(lay_out(1, 0));
    ck_assert_ptr_nonnull(image_lay_out(&l, &image, IMAGE_DOMU, sizes[_i], 0));
    ck_assert_ptr_nonnull(image_lay_out(&l, &image, IMAGE_DOMU, PAGES, sizes[_i]));
    image.init_p2m = 0x8000000000;
    image.initrd_unmapped = true;
    const char *wrong = image_lay_out(&l, &image, IMAGE_DOMU, sizes[_i], sizes[_i]);
    ck_assert(wrong || l.nr_used > sizes[_i] >> PAGE_SHIFT);
}
END_TEST

/* --- Filling --- */

static struct kernel_file file;
static uint8_t memory[PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t p2m[PAGES];
static uint8_t initrd[5000];
static unsigned calls, fails_at;

static void *page(void *context, uint64_t number)
{
    ck_assert_ptr_eq(context, &l);
    if (number >= l.nr_used)
        ck_abort_msg("page %lu is not used", number);
    ck_assert_msg(!fails_at || calls < fails_at, "it goes on behind a failure");
    return ++calls == fails_at ? NULL : memory[number];
}

static bool fill(void)
{
    struct image_memory m = { p2m, page, &l };
    struct image_contents contents = { .initrd = initrd, .words = "words" };

    memset(memory, RUBBISH, sizeof(memory));
    for (uint64_t i = 0; i < PAGES; i++)
        p2m[i] = FRAME(i);
    calls = 0;
    return image_fill(&l, &m, &contents);
}

static void read_file(uint64_t init_p2m)
{
    kernel_file_good(&file);
    kernel_file_note_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, init_p2m);
    ck_assert_ptr_null(elf_read(file.bytes, file.size, &image));
    ck_assert_ptr_null(image_lay_out(&l, &image, IMAGE_DOMU, PAGES, sizeof(initrd)));
}

static uint64_t tables_found, pages_found;

static void explore(uint64_t number, unsigned level)
{
    const uint64_t *table = (const uint64_t *)memory[number];

    tables_found++;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t frame = table[i] >> PAGE_SHIFT;
        if (!(table[i] & PRESENT))
            continue;
        if ((frame - 77) % 3 || (frame - 77) / 3 >= l.nr_used)
            ck_abort_msg("level %u, entry %u: %lx", level, i, table[i]);
        if (level > 1)
            explore((frame - 77) / 3, level - 1);
        else
            pages_found++;
    }
}

/* Above, below, and so near that tables of level 1, 2 or 3 are common: there are as many tables as
 * counted, and as many pages as there are, each once. */
START_TEST(a_list_apart_has_the_tables_that_it_needs)
{
    static const struct {
        uint64_t at, own; /* tables */
    } places[] = {
        { 0x8000000000, 3 },                   /* no table but the root in common */
        { 0xffffff8000000000, 2 },             /* the table of level 3 */
        { KERNEL_BASE + (64UL << 20), 1 },     /* of level 2 as well */
        { KERNEL_BASE - PAGE_SIZE * 9, 2 },    /* right below: another gigabyte */
        { 0xffffff7ffffff000, 5 },             /* across the end of one table of level 3, into ours */
        { 0x8000000000 - PAGE_SIZE, 6 },       /* across two of each, and none in common */
        { 0xffffffffffff6000, 2 },             /* the last that there are: the next gigabyte */
        { KERNEL_BASE + (1UL << 30) - 4096, 3 }, /* from our gigabyte into the next */
    };

    read_file(places[_i].at);
    ck_assert_uint_eq(l.nr_p2m_frames, (PAGES + 511) / 512 + places[_i].own);
    ck_assert_uint_eq(l.nr_used, l.p2m + l.nr_p2m_frames);
    ck_assert(fill());
    tables_found = pages_found = 0;
    explore(l.tables, 4);
    ck_assert_uint_eq(tables_found, l.nr_tables + places[_i].own);
    ck_assert_uint_eq(pages_found, image_page(&l, l.mapped.end) + (PAGES + 511) / 512);
}
END_TEST

START_TEST(a_list_right_behind_the_rest_shares_their_last_table)
{
    read_file(0x8000000000);
    uint64_t end = l.mapped.end;

    /* That area ends on a multiple of 4 MiB, so that tables of level 1 are never common there; below it
     * they are. */
    read_file(end);
    ck_assert_uint_eq(l.nr_p2m_frames, (PAGES + 511) / 512 + 1);
    kernel_file_good(&file);
    start(KERNEL_BASE + (1UL << 20));
    image.init_p2m = KERNEL_BASE;
    ck_assert_ptr_null(lay_out(3, 0));
    ck_assert_uint_eq(l.nr_p2m_frames, (PAGES + 511) / 512);
}
END_TEST

START_TEST(a_page_that_cannot_be_reached_ends_it)
{
    read_file(0x8000000000);
    fails_at = 0;
    ck_assert(fill());
    unsigned all = calls;
    ck_assert_uint_gt(all, 20);
    for (fails_at = 1; fails_at <= all; fails_at++)
        ck_assert_msg(!fill(), "call %u failed unseen", fails_at);
    fails_at = 0;
    l.nr_pages = l.nr_used - 1;
    ck_assert(!fill());
    ck_assert_uint_eq(calls, 0);
}
END_TEST

/* Pages are reached once or twice, and those that are nobody's stay as they are. */
START_TEST(nothing_is_written_that_need_not_be)
{
    read_file(0x8000000000);
    fails_at = 0;
    ck_assert(fill());
    ck_assert_uint_lt(calls, 50);
    for (uint64_t i = 0; i < l.nr_used; i++) {
        bool used = (i >= image_page(&l, image.start) && i <= l.tables + l.nr_tables) || i >= l.initrd;
        if (!used || i == l.stack)
            ck_assert(memory[i][0] == RUBBISH && !memcmp(memory[i], memory[i] + 1, PAGE_SIZE - 1));
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { places_follow_each_other, .rounds = 3 },
        { dom0_has_no_rings },
        { what_would_leave_its_half_is_refused, .rounds = 2 },
        { absurd_sizes_are_refused_at_once, .rounds = 6 },
        { a_list_apart_has_the_tables_that_it_needs, .rounds = 8 },
        { a_list_right_behind_the_rest_shares_their_last_table },
        { a_page_that_cannot_be_reached_ends_it },
        { nothing_is_written_that_need_not_be },
    };
    return RUN_TESTS("guest-image/layout", tests);
}
