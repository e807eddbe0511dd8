/* SPDX-License-Identifier: MIT */
/*
 * The command line: words, some with a value.
 */
#include <stddef.h>

#include "kernel/cmdline.h"
#include "kernel/printf.h"
#include "kernel/string.h"

#define TEXT_MAX 1024

struct cmdline cmdline;

static void split_names(struct name_list *list, char *text)
{
    while (text != NULL && *text != 0 && list->count < NAMES_MAX) {
        list->names[list->count++] = text;
        while (*text != 0 && *text != ',')
            text++;
        if (*text == ',')
            *text++ = 0;
    }
}

static void set_list(char *value)
{
    (void)value;
    cmdline.list = true;
}

static void set_run(char *value)
{
    cmdline.run_wanted = true;
    split_names(&cmdline.run, value);
}

static void set_bench(char *value)
{
    cmdline.bench = true;
    split_names(&cmdline.rows, value);
}

static void set_bench_unit(char *value)
{
    cmdline.bench_ticks = value != NULL && strcmp(value, "ticks") == 0;
}

static unsigned read_number(const char *value)
{
    unsigned number = 0;

    for (; value != NULL && *value >= '0' && *value <= '9'; value++)
        number = number * 10 + (unsigned)(*value - '0');
    return number;
}

static void set_rounds(char *value)
{
    cmdline.rounds = read_number(value);
}

static void set_meet(char *value)
{
    cmdline.meet = value;
}

static void set_peers(char *value)
{
    cmdline.peers = read_number(value);
}

static void set_stay(char *value)
{
    (void)value;
    cmdline.stay = true;
}

static void set_crash(char *value)
{
    cmdline.crash = value != NULL ? value : "";
}

static void set_flood(char *value)
{
    cmdline.flood = value != NULL ? value : "";
}

static void set_typed(char *value)
{
    cmdline.typed = value != NULL ? value : "";
}

static void set_script(char *value)
{
    cmdline.script = value != NULL ? value : "";
}

static void set_shell(char *value)
{
    (void)value;
    cmdline.shell = true;
}

static void set_line(char *value)
{
    (void)value;
    cmdline.line = true;
}

static void set_end(char *value)
{
    if (value != NULL && strcmp(value, "poweroff") == 0)
        cmdline.end = ARCH_SHUTDOWN_POWEROFF;
    else if (value != NULL && strcmp(value, "crash") == 0)
        cmdline.end = ARCH_SHUTDOWN_CRASH;
    else if (value == NULL || strcmp(value, "reboot") != 0)
        kprintf("tenon-guest: end=%s is not known, it will be reboot\n", value != NULL ? value : "");
}

static const struct word {
    const char *name;
    void (*set)(char *value); /* NULL: no "=" was there */
} words[] = {
    { "list", set_list },     { "run", set_run },
    { "bench", set_bench },   { "bench_unit", set_bench_unit },
    { "rounds", set_rounds }, { "crash", set_crash },
    { "end", set_end },       { "typed", set_typed },
    { "script", set_script }, { "shell", set_shell },
    { "line", set_line },     { "meet", set_meet },
    { "peers", set_peers },   { "stay", set_stay },
    { "flood", set_flood },
};

static void parse_word(char *word)
{
    char *value = word;

    while (*value != 0 && *value != '=')
        value++;
    if (*value == '=')
        *value++ = 0;
    else
        value = NULL;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].name, word) == 0) {
            words[i].set(value);
            return;
        }
    }
    kprintf("tenon-guest: unknown word '%s' ignored\n", word);
}

void cmdline_parse(const char *text)
{
    static char copy[TEXT_MAX];
    char *at = copy;

    ksnprintf(copy, sizeof(copy), "%s", text);
    while (*at != 0) {
        char *word;

        while (*at == ' ')
            at++;
        word = at;
        while (*at != 0 && *at != ' ')
            at++;
        if (*at == ' ')
            *at++ = 0;
        if (*word != 0)
            parse_word(word);
    }
}
