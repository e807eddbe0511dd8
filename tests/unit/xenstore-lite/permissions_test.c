/* SPDX-License-Identifier: MIT */
/* Who may do what, and what is left of that when a domain dies. */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

START_TEST(letters_say_what_others_may)
{
    static const struct {
        const char *perms;
        bool may_read, may_write;
    } rows[] = {
        { "n0", false, false },      { "r0", true, false },       { "w0", false, true },
        { "b0", true, true },        { "n0 r1", true, false },    { "n0 w1", false, true },
        { "n0 b1", true, true },     { "b0 n1", false, false },   { "n0 b2", false, false },
        { "n1", true, true },        { "n2 r3 w1", false, true }, { "b2 r1 b1", true, false },
        { "r0 w3 b2", true, false }, /* the entries of others are not ours */
    };

    begin(NULL);
    introduce(1, 3);
    put(0, 0, "/x", "value");
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        allow(0, 0, "/x", rows[i].perms);
        IS(allowed(0, 0, "/x"), rows[i].perms);
        put(0, 0, "/x", "value");
        for (unsigned in_tx = 0; in_tx < 2; in_tx++) {
            uint32_t tx = in_tx ? start(1) : 0;
            IS(get(1, tx, "/x"), rows[i].may_read ? "value" : "!EACCES");
            IS(list(1, tx, "/x"), rows[i].may_read ? "" : "!EACCES");
            IS(allowed(1, tx, "/x"), rows[i].may_read ? rows[i].perms : "!EACCES");
            IS(ask(1, XS_MKDIR, tx, 1, "/x"), rows[i].may_write ? "OK" : "!EACCES");
            IS(put(1, tx, "/x", "value"), rows[i].may_write ? "OK" : "!EACCES");
            IS(get(1, tx, "/x/none"), rows[i].may_read ? "!ENOENT" : "!EACCES");
            IS(put(1, tx, "/x/made", "1"), rows[i].may_write ? "OK" : "!EACCES");
            if (tx)
                IS(finish(1, tx), "OK");
            remove_path(0, 0, "/x/made");
        }
    }
    end();
}
END_TEST

START_TEST(what_a_guest_makes_is_its_own)
{
    begin(NULL);
    introduce(1, 2);
    put(0, 0, "/shared", "");
    allow(0, 0, "/shared", "n0 b1 r2");
    IS(put(1, 0, "/shared/a/b", "x"), "OK");
    IS(allowed(0, 0, "/shared/a"), "n1 b1 r2");
    IS(allowed(0, 0, "/shared/a/b"), "n1 b1 r2");
    IS(get(2, 0, "/shared/a/b"), "x");
    IS(put(2, 0, "/shared/a/b", "y"), "!EACCES");
    /* dom0's children of it are the guest's as well. */
    IS(put(0, 0, "/shared/a/c", "z"), "OK");
    IS(allowed(0, 0, "/shared/a/c"), "n1 b1 r2");
    end();
}
END_TEST

START_TEST(only_the_owner_changes_permissions_and_gives_nothing_away)
{
    begin(NULL);
    introduce(1, 2);
    put(0, 0, "/x", "");
    allow(0, 0, "/x", "n1 b2");
    for (unsigned in_tx = 0; in_tx < 2; in_tx++) {
        uint32_t tx = in_tx ? start(1) : 0;
        IS(allow(1, tx, "/x", "n2 b1"), "!EPERM");
        IS(allow(1, tx, "/x", "n0"), "!EPERM");
        IS(allow(1, tx, "/x", "r1 b2"), "OK");
        IS(allowed(1, tx, "/x"), "r1 b2");
        if (tx)
            IS(finish(1, tx), "OK");
    }
    IS(allow(2, 0, "/x", "b2"), "!EACCES");
    IS(allow(2, 0, "/none", "b2"), "!EACCES");
    IS(allow(0, 0, "/none", "b2"), "!ENOENT");
    IS(allow(0, 0, "/x", "n2"), "OK");
    IS(get(1, 0, "/x"), "!EACCES");
    end();
}
END_TEST

/* A guest is not told whether something exists below what it may not see. */
START_TEST(absence_is_hidden_like_presence)
{
    begin(NULL);
    introduce(1, 1);
    put(0, 0, "/secret/yes", "");
    IS(get(1, 0, "/secret/yes"), "!EACCES");
    IS(get(1, 0, "/secret/no"), "!EACCES");
    IS(get(1, 0, "/secret/no/deeper"), "!EACCES");
    IS(remove_path(1, 0, "/secret/no"), "!EACCES");
    IS(remove_path(1, 0, "/secret/yes"), "!EACCES");
    IS(list(1, 0, "/"), "!EACCES");
    end();
}
END_TEST

/* Domain numbers come again: who comes later must not find the rights of the dead (XSA-322). */
START_TEST(the_next_domain_of_that_number_inherits_nothing)
{
    begin(NULL);
    introduce(1, 2);
    put(0, 0, "/x", "v");
    put(0, 0, "/y", "v");
    allow(0, 0, "/x", "n0 b1 r2");
    allow(0, 0, "/y", "r1 w2");
    put(1, 0, "data", "v");
    IS(get(1, 0, "/x"), "v");
    guests[1].life = STORE_DOMAIN_GONE;
    ck_assert_int_eq(store_release(store, 1), 0);
    guests[1].life = STORE_DOMAIN_RUNNING;
    ck_assert_int_eq(store_introduce(store, 1, 1, 1), 0);
    IS(get(1, 0, "/x"), "!EACCES");
    IS(put(1, 0, "/y", "w"), "!EACCES"); /* it owned it */
    IS(get(1, 0, "data"), "!EACCES");
    IS(allowed(0, 0, "/x"), "n0 r2");
    IS(allowed(0, 0, "/y"), "r0 w2");
    IS(get(2, 0, "/x"), "v");
    /* The toolstack makes its home anew. */
    remove_path(0, 0, "/local/domain/1");
    put(0, 0, "/local/domain/1", "");
    allow(0, 0, "/local/domain/1", "n1");
    IS(put(1, 0, "data", "v"), "OK");
    end();
}
END_TEST

/* A domain that never came to the store may have been named by dom0; its death counts as well. */
START_TEST(death_is_noticed_of_domains_that_were_never_introduced)
{
    begin(NULL);
    put(0, 0, "/x", "v");
    allow(0, 0, "/x", "n0 r9");
    guests[9].life = STORE_DOMAIN_GONE;
    store_domains_changed(store);
    guests[9].life = STORE_DOMAIN_RUNNING;
    introduce(9, 9);
    IS(get(9, 0, "/x"), "!EACCES");
    IS(allowed(0, 0, "/x"), "n0");
    end();
}
END_TEST

START_TEST(a_domain_that_is_released_but_lives_keeps_its_rights)
{
    begin(NULL);
    introduce(1, 1);
    put(0, 0, "/x", "v");
    allow(0, 0, "/x", "n0 r1");
    put(1, 0, "data", "v");
    ck_assert_int_eq(store_release(store, 1), 0);
    ck_assert_int_eq(store_introduce(store, 1, 1, 1), 0);
    IS(get(1, 0, "/x"), "v");
    IS(get(1, 0, "data"), "v");
    ck_assert_int_eq(store_release(store, 1), 0);
    guests[1].life = STORE_DOMAIN_GONE;
    store_domains_changed(store); /* though it has no ring any more */
    IS(allowed(0, 0, "/x"), "n0");
    end();
}
END_TEST

START_TEST(who_acts_for_another_may_what_it_may)
{
    begin(NULL);
    introduce(1, 3);
    put(1, 0, "data", "v");
    IS(get(2, 0, "/local/domain/1/data"), "!EACCES");
    IS(ask(0, XS_SET_TARGET, 0, 2, "2", "1"), "OK");
    IS(get(2, 0, "/local/domain/1/data"), "v");
    watch(2, "/local/domain/1", "t");
    events(2);
    put(1, 0, "data", "w");
    IS(events(2), "/local/domain/1/data t;");
    IS(ask(0, XS_SET_TARGET, 0, 2, "3", "1"), "!EBUSY");
    IS(ask(0, XS_SET_TARGET, 0, 2, "1", "1"), "!EINVAL");
    IS(ask(0, XS_SET_TARGET, 0, 2, "4", "1"), "!ENOENT");
    IS(ask(0, XS_SET_TARGET, 0, 2, "1", "4"), "!ENOENT");
    guests[1].life = STORE_DOMAIN_GONE;
    store_domains_changed(store);
    IS(get(2, 0, "/local/domain/1/data"), "!EACCES");
    end();
}
END_TEST

START_TEST(special_paths_have_permissions)
{
    begin(NULL);
    introduce(1, 1);
    IS(allowed(0, 0, "@releaseDomain"), "n0");
    IS(allowed(1, 0, "@releaseDomain"), "!EACCES");
    IS(allow(1, 0, "@releaseDomain", "r1"), "!EACCES");
    IS(allow(0, 0, "@nothing", "r1"), "!ENOENT");
    IS(allowed(0, 0, "@nothing"), "!ENOENT");
    IS(allow(0, 0, "@releaseDomain", "n0 r1"), "OK");
    IS(allowed(1, 0, "@releaseDomain"), "n0 r1");
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { letters_say_what_others_may },
        { what_a_guest_makes_is_its_own },
        { only_the_owner_changes_permissions_and_gives_nothing_away },
        { absence_is_hidden_like_presence },
        { the_next_domain_of_that_number_inherits_nothing },
        { death_is_noticed_of_domains_that_were_never_introduced },
        { a_domain_that_is_released_but_lives_keeps_its_rights },
        { who_acts_for_another_may_what_it_may },
        { special_paths_have_permissions },
    };

    return RUN_TESTS("xenstore-lite/permissions", tests);
}
