/* SPDX-License-Identifier: MIT */
/*
 * Random requests against a model that knows only the rules: one by one, with watches; and in
 * transactions of several clients that run into each other. What is committed must be what a serial
 * run gives: when a transaction ends, its requests are put to the model in one go, and all the
 * answers must be those that it got. And nobody may be refused without a reason: something that its
 * requests depend on has changed since it began.
 */
#include "run.h"
#include "guests.h"
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_WHO  4U /* dom0 and three guests */
#define NR_OPEN 3U /* transactions of each */
#define MAX_OPS 12U

static uint64_t first_seed = 1, seed;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(random_next(&seed) % n);
}

struct op {
    uint32_t type;
    char path[64];
    char text[32];
    char answer[4096];
};

/* Few names, so that they meet; three levels, so that they nest. */
static void random_path(char *path)
{
    unsigned depth = 1 + below(3);

    path[0] = 0;
    for (unsigned i = 0; i < depth; i++)
        sprintf(path + strlen(path), "/%c", 'a' + (int)below(3));
}

static void random_op(struct op *op)
{
    static const uint32_t types[] = { XS_READ,      XS_READ,      XS_WRITE,    XS_WRITE,
                                      XS_WRITE,     XS_MKDIR,     XS_RM,       XS_DIRECTORY,
                                      XS_DIRECTORY, XS_GET_PERMS, XS_SET_PERMS };
    static uint32_t number;

    op->type = types[below(ARRAY_SIZE(types))];
    random_path(op->path);
    if (op->type == XS_DIRECTORY && below(4) == 0)
        strcpy(op->path, "/");
    op->text[0] = 0;
    if (op->type == XS_WRITE)
        sprintf(op->text, "%u", ++number);
    if (op->type == XS_SET_PERMS)
        sprintf(op->text, "%c%u %c%u", "nrwbb"[below(5)], below(NR_WHO), "nrwb"[below(4)],
                1 + below(NR_WHO - 1));
}

static const char *store_do(unsigned who, uint32_t tx, const struct op *op)
{
    switch (op->type) {
    case XS_READ:
        return get(who, tx, op->path);
    case XS_WRITE:
        return put(who, tx, op->path, op->text);
    case XS_RM:
        return remove_path(who, tx, op->path);
    case XS_DIRECTORY:
        return list(who, tx, op->path);
    case XS_GET_PERMS:
        return allowed(who, tx, op->path);
    case XS_SET_PERMS:
        return allow(who, tx, op->path, op->text);
    default:
        return ask(who, op->type, tx, 1, op->path);
    }
}

static void compare_node(const char *path, const char *value, const char *perms)
{
    ck_assert_str_eq(get(0, 0, path), value);
    ck_assert_str_eq(allowed(0, 0, path), perms);
    ck_assert_str_eq(list(0, 0, path), model_do(0, XS_DIRECTORY, path, NULL));
}

static void begin_game(uint64_t number)
{
    seed = number * 0x9e3779b97f4a7c15U + 1;
    begin(NULL);
    introduce(1, NR_WHO - 1);
    store_remove_subtree(store, "/local");
    model_begin();
    allow(0, 0, "/", "b0");
    model_do(0, XS_SET_PERMS, "/", "b0");
}

static void end_game(void)
{
    model_each(compare_node);
    const char *wrong = audit_now();
    ck_assert_msg(!wrong, "the audit finds: %s", wrong);
    end();
}

static void random_watch(void)
{
    unsigned who = below(NR_WHO);
    char path[64], token[8];

    random_path(path);
    if (below(10) == 0)
        strcpy(path, "/");
    sprintf(token, "t%u", below(2));
    if (below(3)) {
        const char *wanted = model_watches(who, path, token) ? "!EEXIST" : "OK";
        ck_assert_str_eq(watch(who, path, token), wanted);
        if (wanted[0] == 'O')
            model_watch(who, path, token);
    } else {
        const char *wanted = model_unwatch(who, path, token) ? "OK" : "!ENOENT";
        ck_assert_str_eq(unwatch(who, path, token), wanted);
    }
    events(who);
}

START_TEST(requests_and_events_are_as_the_model_says)
{
    struct op op;

    begin_game(first_seed + (unsigned)_i);
    for (unsigned i = 0; i < 1500; i++) {
        if (below(10) == 0)
            random_watch();
        unsigned who = below(NR_WHO);
        random_op(&op);
        const char *answer = store_do(who, 0, &op);
        ck_assert_str_eq(answer, model_do(who, op.type, op.path, op.text));
        for (unsigned w = 0; w < NR_WHO; w++)
            ck_assert_str_eq(sorted_events(events(w)), model_events(w));
    }
    end_game();
}
END_TEST

/* --- Transactions --- */

struct open_tx {
    uint32_t id; /* 0: none */
    unsigned nr;
    size_t changes_before;
    struct op ops[MAX_OPS];
};

static struct open_tx open_txs[NR_WHO][NR_OPEN];
static unsigned nr_committed, nr_refused;

static bool is_above_or_equal(const char *top, const char *path)
{
    size_t length = strlen(top);

    return strncmp(top, path, length) == 0 && (path[length] == '/' || !path[length]);
}

static bool depends(const struct op *op, const char *changed)
{
    char parent[64];

    if (is_above_or_equal(changed, op->path))
        return true;
    snprintf(parent, sizeof(parent), "%s", changed);
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = 0;
    return op->type == XS_DIRECTORY && strcmp(parent, op->path) == 0;
}

static bool has_reason(const struct open_tx *tx)
{
    for (size_t i = tx->changes_before; i < model_nr_changes(); i++)
        for (unsigned n = 0; n < tx->nr; n++)
            if (depends(&tx->ops[n], model_change(i)))
                return true;
    return false;
}

static void end_tx(unsigned who, struct open_tx *tx)
{
    bool commit = below(8) != 0;
    const char *answer = ask(who, XS_TRANSACTION_END, tx->id, 1, commit ? "T" : "F");

    tx->id = 0;
    if (strcmp(answer, "!EAGAIN") == 0) {
        ck_assert(commit);
        ck_assert_msg(has_reason(tx), "refused for nothing");
        nr_refused++;
        return;
    }
    ck_assert_str_eq(answer, "OK");
    if (!commit)
        return;
    for (unsigned i = 0; i < tx->nr; i++) {
        const struct op *op = &tx->ops[i];
        ck_assert_str_eq(model_do(who, op->type, op->path, op->text), op->answer);
    }
    nr_committed++;
}

static void step(void)
{
    unsigned who = below(NR_WHO);
    struct open_tx *tx = &open_txs[who][below(NR_OPEN)];
    struct op op;

    if (below(12) == 0) { /* in no transaction */
        random_op(&op);
        ck_assert_str_eq(store_do(who, 0, &op), model_do(who, op.type, op.path, op.text));
        return;
    }
    if (!tx->id) {
        *tx = (struct open_tx){ .id = start(who), .changes_before = model_nr_changes() };
        ck_assert_uint_ne(tx->id, 0);
    } else if (tx->nr == MAX_OPS || below(5) == 0) {
        end_tx(who, tx);
    } else {
        struct op *next = &tx->ops[tx->nr++];
        random_op(next);
        snprintf(next->answer, sizeof(next->answer), "%s", store_do(who, tx->id, next));
    }
}

START_TEST(transactions_are_as_if_one_after_the_other)
{
    begin_game(first_seed + (unsigned)_i);
    for (unsigned i = 0; i < 3000; i++)
        step();
    model_each(compare_node);
    ck_assert_uint_gt(nr_committed, 50); /* else this was no test */
    ck_assert_uint_gt(nr_refused, 50);
    end_game();
}
END_TEST

int main(void)
{
    const char *seeds = getenv("TENON_SEEDS");
    uint64_t last = 24;

    if (seeds && (sscanf(seeds, "%lu-%lu", &first_seed, &last) != 2 || last < first_seed))
        return EXIT_FAILURE;
    const struct test tests[] = {
        { requests_and_events_are_as_the_model_says, .rounds = (int)(last - first_seed + 1) },
        { transactions_are_as_if_one_after_the_other, .rounds = (int)(last - first_seed + 1) },
    };

    return RUN_TESTS("xenstore-lite/serial", tests);
}
