/* SPDX-License-Identifier: MIT */
/* Words, numbers, quoted texts and marks of a configuration's text. Each is a place in it, and is
 * not copied. */
#ifndef TOOLSTACK_CONFIG_TOKEN_H
#define TOOLSTACK_CONFIG_TOKEN_H

#include "toolstack/config.h"

enum config_token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_SEMICOLON,
    TOKEN_WORD,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_EQUALS,
    TOKEN_APPEND, /* += */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_BAD,
};

struct config_token {
    enum config_token_kind kind;
    struct config_place place;
    const char *start; /* as it stands in the text: printable ASCII, unless it is bad */
    size_t length;
    const char *wrong; /* TOKEN_BAD: words that go behind its text, if that has a length */
};

/* Where reading goes on. */
struct config_cursor {
    const struct config_source *source;
    struct config_place place;
};

/* Past blanks and a comment. */
void config_skip_blanks(struct config_cursor *cursor);
/* Past blanks and a comment, and past what it returns, but for the end and what is bad. */
struct config_token config_next(struct config_cursor *cursor);

/* What an atom says, cut to size with its NUL. Returns the length of all of it. */
size_t config_atom_text(const struct config_token *atom, char *to, size_t size);
/* The number in a text: decimal, 0x or 0. False: none, or beyond 64 bits. */
bool config_number(const char *text, uint64_t *number);

#endif
