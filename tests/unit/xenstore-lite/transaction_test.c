/* SPDX-License-Identifier: MIT */
/* Transactions: what conflicts and what does not, case by case. */
#include "run.h"
#include "guests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS(answer, wanted) ck_assert_str_eq(answer, wanted)

START_TEST(changes_are_seen_inside_and_after_the_end_only)
{
    uint32_t tx;

    begin(NULL);
    put(0, 0, "/a/b", "old");
    put(0, 0, "/a/gone/x", "old");
    tx = start(0);
    put(0, tx, "/a/b", "new");
    put(0, tx, "/a/c/d", "new");
    remove_path(0, tx, "/a/gone");
    allow(0, tx, "/a", "r7");
    IS(get(0, tx, "/a/b"), "new");
    IS(list(0, tx, "/a"), "b c ");
    IS(list(0, tx, "/a/c"), "d ");
    IS(get(0, tx, "/a/gone/x"), "!ENOENT");
    IS(allowed(0, tx, "/a"), "r7");
    IS(get(0, 0, "/a/b"), "old");
    IS(list(0, 0, "/a"), "b gone ");
    IS(allowed(0, 0, "/a"), "n0");
    IS(finish(0, tx), "OK");
    IS(get(0, 0, "/a/b"), "new");
    IS(get(0, 0, "/a/c/d"), "new");
    IS(list(0, 0, "/a"), "b c ");
    IS(allowed(0, 0, "/a"), "r7");
    IS(finish(0, tx), "!ENOENT");
    IS(get(0, tx, "/a"), "!ENOENT");
    end();
}
END_TEST

START_TEST(an_aborted_one_leaves_nothing)
{
    uint32_t tx;

    begin(NULL);
    put(0, 0, "/a/b", "old");
    tx = start(0);
    remove_path(0, tx, "/a");
    put(0, tx, "/a/x", "new");
    IS(ask(0, XS_TRANSACTION_END, tx, 1, "F"), "OK");
    IS(list(0, 0, "/a"), "b ");
    tx = start(0);
    IS(ask(0, XS_TRANSACTION_START, tx, 1, ""), "!EBUSY");
    IS(ask(0, XS_TRANSACTION_END, 0, 1, "T"), "!ENOENT");
    IS(ask(0, XS_TRANSACTION_END, tx + 1, 1, "T"), "!ENOENT");
    end(); /* one is still open */
}
END_TEST

START_TEST(removed_and_made_again_is_new)
{
    uint32_t tx;

    begin(NULL);
    put(0, 0, "/a/b/c", "old");
    put(0, 0, "/a/d", "old");
    tx = start(0);
    put(0, tx, "/a/b/c", "before");
    IS(remove_path(0, tx, "/a"), "OK");
    IS(get(0, tx, "/a/b/c"), "!ENOENT");
    IS(put(0, tx, "/a/b", "again"), "OK");
    IS(list(0, tx, "/a"), "b ");
    IS(list(0, tx, "/a/b"), "");
    IS(remove_path(0, tx, "/a/b"), "OK");
    IS(put(0, tx, "/a/e/f", "again"), "OK");
    IS(list(0, tx, "/a"), "e ");
    IS(finish(0, tx), "OK");
    IS(list(0, 0, "/a"), "e ");
    IS(get(0, 0, "/a/e/f"), "again");
    IS(get(0, 0, "/a/b"), "!ENOENT");
    end();
}
END_TEST

/* What a transaction does, what somebody else does meanwhile, and whether that may be committed. */
struct meeting {
    const char *ours,
        *theirs; /* "r/a" read, "w/a" write, "l/a" list, "d/a" remove, "m/a" mkdir, "p/a"
                    permissions, "s/a" set permissions; several in a row, each ends in a blank */
    bool conflict;
};

static void act(uint32_t tx, const char *what)
{
    char path[32];
    int used;

    for (; *what; what += used) {
        char op = *what++;
        ck_assert_int_eq(sscanf(what, "%31s %n", path, &used), 1);
        switch (op) {
        case 'r':
            get(0, tx, path);
            break;
        case 'w':
            put(0, tx, path, tx ? "ours" : "theirs");
            break;
        case 'l':
            list(0, tx, path);
            break;
        case 'd':
            remove_path(0, tx, path);
            break;
        case 'm':
            ask(0, XS_MKDIR, tx, 1, path);
            break;
        case 'p':
            allowed(0, tx, path);
            break;
        case 's':
            allow(0, tx, path, tx ? "r0" : "w0");
            break;
        default:
            ck_abort();
        }
    }
}

START_TEST(conflicts_are_about_what_was_read)
{
    static const struct meeting meetings[] = {
        /* values */
        { "r/a ", "w/a ", true },
        { "r/a ", "w/b ", false },
        { "r/a ", "w/a/x ", false }, /* a child is not its value */
        { "r/a ", "s/a ", false },   /* dom0 looks at no permissions */
        { "r/a ", "d/a w/a ", true },
        { "r/a/x ", "d/a ", true },
        { "r/a/x ", "w/a ", false },
        { "w/a r/a ", "w/a ", false }, /* its own value was read */
        { "w/a ", "w/a ", false },     /* nothing was read but that /a is there */
        { "w/a ", "d/a ", true },
        { "w/a ", "d/a w/a ", true },
        { "r/a w/b ", "r/a r/b l/ ", false }, /* reading harms nobody */
        /* absence */
        { "r/none ", "w/none ", true },
        { "r/none ", "w/none d/none ", false }, /* is as absent as it was */
        { "r/none ", "w/other ", false },
        { "r/none/x ", "w/none/y ", false },
        { "r/none/x ", "w/none/x ", true },
        { "w/none/x ", "w/none/y ", true }, /* it made /none, which then was there */
        { "w/new ", "w/new ", true },
        { "w/new ", "w/new2 ", false },
        { "m/new ", "m/new ", true },
        { "m/a ", "w/a ", false },
        { "d/none ", "w/none ", true },
        { "d/a/none ", "d/a ", true },    /* there was a parent */
        { "d/none/x ", "w/none ", true }, /* there was none */
        { "d/none/x ", "w/other ", false },
        /* lists */
        { "l/a ", "w/a/new ", true },
        { "l/a ", "d/a/x ", true },
        { "l/a ", "w/a/x ", false },     /* a child's value is not its name */
        { "l/a ", "w/a/x/new ", false }, /* nor a grandchild */
        { "l/a ", "w/a ", false },
        { "l/a ", "s/a ", false },
        { "l/ ", "w/new/child ", true },
        { "w/a/new ", "w/a/other ", false }, /* making a child is not listing them */
        { "w/a/new l/a ", "w/a/other ", true },
        { "w/a/new r/a/new ", "w/a/x ", false },
        /* permissions */
        { "p/a ", "s/a ", true },
        { "p/a ", "w/a w/a/new ", false },
        { "s/a p/a ", "s/a ", false },
        { "s/a ", "w/a ", false },
        { "w/a/new ", "s/a ", true }, /* a child has its parent's */
        { "w/a/new ", "w/a ", false },
        { "w/a/x ", "s/a ", false },
        /* removal */
        { "d/a ", "w/a/new w/a/x ", false }, /* it would take them, too */
        { "d/a ", "d/a ", true },
        { "d/a ", "d/a w/a ", true },
        { "r/a/x d/a ", "w/a/x ", true }, /* what was read stays read */
        { "d/a w/a/x r/a/x l/a ", "w/a/x w/a/new ", false },
        { "d/a/x ", "d/a ", true },
        { "d/a/x ", "w/a/y ", false },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(meetings); i++) {
        struct store_counters counters;
        begin(NULL);
        put(0, 0, "/a/x", "1");
        put(0, 0, "/b", "1");
        uint32_t tx = start(0);
        act(tx, meetings[i].ours);
        act(0, meetings[i].theirs);
        const char *answer = finish(0, tx);
        ck_assert_msg(strcmp(answer, meetings[i].conflict ? "!EAGAIN" : "OK") == 0,
                      "'%s' and '%s': %s", meetings[i].ours, meetings[i].theirs, answer);
        store_counters(store, &counters);
        ck_assert_uint_eq(counters.conflicts, meetings[i].conflict);
        ck_assert_uint_eq(counters.commits, !meetings[i].conflict);
        end();
    }
}
END_TEST

START_TEST(a_removal_takes_what_came_meanwhile)
{
    uint32_t tx;

    begin(NULL);
    put(0, 0, "/a/x", "1");
    tx = start(0);
    remove_path(0, tx, "/a");
    put(0, 0, "/a/late", "1");
    IS(finish(0, tx), "OK");
    IS(list(0, 0, "/"), "");
    end();
}
END_TEST

/* It saw that /n was absent, then made something below it, and in the end it is absent again. */
START_TEST(what_was_seen_in_two_states_conflicts_even_if_the_first_comes_back)
{
    uint32_t tx;

    begin(NULL);
    tx = start(0);
    IS(get(0, tx, "/n"), "!ENOENT");
    put(0, 0, "/n", "1");
    IS(allow(0, tx, "/n", "r0"), "OK");
    IS(put(0, tx, "/n/below", "1"), "OK");
    remove_path(0, 0, "/n");
    IS(finish(0, tx), "!EAGAIN");
    end();
}
END_TEST

/* A guest reads permissions wherever it goes. */
START_TEST(rights_that_change_meanwhile_count)
{
    uint32_t tx;

    begin(NULL);
    introduce(1, 1);
    put(0, 0, "/a", "1");
    allow(0, 0, "/a", "b0");
    tx = start(1);
    IS(get(1, tx, "/a"), "1");
    allow(0, 0, "/a", "n0");
    IS(finish(1, tx), "!EAGAIN");
    tx = start(1);
    IS(get(1, tx, "/a"), "!EACCES");
    allow(0, 0, "/a", "b0");
    IS(finish(1, tx), "!EAGAIN"); /* a refusal is an answer, too */
    tx = start(1);
    IS(get(1, tx, "/a/none"), "!ENOENT");
    IS(put(1, tx, "/a/mine", "1"), "OK");
    IS(put(0, 0, "/a/others", "1"), "OK");
    IS(put(0, 0, "/a", "2"), "OK");
    IS(finish(1, tx), "OK");
    end();
}
END_TEST

START_TEST(two_of_the_same_client_meet_like_strangers)
{
    uint32_t first, second;

    begin(NULL);
    introduce(1, 1);
    put(1, 0, "n", "1");
    first = start(1);
    second = start(1);
    ck_assert_uint_ne(first, second);
    IS(get(1, first, "n"), "1");
    IS(get(1, second, "n"), "1");
    put(1, first, "n", "2");
    put(1, second, "n", "3");
    IS(get(1, first, "n"), "2");
    IS(finish(1, first), "OK");
    IS(finish(1, second), "!EAGAIN");
    IS(get(1, 0, "n"), "2");
    end();
}
END_TEST

/* A hundred guests connect a disk and a network card each, all at once, as front ends and
 * toolstacks do. */
START_TEST(a_hundred_clients_at_once_do_not_meet)
{
    struct store_counters counters;
    uint32_t front[101], back[101];
    char path[64], text[32];

    begin(NULL);
    introduce(1, 100);
    put(0, 0, "/local/domain/0/backend/vbd", "");
    for (unsigned i = 1; i <= 100; i++) {
        front[i] = start(i);
        back[i] = start(0);
    }
    for (unsigned step = 0; step < 4; step++)
        for (unsigned i = 1; i <= 100; i++) {
            static const char *const keys[] = { "ring-ref", "event-channel", "protocol", "state" };
            snprintf(path, sizeof(path), "device/vbd/51712/%s", keys[step]);
            IS(get(i, front[i], path), "!ENOENT");
            IS(put(i, front[i], path, "8"), "OK");
            snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/51712/%s", i, keys[step]);
            IS(put(0, back[i], path, "8"), "OK");
            snprintf(text, sizeof(text), "n0 r%u", i);
            IS(allow(0, back[i], path, text), "OK");
        }
    for (unsigned i = 100; i >= 1; i--) {
        IS(finish(i, front[i]), "OK");
        IS(finish(0, back[i]), "OK");
    }
    store_counters(store, &counters);
    ck_assert_uint_eq(counters.conflicts, 0);
    ck_assert_uint_eq(counters.commits, 200);
    snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/100/51712/state");
    IS(get(100, 0, path), "8");
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { changes_are_seen_inside_and_after_the_end_only },
        { an_aborted_one_leaves_nothing },
        { removed_and_made_again_is_new },
        { conflicts_are_about_what_was_read },
        { a_removal_takes_what_came_meanwhile },
        { what_was_seen_in_two_states_conflicts_even_if_the_first_comes_back },
        { rights_that_change_meanwhile_count },
        { two_of_the_same_client_meet_like_strangers },
        { a_hundred_clients_at_once_do_not_meet },
    };

    return RUN_TESTS("xenstore-lite/transaction", tests);
}
