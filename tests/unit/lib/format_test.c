/* SPDX-License-Identifier: MIT */
/* lib/format.c against the C library's printf, which speaks the same language and more. */
#include "run.h"
#include "lib/format.h"
#include <stdio.h>
#include <string.h>

/* Both say the same, and the same length, whatever the size of the buffer. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char want[512], got[512];                                                                  \
        int length = snprintf(want, sizeof(want), __VA_ARGS__);                                    \
        ck_assert_uint_eq(format_string(got, sizeof(got), __VA_ARGS__), (size_t)length);           \
        ck_assert_str_eq(got, want);                                                               \
        for (size_t size = 0; size < (size_t)length + 3; size++) {                                 \
            memset(got, '#', sizeof(got));                                                         \
            snprintf(want, size, __VA_ARGS__);                                                     \
            ck_assert_uint_eq(format_string(got, size, __VA_ARGS__), (size_t)length);              \
            if (size)                                                                              \
                ck_assert_str_eq(got, want);                                                       \
            ck_assert_int_eq(got[size], '#');                                                      \
        }                                                                                          \
    } while (0)

START_TEST(numbers_are_as_printf_writes_them)
{
    SAME("%d %i %u", 0, -1, 4294967295U);
    SAME("%d|%5d|%-5d|%05d", -2147483647 - 1, -42, -42, -42);
    SAME("%ld %lu", (long)(-9223372036854775807L - 1), 18446744073709551615UL);
    SAME("%lld %llx %zu", -5LL, 0xfedcba9876543210ULL, (size_t)77);
    SAME("%x %X %lx %016lx %8x|%-8x|", 0xabcU, 0xabcU, ~0UL, 0x1234UL, 0xfU, 0xfU);
}
END_TEST

START_TEST(texts_are_as_printf_writes_them)
{
    static const char not_ended[4] = { 'a', 'b', 'c', 'd' };

    SAME("%s|%6s|%-6s|%2s", "abc", "abc", "abc", "abc");
    SAME("%c%c 100%%", 'x', 'y');
    SAME("%.2s|%.0s|%5.3s|", "abcdef", "abc", "abcdef");
    SAME("%.4s", not_ended); /* no further than the precision says: ASan watches */
    SAME("plain");
}
END_TEST

/* A text that does not come is said, not followed; what we do not speak is shown as it stands. */
START_TEST(what_is_unknown_is_printed_as_it_stands)
{
    char got[64];
    const char *volatile nothing = NULL, *volatile odd = "a%qb", *volatile cut = "50%";

    ck_assert_uint_eq(format_string(got, sizeof(got), "%s", nothing), 6);
    ck_assert_str_eq(got, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    format_string(got, sizeof(got), odd);
    ck_assert_str_eq(got, "a%qb");
    format_string(got, sizeof(got), cut);
    ck_assert_str_eq(got, "50");
#pragma GCC diagnostic pop
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { numbers_are_as_printf_writes_them },
        { texts_are_as_printf_writes_them },
        { what_is_unknown_is_printed_as_it_stands },
    };
    return RUN_TESTS("lib/format", tests);
}
