/* SPDX-License-Identifier: MIT */
#include "toolstack/config_parse.h"
#include <string.h>

#define SHOWN 40 /* characters of what is wrong */

struct parser {
    struct config_report *report;
    struct config_cursor cursor;
    char key[sizeof(((struct config_message *)NULL)->key)];
};

static bool refuse_bad(struct parser *p, const struct config_token *t)
{
    if (t->length)
        config_refuse(p->report, t->place, p->key, "%.*s %s",
                      (int)(t->length < SHOWN ? t->length : SHOWN), t->start, t->wrong);
    else
        config_refuse(p->report, t->place, p->key, "%s", t->wrong);
    return false;
}

static bool refuse_token(struct parser *p, const struct config_token *t, const char *wanted)
{
    if (t->kind == TOKEN_BAD)
        return refuse_bad(p, t);
    if (t->kind == TOKEN_END)
        config_refuse(p->report, t->place, p->key, "%s is wanted, and the text ends", wanted);
    else if (t->kind == TOKEN_NEWLINE)
        config_refuse(p->report, t->place, p->key, "%s is wanted, and the line ends", wanted);
    else
        config_refuse(p->report, t->place, p->key, "%s is wanted, not %.*s", wanted,
                      (int)(t->length < SHOWN ? t->length : SHOWN), t->start);
    return false;
}

static bool is_atom(const struct config_token *t)
{
    return t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING;
}

static bool refuse_value(struct parser *p, const struct config_token *t)
{
    if (t->kind != TOKEN_WORD)
        return refuse_token(p, t, "a value");
    config_refuse(p->report, t->place, p->key, "%.*s is neither a number nor a text in quotes",
                  (int)(t->length < SHOWN ? t->length : SHOWN), t->start);
    return false;
}

static struct config_token next_in_list(struct config_cursor *c)
{
    struct config_token t;

    do
        t = config_next(c);
    while (t.kind == TOKEN_NEWLINE);
    return t;
}

static bool parse_list(struct parser *p)
{
    for (unsigned i = 0;; i++) {
        struct config_token t = next_in_list(&p->cursor);
        if (t.kind == TOKEN_CLOSE)
            return true;
        if (t.kind == TOKEN_OPEN) {
            config_refuse(p->report, t.place, p->key, "a list in a list is not taken");
            return false;
        }
        if (!is_atom(&t))
            return refuse_value(p, &t);
        if (i >= CONFIG_ITEMS_MAX) {
            config_refuse(p->report, t.place, p->key, "a list has at most %u items",
                          CONFIG_ITEMS_MAX);
            return false;
        }
        t = next_in_list(&p->cursor);
        if (t.kind == TOKEN_CLOSE)
            return true;
        if (t.kind != TOKEN_COMMA)
            return refuse_token(p, &t, "',' or ']'");
    }
}

static bool parse_equals(struct parser *p)
{
    struct config_token t = config_next(&p->cursor);

    if (t.kind == TOKEN_EQUALS)
        return true;
    if (t.kind != TOKEN_APPEND)
        return refuse_token(p, &t, "'='");
    config_refuse(p->report, t.place, p->key,
                  "'+=' is not taken: give all of the value at once, by '='");
    return false;
}

static bool parse_value(struct parser *p)
{
    struct config_token t = config_next(&p->cursor);

    if (t.kind == TOKEN_OPEN ? !parse_list(p) : !is_atom(&t) && !refuse_value(p, &t))
        return false;
    t = config_next(&p->cursor);
    if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_SEMICOLON || t.kind == TOKEN_END)
        return true;
    return refuse_token(p, &t, "the end of the line");
}

static void note_key(struct parser *p, const struct config_token *key)
{
    size_t n = key->length < sizeof(p->key) - 1 ? key->length : sizeof(p->key) - 1;

    memcpy(p->key, key->start, n);
    p->key[n] = 0;
}

bool config_parse(const struct config_source *sources, unsigned index, struct config_report *report,
                  void (*set)(void *context, const struct config_token *key,
                              struct config_cursor value),
                  void *context)
{
    struct parser p = { .report = report, .cursor = { &sources[index], { index, 0 } } };

    for (;;) {
        struct config_token key = config_next(&p.cursor);
        if (key.kind == TOKEN_END)
            return true;
        if (key.kind == TOKEN_NEWLINE || key.kind == TOKEN_SEMICOLON)
            continue;
        p.key[0] = 0;
        if (key.kind != TOKEN_WORD)
            return refuse_token(&p, &key, "KEY = VALUE");
        note_key(&p, &key);
        if (!parse_equals(&p))
            return false;
        config_skip_blanks(&p.cursor);
        struct config_cursor value = p.cursor;
        if (!parse_value(&p))
            return false;
        set(context, &key, value);
    }
}

/* --- Values, once more --- */

bool config_next_atom(struct config_cursor *value, bool in_list, struct config_token *atom)
{
    do
        *atom = config_next(value);
    while (in_list &&
           (atom->kind == TOKEN_NEWLINE || atom->kind == TOKEN_COMMA || atom->kind == TOKEN_OPEN));
    return is_atom(atom);
}
