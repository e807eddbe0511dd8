/* SPDX-License-Identifier: MIT */
/* Sizes and copies of text, as the command line and kernels' notes use them. */
#include "run.h"
#include "lib/string.h"

START_TEST(sizes_have_a_base_and_a_suffix)
{
    static const struct {
        const char *text;
        uint64_t value;
        const char *rest;
    } rows[] = {
        { "0", 0, "" },
        { "42", 42, "" },
        { "256M", 256UL << 20, "" },
        { "1g", 1UL << 30, "" },
        { "3k,x", 3072, ",x" },
        { "0x10", 16, "" },
        { "0Xfk", 15360, "" },
        { "2T", 2UL << 40, "" },
        { "18446744073709551615", ~0UL, "" },
        { "0xffffffffffffffff", ~0UL, "" },
        { "12MB", 12UL << 20, "B" },
        { "0xfffffffffffffk", 0xfffffffffffffUL << 10, "" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 1;
        const char *end = NULL;
        ck_assert_msg(parse_size(rows[i].text, &end, &value), "%s", rows[i].text);
        ck_assert_uint_eq(value, rows[i].value);
        ck_assert_str_eq(end, rows[i].rest);
    }
}
END_TEST

START_TEST(what_is_no_number_or_does_not_fit_is_refused)
{
    static const char *const rows[] = { "",
                                        "M",
                                        "x",
                                        "0x",
                                        "0xg",
                                        "-1",
                                        "18446744073709551616",
                                        "0x10000000000000000",
                                        "18014398509481984k",
                                        "17592186044416m",
                                        "16777216t" };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 7;
        const char *end = NULL;
        ck_assert_msg(!parse_size(rows[i], &end, &value), "%s", rows[i]);
        ck_assert_uint_eq(value, 7);
    }
}
END_TEST

START_TEST(a_copy_is_ended_and_says_whether_it_is_whole)
{
    char to[4];

    ck_assert(string_copy(to, "abc", sizeof(to)));
    ck_assert_str_eq(to, "abc");
    ck_assert(!string_copy(to, "abcd", sizeof(to)));
    ck_assert_str_eq(to, "abc");
    ck_assert(string_copy(to, "", sizeof(to)));
    ck_assert_str_eq(to, "");
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { sizes_have_a_base_and_a_suffix },
        { what_is_no_number_or_does_not_fit_is_refused },
        { a_copy_is_ended_and_says_whether_it_is_whole },
    };
    return RUN_TESTS("lib/parse", tests);
}
