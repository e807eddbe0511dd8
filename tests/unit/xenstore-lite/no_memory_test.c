/* SPDX-License-Identifier: MIT */
/*
 * No memory: each allocation of a scenario fails once. What was asked for is refused or, for
 * events, told less exactly; nothing is half done, and nothing is lost or leaked.
 */
#include "run.h"
#include "guests.h"
#include <errno.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);

static unsigned countdown; /* 0: never */
static bool failed;

static bool fails(void)
{
    if (!countdown || --countdown)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
    return fails() ? NULL : __real_calloc(nr, size);
}

static bool all_fine;

static void note(const char *answer)
{
    all_fine &= answer[0] != '!' || strcmp(answer, "!ENOMEM") == 0;
}

/* All that allocates, done by dom0: nobody else's answers come in between. Check allocates, too: no
 * assertions here. */
static void scenario(void)
{
    all_fine = true;
    note(put(0, 0, "/a/b/c", "value"));
    note(put(0, 0, "/a/b/c", "another"));
    note(allow(0, 0, "/a", "r0 b1 r300"));
    note(watch(0, "/a", "token"));
    note(watch(0, "/a/b", "token"));
    note(put(0, 0, "/a/b/c", "third"));
    uint32_t tx = start(0);
    if (tx) {
        note(put(0, tx, "/a/x/y", "value"));
        note(put(0, tx, "/a/b", "value"));
        note(allow(0, tx, "/a", "r1"));
        note(put(0, tx, "/a/b/c/d", "value"));
        note(finish(0, tx));
    }
    note(remove_path(0, 0, "/a"));
    int error = store_introduce(store, 1, 1, 1);
    all_fine &= error == 0 || error == ENOMEM;
}

START_TEST(each_allocation_may_fail)
{
    unsigned nr = 0;

    do {
        begin(NULL);
        failed = false;
        countdown = ++nr;
        scenario();
        countdown = 0;
        ck_assert_msg(all_fine, "allocation %u", nr);
        ck_assert_ptr_null(audit_now());
        end();
    } while (failed);
    ck_assert_uint_gt(nr, 40);
}
END_TEST

START_TEST(a_store_that_cannot_be_made_leaves_nothing)
{
    struct store *made = NULL;
    unsigned nr = 0;

    while (!made) {
        failed = false;
        countdown = ++nr;
        made = store_create(&guests_port, NULL, NULL);
        countdown = 0;
        ck_assert(failed == !made);
    }
    store_destroy(made);
    ck_assert_uint_gt(nr, 6);
}
END_TEST

/* An event without memory becomes one for the whole watch. */
START_TEST(an_event_that_cannot_be_kept_is_told_of_the_whole_watch)
{
    begin(NULL);
    put(0, 0, "/a/b/c", "x");
    watch(0, "/a", "t");
    events(0);
    countdown = 2; /* the value's copy, then the event */
    put(0, 0, "/a/b/c", "y");
    ck_assert(failed);
    ck_assert_str_eq(get(0, 0, "/a/b/c"), "y");
    ck_assert_str_eq(put(0, 0, "/a/b", "y"), "OK"); /* merged */
    ck_assert_str_eq(events(0), "/a t;");
    put(0, 0, "/a/b", "y");
    ck_assert_str_eq(events(0), "/a/b t;");
    end();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { each_allocation_may_fail },
        { a_store_that_cannot_be_made_leaves_nothing },
        { an_event_that_cannot_be_kept_is_told_of_the_whole_watch },
    };

    return RUN_TESTS("xenstore-lite/no_memory", tests);
}
