/* SPDX-License-Identifier: MIT */
/* Every message, and what each is answered when something is wrong. ABI: <xen/io/xs_wire.h> */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

START_TEST(values_are_what_was_written)
{
    begin(NULL);
    IS(get(0, 0, "/a"), "!ENOENT");
    IS(put(0, 0, "/a", "one"), "OK");
    IS(get(0, 0, "/a"), "one");
    ck_assert_uint_eq(reply.len, 3); /* no NUL */
    IS(put(0, 0, "/a", ""), "OK");
    IS(get(0, 0, "/a"), "");
    ck_assert_uint_eq(reply.len, 0);
    ck_assert_str_eq(ask_bytes(0, XS_WRITE, 0, "/a\0x\0y", 6), "OK"); /* any bytes */
    get(0, 0, "/a");
    ck_assert_uint_eq(reply.len, 3);
    ck_assert(memcmp(reply_payload, "x\0y", 3) == 0);
    ck_assert_uint_eq(put(0, 0, "/a", "b")[0], 'O');
    ck_assert_uint_eq(reply.len, 3); /* OK and NUL */
    end();
}
END_TEST

START_TEST(parents_come_to_be_with_their_children)
{
    begin(NULL);
    IS(put(0, 0, "/a/b/c", "x"), "OK");
    IS(get(0, 0, "/a/b"), "");
    IS(list(0, 0, "/"), "a ");
    IS(list(0, 0, "/a"), "b ");
    IS(list(0, 0, "/a/b/c"), "");
    IS(ask(0, XS_MKDIR, 0, 1, "/a/d/e"), "OK");
    IS(list(0, 0, "/a"), "b d ");
    IS(ask(0, XS_MKDIR, 0, 1, "/a/b/c"), "OK"); /* is there already: stays as it is */
    IS(get(0, 0, "/a/b/c"), "x");
    IS(list(0, 0, "/x"), "!ENOENT");
    end();
}
END_TEST

START_TEST(rm_takes_all_below_and_asks_for_a_parent)
{
    begin(NULL);
    put(0, 0, "/a/b/c", "x");
    put(0, 0, "/a/b2", "y");
    IS(remove_path(0, 0, "/a/b"), "OK");
    IS(get(0, 0, "/a/b/c"), "!ENOENT");
    IS(list(0, 0, "/a"), "b2 ");
    IS(remove_path(0, 0, "/a/b"), "OK"); /* not there, but /a is */
    IS(remove_path(0, 0, "/a/b/c"), "!ENOENT");
    IS(remove_path(0, 0, "/"), "!EINVAL");
    IS(store_remove_subtree(store, "/a") == 0 ? list(0, 0, "/") : "?", "");
    ck_assert_int_eq(store_remove_subtree(store, "/a"), 2);
    ck_assert_int_eq(store_remove_subtree(store, "/"), 22);
    ck_assert_int_eq(store_remove_subtree(store, "//"), 22);
    ck_assert_int_eq(store_remove_subtree(store, "@releaseDomain"), 22);
    end();
}
END_TEST

START_TEST(paths_that_are_none)
{
    static const char *const bad[] = { "",
                                       "/a/",
                                       "//",
                                       "/a//b",
                                       "/a b",
                                       "/a\n",
                                       "/a:b",
                                       "/\xc3",
                                       "/a.b",
                                       "a/",
                                       "@introduceDomain",
                                       "/a\\",
                                       "/a*",
                                       "@x" };
    char longest[XENSTORE_ABS_PATH_MAX + 8];

    begin(NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        IS(get(0, 0, bad[i]), "!EINVAL");
        IS(put(0, 0, bad[i], "x"), "!EINVAL");
        IS(remove_path(0, 0, bad[i]), "!EINVAL");
    }
    IS(put(0, 0, "/Az09-_@/b", "x"), "OK");
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[XENSTORE_ABS_PATH_MAX + 1] = 0;
    IS(put(0, 0, longest, ""), "!EINVAL");
    longest[XENSTORE_ABS_PATH_MAX] = 0;
    IS(put(0, 0, longest, ""), "OK");
    IS(get(0, 0, longest), "");
    longest[0] = 'x';
    longest[XENSTORE_REL_PATH_MAX + 1] = 0;
    IS(put(0, 0, longest, ""), "!EINVAL");
    longest[XENSTORE_REL_PATH_MAX] = 0;
    IS(put(0, 0, longest, ""), "OK");
    end();
}
END_TEST

START_TEST(a_path_of_1500_components_is_a_path)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    uint32_t tx;

    begin(NULL);
    for (unsigned i = 0; i < XENSTORE_ABS_PATH_MAX / 2; i++)
        memcpy(path + 2UL * i, "/x", 3);
    IS(put(0, 0, path, "deep"), "OK");
    IS(get(0, 0, path), "deep");
    tx = start(0);
    path[3] = 'y';
    IS(put(0, tx, path, "deep"), "OK");
    IS(get(0, tx, path), "deep");
    IS(finish(0, tx), "OK");
    IS(get(0, 0, path), "deep");
    IS(watch(0, path, "t"), "OK");
    events(0);
    IS(remove_path(0, 0, "/x"), "OK");
    ck_assert(strlen(events(0)) > 3000);
    end();
}
END_TEST

START_TEST(relative_paths_are_the_domains_own)
{
    begin(NULL);
    introduce(5, 5);
    IS(put(5, 0, "data/x", "1"), "OK");
    IS(get(0, 0, "/local/domain/5/data/x"), "1");
    IS(get(5, 0, "/local/domain/5/data/x"), "1");
    IS(put(0, 0, "y", "2"), "OK");
    IS(get(0, 0, "/local/domain/0/y"), "2");
    end();
}
END_TEST

/* What is not the message's form is EINVAL, whatever it would have done. */
START_TEST(malformed_messages_are_einval)
{
    static const struct {
        uint32_t type;
        unsigned size;
        const char *payload;
    } bad[] = {
        { XS_READ, 0, "" },
        { XS_READ, 2, "/a" },
        { XS_READ, 6, "/a\0/b\0" },
        { XS_READ, 4, "/a\0b" },
        { XS_DIRECTORY, 2, "/a" },
        { XS_WRITE, 2, "/a" },
        { XS_WRITE, 0, "" },
        { XS_MKDIR, 2, "/a" },
        { XS_RM, 2, "/a" },
        { XS_GET_PERMS, 2, "/a" },
        { XS_SET_PERMS, 3, "/a\0" },
        { XS_SET_PERMS, 5, "/a\0n0" },
        { XS_SET_PERMS, 5, "/a\0n\0" },
        { XS_SET_PERMS, 6, "/a\0x0\0" },
        { XS_SET_PERMS, 7, "/a\0n0x\0" },
        { XS_SET_PERMS, 7, "/a\0n-1\0" },
        { XS_SET_PERMS, 10, "/a\0n32752\0" },
        { XS_SET_PERMS, 11, "/a\0n999999\0" },
        { XS_SET_PERMS, 7, "/a\0\0n0\0" },
        { XS_WATCH, 3, "/a\0" },
        { XS_WATCH, 4, "/a\0t" },
        { XS_WATCH, 7, "/a\0t\0u\0" },
        { XS_UNWATCH, 3, "/a\0" },
        { XS_TRANSACTION_END, 0, "" },
        { XS_TRANSACTION_END, 1, "T" },
        { XS_TRANSACTION_END, 2, "X\0" },
        { XS_TRANSACTION_END, 3, "TT\0" },
        { XS_DIRECTORY_PART, 3, "/a\0" },
        { XS_DIRECTORY_PART, 5, "/a\0x\0" },
        { XS_DIRECTORY_PART, 6, "/a\0-1\0" },
        { XS_DIRECTORY_PART, 4, "/a\0\0" },
        { XS_INTRODUCE, 4,
          "1\0"
          "1\0" },
        { XS_INTRODUCE, 6,
          "0\0"
          "1\0"
          "1\0" },
        { XS_INTRODUCE, 6,
          "x\0"
          "1\0"
          "1\0" },
        { XS_INTRODUCE, 10,
          "32752\0"
          "1\0"
          "1\0" },
        { XS_INTRODUCE, 6,
          "1\0"
          "x\0"
          "1\0" },
        { XS_INTRODUCE, 15,
          "1\0"
          "1\0"
          "4294967296\0" },
        { XS_RELEASE, 2, "0\0" },
        { XS_RELEASE, 1, "\0" },
        { XS_GET_DOMAIN_PATH, 2, "x\0" },
        { XS_GET_DOMAIN_PATH, 22, "18446744073709551616\0" },
        { XS_IS_DOMAIN_INTRODUCED, 2, "x\0" },
        { XS_RESUME, 3, "1x\0" },
        { XS_SET_TARGET, 2, "1\0" },
        { XS_CONTROL, 4, "what" },
        { XS_CONTROL, 5, "what\0" },
    };

    begin(NULL);
    put(0, 0, "/a", "kept");
    allow(0, 0, "/a", "r0");
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *answer = ask_bytes(0, bad[i].type, 0, bad[i].payload, bad[i].size);
        ck_assert_msg(strcmp(answer, "!EINVAL") == 0, "%u: %s", i, answer);
    }
    IS(get(0, 0, "/a"), "kept");
    IS(allowed(0, 0, "/a"), "r0");
    end();
}
END_TEST

START_TEST(what_is_no_request_is_enosys)
{
    static const uint32_t types[] = { XS_WATCH_EVENT, XS_ERROR,   XS_SET_TARGET + 1,
                                      XS_TYPE_COUNT,  XS_INVALID, 0xffffffffU };

    begin(NULL);
    introduce(1, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        IS(ask(0, types[i], 0, 1, "/"), "!ENOSYS");
        IS(ask(1, types[i], 0, 1, "/"), "!ENOSYS");
    }
    end();
}
END_TEST

START_TEST(guests_may_not_what_is_dom0s)
{
    static const uint32_t types[] = { XS_INTRODUCE, XS_RELEASE,    XS_IS_DOMAIN_INTRODUCED,
                                      XS_RESUME,    XS_SET_TARGET, XS_CONTROL };

    begin(NULL);
    introduce(1, 2);
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        IS(ask(1, types[i], 0, 1, "2"), "!EACCES");
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "2"), "T");
    IS(ask(1, XS_GET_DOMAIN_PATH, 0, 1, "2"), "/local/domain/2");
    end();
}
END_TEST

START_TEST(domains_come_and_go)
{
    begin(NULL);
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "7"), "F");
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "0"), "T");
    IS(ask(0, XS_RELEASE, 0, 1, "7"), "!ENOENT");
    IS(ask(0, XS_RESUME, 0, 1, "7"), "!ENOENT");
    IS(ask(0, XS_INTRODUCE, 0, 3, "7", "0", "1"), "!EINVAL"); /* no such page */
    IS(ask(0, XS_INTRODUCE, 0, 3, "7", "1", "0"), "!EINVAL"); /* no such port */
    ck_assert(!guests[7].mapped);
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "7"), "F");
    IS(ask(0, XS_INTRODUCE, 0, 3, "7", "1", "1"), "OK");
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "7"), "T");
    IS(ask(0, XS_INTRODUCE, 0, 3, "7", "1", "5"), "OK"); /* another port of the same */
    ck_assert_int_eq(guests[7].port, 7005);
    IS(ask(0, XS_INTRODUCE, 0, 3, "7", "1", "0"), "!EINVAL");
    IS(ask(7, XS_GET_DOMAIN_PATH, 0, 1, "7"), "/local/domain/7");
    IS(ask(0, XS_RESUME, 0, 1, "7"), "OK");
    IS(ask(0, XS_RELEASE, 0, 1, "7"), "OK");
    ck_assert(!guests[7].mapped);
    IS(ask(0, XS_IS_DOMAIN_INTRODUCED, 0, 1, "7"), "F");
    end();
}
END_TEST

START_TEST(long_directories_come_in_parts)
{
    char path[32], all[20000] = "", got[20000] = "", generation[32];
    unsigned offset = 0, parts = 0;
    bool done = false;

    begin(NULL);
    for (unsigned i = 0; i < 1500; i++) {
        snprintf(path, sizeof(path), "/d/%u-name", i);
        put(0, 0, path, "");
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%u-name ", i);
    }
    IS(ask(0, XS_DIRECTORY, 0, 1, "/d"), "!E2BIG");
    while (!done) {
        char text[16];
        snprintf(text, sizeof(text), "%u", offset);
        const char *first = ask(0, XS_DIRECTORY_PART, 0, 2, "/d", text);
        ck_assert_uint_ne(first[0], '!');
        if (offset)
            IS(first, generation);
        snprintf(generation, sizeof(generation), "%s", first);
        for (char *at = reply_payload + strlen(generation) + 1; at < reply_payload + reply.len;
             at += strlen(at) + 1) {
            done |= !*at;
            offset += (unsigned)strlen(at) + 1;
            if (*at)
                snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", at);
        }
        ck_assert_uint_lt(++parts, 10);
    }
    IS(got, all);
    ck_assert_uint_gt(parts, 3);
    IS(ask(0, XS_DIRECTORY_PART, 0, 2, "/d", "3"), "!EINVAL"); /* within a name */
    ask(0, XS_DIRECTORY_PART, 0, 2, "/d", "1000000");
    ck_assert_uint_eq(reply.len, strlen(generation) + 2); /* beyond: only the end */
    /* A value below changes nothing, a child does. */
    put(0, 0, "/d/3-name", "x");
    IS(ask(0, XS_DIRECTORY_PART, 0, 2, "/d", "0"), generation);
    remove_path(0, 0, "/d/3-name");
    ck_assert_str_ne(ask(0, XS_DIRECTORY_PART, 0, 2, "/d", "0"), generation);
    end();
}
END_TEST

START_TEST(control_checks_and_tells_quotas)
{
    begin(NULL);
    IS(ask(0, XS_CONTROL, 0, 1, "check"), "OK");
    ck_assert(strstr(ask(0, XS_CONTROL, 0, 1, "quota"), "nodes 1000\n"));
    ck_assert(strstr(ask(0, XS_CONTROL, 0, 1, "help"), "check"));
    end();
}
END_TEST

START_TEST(large_values_go_through_a_small_ring)
{
    char value[2049];

    begin(NULL);
    introduce(1, 1);
    memset(value, 'v', sizeof(value));
    value[2048] = 0;
    IS(put(1, 0, "data", value), "OK");
    IS(get(1, 0, "data"), value);
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { values_are_what_was_written },
        { parents_come_to_be_with_their_children },
        { rm_takes_all_below_and_asks_for_a_parent },
        { paths_that_are_none },
        { a_path_of_1500_components_is_a_path },
        { relative_paths_are_the_domains_own },
        { malformed_messages_are_einval },
        { what_is_no_request_is_enosys },
        { guests_may_not_what_is_dom0s },
        { domains_come_and_go },
        { long_directories_come_in_parts },
        { control_checks_and_tells_quotas },
        { large_values_go_through_a_small_ring },
    };

    return RUN_TESTS("xenstore-lite/messages", tests);
}
