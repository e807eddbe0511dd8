/* SPDX-License-Identifier: MIT */
#include "toolstack/config_token.h"
#include <string.h>

/* --- Characters; isalpha and its like depend on a locale --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '.';
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* Comments are people's, in whatever they write; control characters have no business there either.
 */
static bool is_comment(char c)
{
    return ((unsigned char)c >= ' ' && c != 0x7f) || c == '\t';
}

/* --- Tokens --- */

static size_t left(const struct config_cursor *c)
{
    return c->source->size - c->place.offset;
}

static const char *here(const struct config_cursor *c)
{
    return c->source->text + c->place.offset;
}

/* The character at a distance; 0 beyond the end, which no text may contain. */
static char peek(const struct config_cursor *c, size_t distance)
{
    return distance < left(c) ? here(c)[distance] : 0;
}

static bool at_line_end(const struct config_cursor *c)
{
    return !left(c) || peek(c, 0) == '\n' || (peek(c, 0) == '\r' && peek(c, 1) == '\n');
}

void config_skip_blanks(struct config_cursor *c)
{
    while (peek(c, 0) == ' ' || peek(c, 0) == '\t' || (peek(c, 0) == '\r' && peek(c, 1) == '\n'))
        c->place.offset++;
    if (peek(c, 0) != '#')
        return;
    while (!at_line_end(c) && is_comment(peek(c, 0)))
        c->place.offset++;
    if (peek(c, 0) == '\r' && peek(c, 1) == '\n')
        c->place.offset++;
}

static struct config_token take(struct config_cursor *c, enum config_token_kind kind, size_t length)
{
    struct config_token token = { kind, c->place, here(c), length, NULL };

    c->place.offset += (uint32_t)length;
    return token;
}

/* What is bad begins at a distance from here, and its first length characters are worth showing. */
static struct config_token bad(const struct config_cursor *c, size_t distance, size_t length,
                               const char *wrong)
{
    struct config_token token = { TOKEN_BAD, c->place, here(c) + distance, length, wrong };

    token.place.offset += (uint32_t)distance;
    return token;
}

static size_t word_length(const struct config_cursor *c)
{
    size_t n = 0;

    while (is_word(peek(c, n)))
        n++;
    return n;
}

static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : UINT32_MAX;
}

static unsigned number_base(const char **text, size_t *length)
{
    unsigned base = 10;

    if (*length > 1 && (*text)[0] == '0') {
        bool hex = ((*text)[1] | 0x20) == 'x';
        base = hex ? 16 : 8;
        *text += hex ? 2 : 1;
        *length -= hex ? 2 : 1;
    }
    return base;
}

static bool is_number(const char *text, size_t length)
{
    if (length && *text == '-') {
        text++;
        length--;
    }
    unsigned base = number_base(&text, &length);
    for (size_t i = 0; i < length; i++) {
        if (digit_value(text[i]) >= base)
            return false;
    }
    return length > 0;
}

static struct config_token take_number(struct config_cursor *c)
{
    size_t n = word_length(c);

    if (!is_number(here(c), n))
        return bad(c, 0, n, "is neither a number nor a text in quotes");
    return take(c, TOKEN_NUMBER, n);
}

/* The character that an escape stands for. 0: it is none. */
static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '\\':
    case '"':
    case '\'':
        return c;
    default:
        return 0;
    }
}

static struct config_token take_string(struct config_cursor *c)
{
    char quote = peek(c, 0);
    size_t n = 1;

    while (peek(c, n) != quote) {
        if (n >= left(c) || peek(c, n) == '\n' || (peek(c, n) == '\r' && peek(c, n + 1) == '\n'))
            return bad(c, 0, 0, "the text that begins here has no end on its line");
        if (peek(c, n) == '\\') {
            if (is_printable(peek(c, n + 1)) && !unescape(peek(c, n + 1)))
                return bad(c, n, 2, "is no escape: there are \\\\ \\\" \\' \\n and \\t");
            n += is_printable(peek(c, n + 1));
        } else if (!is_printable(peek(c, n)) && peek(c, n) != '\t') {
            return bad(c, n, 0, "this byte is no ASCII text");
        }
        n++;
    }
    return take(c, TOKEN_STRING, n + 1);
}

static struct config_token take_other(struct config_cursor *c)
{
    if (peek(c, 0) == '+' && peek(c, 1) == '=')
        return take(c, TOKEN_APPEND, 2);
    if (is_printable(peek(c, 0)))
        return bad(c, 0, 1, "means nothing here");
    return bad(c, 0, 0, "this byte is no ASCII text");
}

struct config_token config_next(struct config_cursor *c)
{
    static const struct {
        char c;
        enum config_token_kind kind;
    } marks[] = { { '\n', TOKEN_NEWLINE }, { ';', TOKEN_SEMICOLON }, { '=', TOKEN_EQUALS },
                  { '[', TOKEN_OPEN },     { ']', TOKEN_CLOSE },     { ',', TOKEN_COMMA } };

    config_skip_blanks(c);
    if (!left(c))
        return take(c, TOKEN_END, 0);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (peek(c, 0) == marks[i].c)
            return take(c, marks[i].kind, 1);
    }
    if (peek(c, 0) == '"' || peek(c, 0) == '\'')
        return take_string(c);
    if (is_digit(peek(c, 0)) || (peek(c, 0) == '-' && is_digit(peek(c, 1))))
        return take_number(c);
    if (is_letter(peek(c, 0)))
        return take(c, TOKEN_WORD, word_length(c));
    return take_other(c);
}

/* --- What atoms say --- */

size_t config_atom_text(const struct config_token *atom, char *to, size_t size)
{
    bool quoted = atom->kind == TOKEN_STRING;
    size_t length = 0, end = atom->length - quoted;

    for (size_t i = quoted; i < end; i++, length++) {
        char c = atom->start[i];
        if (quoted && c == '\\')
            c = unescape(atom->start[++i]);
        if (length + 1 < size)
            to[length] = c;
    }
    to[length < size ? length : size - 1] = 0;
    return length;
}

bool config_number(const char *text, uint64_t *number)
{
    size_t length = strlen(text);

    *number = 0;
    if (!is_number(text, length) || *text == '-')
        return false;
    uint64_t base = number_base(&text, &length);
    for (size_t i = 0; i < length; i++) {
        if (__builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, digit_value(text[i]), number))
            return false;
    }
    return true;
}
