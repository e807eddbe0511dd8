/* SPDX-License-Identifier: MIT */
/*
 * The tables by which a Linux kernel (4.6 and later) knows its own symbols. Nothing points to them, so they are found by
 * what they must look like. In the file, each aligned to 8 bytes:
 *
 *     until 6.3:  offsets, base, number, names, markers, [order by name,] tokens, index of tokens
 *     from 6.4:   number, names, markers, tokens, index of tokens, offsets, base, ...
 *
 * A name is a length (one byte, or two if the first has its top bit) and that many numbers of tokens; the first
 * character of what they spell is the symbol's type. Of the 256 tokens most of those whose number is a character's are
 * that character alone, and this is how the search begins: the digits stand one behind the other.
 */
#include <string.h>

#include "symbols/symbols.h"

#define NR_TOKENS      256u
#define TOKEN_MAX      64u /* longer ones than kernels have */
#define INDEX_SIZE     (NR_TOKENS * 2)
#define PER_MARKER     256u
#define SYMBOLS_MIN    1000u
#define SYMBOLS_MAX    4000000u
#define UPPER_HALF     0xffff800000000000UL
#define CANDIDATES_MAX 64u       /* places that hold the digits; real kernels have a handful */
#define TABLES_MAX     4u        /* of those, whose tokens fit their index */
#define NAMES_MAX      (16u << 20) /* all of them; real kernels have 3 MiB */
#define FITS_MAX       1024u /* places for the number of symbols that are looked at closely */

static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009"; /* with the end of the last */

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t read64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t aligned(uint64_t size)
{
    return (size + 7) & ~7UL;
}

static uint64_t nr_markers(uint64_t nr)
{
    return (nr + PER_MARKER - 1) / PER_MARKER;
}

/* --- Finding them --- */

/* The next place from AT on that holds the digits. NULL: there is none. */
static const uint8_t *find_digits(const uint8_t *at, const uint8_t *end)
{
    for (; (at = memchr(at, digits[0], (size_t)(end - at))) != NULL; at++) {
        if ((size_t)(end - at) < sizeof(digits))
            return NULL;
        if (memcmp(at, digits, sizeof(digits)) == 0)
            return at;
    }
    return NULL;
}

/* The begin of the token before the one at AT. 0: there is none. */
static uint64_t token_before(const uint8_t *bytes, uint64_t at)
{
    uint64_t begin = at;

    if (at < 2 || bytes[at - 1] != 0)
        return 0;
    for (begin = at - 1; begin > 0 && bytes[begin - 1] != 0 && at - begin <= TOKEN_MAX; begin--)
        ;
    return begin < at - 1 && at - begin <= TOKEN_MAX ? begin : 0;
}

/* With the digit 0 at AT: where the tokens begin. */
static bool find_tokens(struct kallsyms *k, size_t size, uint64_t at)
{
    uint64_t offsets[NR_TOKENS], end;

    for (unsigned i = 0; i < '0'; i++) {
        at = token_before(k->bytes, at);
        if (at == 0)
            return false;
    }
    end = at;
    for (unsigned i = 0; i < NR_TOKENS; i++) {
        const uint8_t *stop = end < size ? memchr(k->bytes + end, 0, size - end < TOKEN_MAX ? size - end : TOKEN_MAX) : NULL;
        if (stop == NULL)
            return false;
        offsets[i] = end - at;
        end = (uint64_t)(stop - k->bytes) + 1;
    }
    k->tokens = at;
    k->token_index = aligned(end);
    if (at % 8 != 0 || k->token_index > size || size - k->token_index < INDEX_SIZE)
        return false;
    for (unsigned i = 0; i < NR_TOKENS; i++)
        if (read16(k->bytes + k->token_index + 2 * i) != offsets[i])
            return false;
    return true;
}

/* Where the name behind the one at AT begins, at most at END. 0: it does not end before. */
static uint64_t name_behind(const uint8_t *bytes, uint64_t at, uint64_t end)
{
    uint64_t length;

    if (at >= end)
        return 0;
    length = bytes[at++];
    if (length & 0x80) {
        if (at >= end)
            return 0;
        length = (length & 0x7f) | (uint64_t)bytes[at++] << 7;
    }
    return length <= end - at ? at + length : 0;
}

/* Do the first names come to where the markers say? */
static bool names_fit(const struct kallsyms *k)
{
    uint64_t at = k->names;

    if (read32(k->bytes + k->markers) != 0)
        return false;
    for (unsigned i = 0; i < PER_MARKER; i++) {
        at = name_behind(k->bytes, at, k->names_end);
        if (at == 0)
            return false;
    }
    return at - k->names == read32(k->bytes + k->markers + 4);
}

/* The number of symbols stands before the names, and tells where the markers must begin. */
static bool find_names(struct kallsyms *k, uint64_t *number_at)
{
    uint64_t lowest = k->tokens > NAMES_MAX ? k->tokens - NAMES_MAX : 0;
    unsigned fits = 0;

    for (uint64_t at = k->tokens; at >= lowest + 8 && fits < FITS_MAX;) {
        at -= 8;
        k->nr = read64(k->bytes + at);
        if (k->nr < SYMBOLS_MIN || k->nr > SYMBOLS_MAX)
            continue;
        for (unsigned ordered = 0; ordered < 2; ordered++) {
            uint64_t behind = aligned(4 * nr_markers(k->nr)) + (ordered ? aligned(3 * k->nr) : 0);
            if (behind > k->tokens || k->tokens - behind <= at + 8)
                continue;
            k->names = at + 8;
            k->names_end = k->markers = k->tokens - behind;
            *number_at = at;
            fits++;
            if (names_fit(k))
                return true;
        }
    }
    return false;
}

static uint64_t address_of(const struct kallsyms *k, uint64_t n)
{
    int32_t offset = (int32_t)read32(k->bytes + k->offsets + 4 * n);

    /* Those of a processor's own data are numbers, not addresses. */
    return offset >= 0 ? (uint64_t)offset : k->base - 1 - (uint64_t)(int64_t)offset;
}

/* Offsets and base, where they would be: is it they? */
static bool offsets_fit(struct kallsyms *k, size_t size, uint64_t offsets, uint64_t base)
{
    if (offsets > size || 4 * k->nr > size - offsets || base > size || size - base < 8)
        return false;
    k->offsets = offsets;
    k->base = read64(k->bytes + base);
    if (k->base < UPPER_HALF)
        return false;
    for (uint64_t n = 1; n < k->nr; n++)
        if (address_of(k, n) < address_of(k, n - 1))
            return false;
    return true;
}

static bool find_offsets(struct kallsyms *k, size_t size, uint64_t number_at)
{
    uint64_t length = aligned(4 * k->nr), behind = k->token_index + INDEX_SIZE;

    if (number_at >= length + 8 && offsets_fit(k, size, number_at - 8 - length, number_at - 8))
        return true;
    return offsets_fit(k, size, behind, behind + length);
}

bool kallsyms_open(struct kallsyms *k, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes;
    unsigned tables = 0;
    uint64_t number_at;

    for (unsigned i = 0; i < CANDIDATES_MAX && tables < TABLES_MAX; i++) {
        at = find_digits(at, bytes + size);
        if (at == NULL)
            break;
        *k = (struct kallsyms){ .bytes = bytes };
        if (find_tokens(k, size, (uint64_t)(at - bytes))) {
            tables++;
            if (find_names(k, &number_at) && find_offsets(k, size, number_at))
                return true;
        }
        at++;
    }
    memset(k, 0, sizeof(*k));
    return false;
}

/* --- Using them --- */

/* Where the name of a symbol begins; 0: nowhere. */
static uint64_t name_of(const struct kallsyms *k, uint64_t n)
{
    uint64_t at = k->names + read32(k->bytes + k->markers + 4 * (n / PER_MARKER));

    for (uint64_t i = 0; i < n % PER_MARKER && at != 0; i++)
        at = name_behind(k->bytes, at, k->names_end);
    return at;
}

/* Type and name, as far as there is room. */
static bool spell(const struct kallsyms *k, uint64_t n, char *to, size_t size)
{
    uint64_t at = name_of(k, n), end = name_behind(k->bytes, at, k->names_end);
    size_t length = 0;

    if (at == 0 || end == 0)
        return false;
    for (at += k->bytes[at] & 0x80 ? 2 : 1; at < end; at++) {
        const uint8_t *token = k->bytes + k->tokens + read16(k->bytes + k->token_index + 2 * k->bytes[at]);
        for (; *token != 0 && length < size - 1; token++)
            to[length++] = (char)*token;
    }
    to[length] = 0;
    return length > 1;
}

/* How many symbols have an address that is not above this one; they ascend. */
static uint64_t nr_up_to(const struct kallsyms *k, uint64_t address)
{
    uint64_t low = 0, high = k->nr;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (address_of(k, middle) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool kallsyms_find(const struct kallsyms *k, uint64_t address, struct symbol *found)
{
    char text[SYMBOL_NAME_MAX + 1];
    uint64_t behind = nr_up_to(k, address), n;

    if (behind == 0)
        return false;
    found->address = address_of(k, behind - 1);
    /* Of several at one address the first is the one that the kernel itself names. */
    n = found->address > 0 ? nr_up_to(k, found->address - 1) : 0;
    if (!spell(k, n, text, sizeof(text)) || ((text[0] | 32) != 't' && (text[0] | 32) != 'w'))
        return false;
    memcpy(found->name, text + 1, SYMBOL_NAME_MAX);
    found->size = behind < k->nr ? address_of(k, behind) - found->address : 0;
    return true;
}
