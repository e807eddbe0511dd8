/* SPDX-License-Identifier: MIT */
#include "toolstack/config_values.h"
#include <stdio.h>
#include <string.h>

#define SHOWN                 40 /* characters of what is not wanted */
#define REFUSE(s, place, ...) config_refuse((s)->report, place, (s)->key->name, __VA_ARGS__)

/* --- Atoms --- */

struct shown {
    char text[SHOWN + 4];
};

static struct shown show(const struct config_token *t)
{
    struct shown shown;

    if (t->kind == TOKEN_OPEN)
        snprintf(shown.text, sizeof(shown.text), "a list");
    else
        snprintf(shown.text, sizeof(shown.text), "%.*s%s",
                 (int)(t->length < SHOWN ? t->length : SHOWN), t->start,
                 t->length > SHOWN ? "..." : "");
    return shown;
}

static void refuse_unwanted(const struct config_setting *s, const struct config_token *t)
{
    REFUSE(s, t->place, "%s is wanted, not %s", s->key->what, show(t).text);
}

/* The value's first token: an atom, or where a list opens. */
static struct config_token first_token(const struct config_setting *s)
{
    struct config_cursor cursor = s->value;

    return config_next(&cursor);
}

/* A value that is one atom. False: refused. */
static bool one_atom(const struct config_setting *s, struct config_token *t)
{
    *t = first_token(s);
    if (t->kind != TOKEN_OPEN)
        return true;
    refuse_unwanted(s, t);
    return false;
}

/* The text of an atom, as it may stand in names and command lines. False: refused. */
static bool plain_text(const struct config_setting *s, const struct config_token *t, char *to,
                       size_t size)
{
    size_t length = config_atom_text(t, to, size);

    if (length >= size) {
        REFUSE(s, t->place, "at most %lu characters are taken, and these are %lu",
               (unsigned long)size - 1, (unsigned long)length);
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (to[i] < ' ') {
            REFUSE(s, t->place, "control characters are not taken");
            return false;
        }
    }
    return true;
}

/* --- Texts --- */

static bool set_text(const struct config_setting *s, struct config_token *t, char *to)
{
    if (!one_atom(s, t) || !plain_text(s, t, to, s->key->size))
        return false;
    if (strlen(to) >= s->key->min)
        return true;
    refuse_unwanted(s, t);
    return false;
}

void config_set_text(const struct config_setting *s, void *member)
{
    struct config_token t;

    set_text(s, &t, member);
}

const char *config_name_wrong(const char *name)
{
    if (!*name || strlen(name) >= sizeof(((struct guest_config *)NULL)->name))
        return "a name has 1 to 63 characters";
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < ' ')
            return "control characters are not taken";
    }
    if (strchr(name, '/'))
        return "a name has no '/': that separates the parts of paths in the store";
    if (!name[strspn(name, "0123456789")])
        return "a name of digits alone would be taken for a number of a domain";
    return NULL;
}

void config_set_name(const struct config_setting *s, void *member)
{
    struct config_token t;
    const char *wrong;

    if (!set_text(s, &t, member))
        return;
    wrong = config_name_wrong(member);
    if (wrong)
        REFUSE(s, t.place, "%s", wrong);
}

/* --- Numbers and choices --- */

/* A text that holds a number is one, as xl has it. */
static bool read_number(const struct config_setting *s, const struct config_token *t,
                        uint64_t *number)
{
    char text[32];

    return t->kind != TOKEN_OPEN && config_atom_text(t, text, sizeof(text)) < sizeof(text) &&
           config_number(text, number) && *number >= s->key->min && *number <= s->key->max;
}

void config_set_number(const struct config_setting *s, void *member)
{
    struct config_token t = first_token(s);
    uint64_t number;

    if (!read_number(s, &t, &number)) {
        REFUSE(s, t.place, "%s from %u to %u is wanted, not %s", s->key->what, s->key->min,
               s->key->max, show(&t).text);
        return;
    }
    uint32_t value = (uint32_t)number;
    memcpy(member, &value, sizeof(value));
}

_Static_assert(sizeof(enum config_action) == sizeof(uint32_t), "choices are stored as numbers");

void config_set_choice(const struct config_setting *s, void *member)
{
    struct config_token t;
    char text[32];

    if (!one_atom(s, &t))
        return;
    config_atom_text(&t, text, sizeof(text));
    for (const struct config_choice *c = s->key->choices; c->word; c++) {
        if (strcmp(c->word, text))
            continue;
        if (c->refused)
            REFUSE(s, t.place, "%s, so %s is not taken; %s is wanted", c->refused, show(&t).text,
                   s->key->what);
        else
            memcpy(member, &c->value, s->key->size);
        return;
    }
    refuse_unwanted(s, &t);
}

/* --- UUIDs --- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* 32 digits, with dashes in the four places or with none. */
static bool read_uuid(const char *text, uint8_t *uuid)
{
    bool dashes = strlen(text) == 36;

    if (!dashes && strlen(text) != 32)
        return false;
    for (unsigned i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        int high = hex_digit(text[0]), low = hex_digit(text[1]);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

void config_set_uuid(const struct config_setting *s, void *member)
{
    struct config_token t;
    char text[40];

    if (!one_atom(s, &t))
        return;
    bool fits = config_atom_text(&t, text, sizeof(text)) < sizeof(text);
    if (!fits || !read_uuid(text, member))
        refuse_unwanted(s, &t);
}

/* --- Processors --- */

static bool read_cpu(const char **text, unsigned *cpu)
{
    unsigned digits = 0;

    for (*cpu = 0; **text >= '0' && **text <= '9' && digits < 4; ++*text, digits++)
        *cpu = *cpu * 10 + (unsigned)(**text - '0');
    return digits && *cpu < CONFIG_CPUS;
}

static uint64_t range_mask(unsigned from, unsigned to)
{
    return (UINT64_MAX >> (CONFIG_CPUS - 1 - (to - from))) << from;
}

/* One part between commas: "all", "2", "2-5", "^2", "^2-5". */
static bool read_cpu_part(const char **text, uint64_t *mask)
{
    bool without = **text == '^';
    unsigned from, to;
    uint64_t part = UINT64_MAX;

    *text += without;
    if (!strncmp(*text, "all", 3)) {
        *text += 3;
    } else {
        if (!read_cpu(text, &from))
            return false;
        to = from;
        if (**text == '-') {
            ++*text;
            if (!read_cpu(text, &to) || to < from)
                return false;
        }
        part = range_mask(from, to);
    }
    *mask = without ? *mask & ~part : *mask | part;
    return true;
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " ");
}

/* Parts count in their order. A text that begins with an exclusion takes it from all. */
bool config_cpus_read(const char *text, uint64_t *mask)
{
    text = skip_spaces(text);
    *mask = *text == '^' ? UINT64_MAX : 0;
    for (;;) {
        if (!read_cpu_part(&text, mask))
            return false;
        text = skip_spaces(text);
        if (!*text)
            return true;
        if (*text != ',')
            return false;
        text = skip_spaces(text + 1);
    }
}

static bool set_cpus(const struct config_setting *s, const struct config_token *t, uint64_t *mask)
{
    char text[512];

    if (!plain_text(s, t, text, sizeof(text)))
        return false;
    if (strstr(text, "node")) {
        REFUSE(s, t->place, "nodes are not known here: %s is wanted", s->key->what);
        return false;
    }
    if (!config_cpus_read(text, mask)) {
        REFUSE(s, t->place, "%s, of 0 to %u, is wanted, not %s", s->key->what, CONFIG_CPUS - 1,
               show(t).text);
        return false;
    }
    if (!*mask)
        REFUSE(s, t->place, "%s leaves no processor", show(t).text);
    return *mask != 0;
}

void config_set_affinity(const struct config_setting *s, void *member)
{
    struct config_affinity *affinity = member;
    struct config_cursor cursor = s->value;
    struct config_token t = first_token(s);

    if (t.kind != TOKEN_OPEN) {
        if (set_cpus(s, &t, &affinity->cpus[0])) {
            for (unsigned i = 1; i < CONFIG_VCPUS; i++)
                affinity->cpus[i] = affinity->cpus[0];
        }
        return;
    }
    while (config_next_atom(&cursor, true, &t)) {
        if (affinity->nr_listed == CONFIG_VCPUS) {
            REFUSE(s, t.place, "a guest has at most %u vCPUs", CONFIG_VCPUS);
            return;
        }
        if (!set_cpus(s, &t, &affinity->cpus[affinity->nr_listed++]))
            return;
    }
}

/* --- Devices --- */

void config_set_devices(const struct config_setting *s, void *member)
{
    struct config_devices *devices = member;
    struct config_cursor cursor = s->value;
    struct config_token t = first_token(s);

    if (t.kind != TOKEN_OPEN) {
        refuse_unwanted(s, &t);
        return;
    }
    devices->place = t.place;
    while (config_next_atom(&cursor, true, &t)) {
        if (devices->count == CONFIG_DEVICES) {
            REFUSE(s, t.place, "a guest has at most %u of them", CONFIG_DEVICES);
            return;
        }
        if (!plain_text(s, &t, devices->text[devices->count++], sizeof(devices->text[0])))
            return;
    }
}

/* --- What is not ours --- */

void config_set_nothing(const struct config_setting *s, void *member)
{
    (void)member;
    config_warn(s->report, s->place, s->key->name, "it has no effect here");
}

void config_set_never(const struct config_setting *s, void *member)
{
    (void)member;
    REFUSE(s, s->place, "%s", s->key->what);
}
