/* SPDX-License-Identifier: MIT */
/* dom0's archive: files are found where they are, and one that is cut off or says nonsense is never read beyond its
 * end. */
#include "run.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "dom0/archive.h"

#define FILE_MODE   0100644u
#define FOLDER_MODE 0040755u

static char made[4096];
static size_t used;

static void pad(void)
{
    while (used % 4)
        made[used++] = 0;
}

/* Lengths are told as they are wanted, not as they are. */
static void add_told(const char *magic, unsigned mode, const char *name, unsigned name_size, const char *bytes,
                     unsigned size)
{
    used += (size_t)sprintf(made + used, "%s%08X%08X%08X%08X%08X%08X%08X%08x%08X%08X%08X%08X%08X", magic, 1, mode, 0, 0,
                            1, 0, size, 0, 0, 0, 0, name_size, 0);
    strcpy(made + used, name);
    used += strlen(name) + 1;
    pad();
    memcpy(made + used, bytes, strlen(bytes));
    used += strlen(bytes);
    pad();
}

static void add(unsigned mode, const char *name, const char *bytes)
{
    add_told("070701", mode, name, (unsigned)strlen(name) + 1, bytes, (unsigned)strlen(bytes));
}

static void add_trailer(void)
{
    add(0, "TRAILER!!!", "");
}

/* A copy without room behind it. */
static const char *open_cut(size_t size)
{
    static char *copy;

    free(copy);
    copy = malloc(size ? size : 1);
    memcpy(copy, made, size);
    return archive_open(copy, size);
}

static const char *open_made(void)
{
    return open_cut(used);
}

static void check_file(const char *name, const char *bytes)
{
    struct archive_file file;

    ck_assert_msg(archive_find(name, &file), "%s is not found", name);
    ck_assert_uint_eq(file.size, strlen(bytes));
    ck_assert(memcmp(file.bytes, bytes, file.size) == 0);
}

static void make_three(void)
{
    used = 0;
    add(FOLDER_MODE, ".", "");
    add(FILE_MODE, "./run", "xl list\n");
    add(FILE_MODE, "a", "");
    add(FILE_MODE, "/folder/b.cfg", "memory = 4");
    add_trailer();
}

START_TEST(files_are_found_by_their_names_without_the_root)
{
    struct archive_file file;

    make_three();
    ck_assert_ptr_null(open_made());
    check_file("run", "xl list\n");
    check_file("./run", "xl list\n");
    check_file("a", "");
    check_file("folder/b.cfg", "memory = 4");
    check_file("/folder/b.cfg", "memory = 4");
    ck_assert(!archive_find("b.cfg", &file));
    ck_assert(!archive_find("", &file));
    ck_assert(!archive_find("TRAILER!!!", &file));
}
END_TEST

START_TEST(a_walk_sees_each_file_once_and_no_folder)
{
    static const char *const names[] = { "run", "a", "folder/b.cfg" };
    struct archive_file file;
    size_t at = 0, count = 0;

    make_three();
    ck_assert_ptr_null(open_made());
    for (; archive_next(&at, &file); count++)
        ck_assert_str_eq(file.name, names[count]);
    ck_assert_uint_eq(count, 3);
    ck_assert(!archive_next(&at, &file));
}
END_TEST

/* Some boot loaders fill modules up. */
START_TEST(what_follows_the_trailer_does_not_matter)
{
    make_three();
    memset(made + used, 0xff, 100);
    used += 100;
    ck_assert_ptr_null(open_made());
    check_file("folder/b.cfg", "memory = 4");
}
END_TEST

START_TEST(one_that_is_cut_off_anywhere_says_so_and_has_what_came_before)
{
    struct archive_file file;
    size_t whole, at;

    make_three();
    whole = used - 3; /* the trailer's own filling may lack */
    for (size_t size = 0; size < whole - 4; size++) {
        ck_assert_ptr_nonnull(open_cut(size));
        at = 0;
        while (archive_next(&at, &file))
            ck_assert(file.size <= 10 && strlen(file.name) < 20);
    }
    ck_assert_str_eq(open_cut(50), "the boot module is no cpio archive (newc)");
    ck_assert_str_eq(open_cut(whole - 8), "the boot module's archive is cut off or damaged");
    check_file("folder/b.cfg", "memory = 4");
}
END_TEST

static void refused_behind_a_file(const char *magic, const char *name, unsigned name_size, unsigned size)
{
    used = 0;
    add(FILE_MODE, "first", "1");
    add_told(magic, FILE_MODE, name, name_size, "bytes", size);
    add_trailer();
    ck_assert_str_eq(open_made(), "the boot module's archive is cut off or damaged");
    check_file("first", "1");
}

START_TEST(lengths_that_lead_outside_are_refused)
{
    refused_behind_a_file("070701", "x", 2, 0xffffffff);
    refused_behind_a_file("070701", "x", 2, 0xfffffffd);
    refused_behind_a_file("070701", "x", 2, 4096);
    refused_behind_a_file("070701", "x", 0xffffffff, 5);
    refused_behind_a_file("070701", "x", 0xfffffff0, 0xffffffff);
    refused_behind_a_file("070701", "x", 4096, 5);
    refused_behind_a_file("070701", "x", 0, 5);
}
END_TEST

START_TEST(names_end_where_they_say)
{
    refused_behind_a_file("070701", "xyz", 2, 5);
    refused_behind_a_file("070701", "xyz", 3, 5);
}
END_TEST

START_TEST(other_kinds_of_archives_are_none)
{
    refused_behind_a_file("070707", "x", 2, 5);
    refused_behind_a_file("07070", "x", 2, 5);
    refused_behind_a_file("07070g", "x", 2, 5);
    used = 0;
    add_told("070702", FILE_MODE, "x", 2, "bytes", 5); /* with sums, which nobody looks at */
    add_trailer();
    ck_assert_ptr_null(open_made());
    check_file("x", "bytes");
}
END_TEST

START_TEST(digits_that_are_none_are_refused)
{
    used = 0;
    add(FILE_MODE, "x", "bytes");
    add_trailer();
    made[6 + 6 * 8 + 3] = 'g';
    ck_assert_ptr_nonnull(open_made());
}
END_TEST

START_TEST(of_two_with_one_name_the_first_counts)
{
    used = 0;
    add(FILE_MODE, "x", "one");
    add(FILE_MODE, "./x", "two");
    add_trailer();
    ck_assert_ptr_null(open_made());
    check_file("x", "one");
}
END_TEST

/* Else one could be walked to and not found. */
START_TEST(a_name_loses_its_root_whole)
{
    used = 0;
    add(FILE_MODE, ".//././x", "bytes");
    add_trailer();
    ck_assert_ptr_null(open_made());
    check_file("x", "bytes");
    check_file("././x", "bytes");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { files_are_found_by_their_names_without_the_root },
        { a_walk_sees_each_file_once_and_no_folder },
        { what_follows_the_trailer_does_not_matter },
        { one_that_is_cut_off_anywhere_says_so_and_has_what_came_before },
        { lengths_that_lead_outside_are_refused },
        { names_end_where_they_say },
        { other_kinds_of_archives_are_none },
        { digits_that_are_none_are_refused },
        { of_two_with_one_name_the_first_counts },
        { a_name_loses_its_root_whole },
    };

    return RUN_TESTS("dom0/archive", tests);
}
