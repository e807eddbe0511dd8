/* SPDX-License-Identifier: MIT */
/*
 * Finding commands.
 */
#include "toolstack/commands.h"

#include <string.h>

#define WRONG_USE      2
#define STRING_OF(value) #value
#define STRING(value)    STRING_OF(value)

static const struct command *find(const struct command *table, const char *name)
{
    for (const struct command *c = table; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static void print_table(struct session *session, const char *prefix, const struct command *table)
{
    for (const struct command *c = table; c->name != NULL; c++)
        session_print(session, "  %s%-*s %s\n", prefix, 36 - (int)strlen(prefix), c->arguments, c->what);
}

static int help(struct session *session)
{
    print_table(session, "xl ", xl_verbs);
    print_table(session, "", store_commands);
    print_table(session, "", dom0_commands);
    print_table(session, "", script_commands);
    session_print(session, "  %-36s this\n", "help");
    return 0;
}

static int run_checked(struct session *session, const struct command *c, int argc, char **argv)
{
    if (argc - 1 < c->min || (c->max >= 0 && argc - 1 > c->max)) {
        session_fail(session, "used as: %s", c->arguments);
        return WRONG_USE;
    }
    return c->run(session, argc, argv);
}

static int run_xl(struct session *session, int argc, char **argv)
{
    const struct command *c;

    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        print_table(session, "xl ", xl_verbs);
        return argc < 2 ? WRONG_USE : 0;
    }
    c = find(xl_verbs, argv[1]);
    if (c == NULL) {
        session_fail(session, "there is no verb '%s'; xl help lists them", argv[1]);
        return WRONG_USE;
    }
    return run_checked(session, c, argc - 1, argv + 1);
}

int command_run(struct session *session, int argc, char **argv)
{
    static const struct command *const tables[] = { store_commands, dom0_commands, script_commands };
    const struct command *c;

    session->command = argv[0];
    if (strcmp(argv[0], "xl") == 0)
        return run_xl(session, argc, argv);
    if (strcmp(argv[0], "help") == 0)
        return help(session);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        c = find(tables[i], argv[0]);
        if (c != NULL)
            return run_checked(session, c, argc, argv);
    }
    session_fail(session, "there is no such command; help lists them");
    return WRONG_USE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts off the first word, quotes removed. NULL: none is left. *open: its last quote was not closed. */
static char *next_word(char **line, bool *open)
{
    char *from = *line, *to, *word, quote = 0;

    while (is_blank(*from))
        from++;
    if (*from == 0 || *from == '#')
        return NULL;
    for (word = to = from; *from != 0 && (quote != 0 || !is_blank(*from)); from++) {
        if (quote == 0 && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (*from == quote)
            quote = 0;
        else
            *to++ = *from;
    }
    *open = quote != 0;
    *line = *from != 0 ? from + 1 : from;
    *to = 0;
    return word;
}

static int wrong_line(struct session *session, const char *what)
{
    session->command = "line";
    session_fail(session, "%s", what);
    return WRONG_USE;
}

int command_run_line(struct session *session, char *line)
{
    char *argv[COMMAND_ARGS_MAX + 1];
    bool open = false;
    int argc = 0;

    while ((argv[argc] = next_word(&line, &open)) != NULL) {
        if (open)
            return wrong_line(session, "a quote is not closed");
        if (++argc == COMMAND_ARGS_MAX + 1)
            return wrong_line(session, "more than " STRING(COMMAND_ARGS_MAX) " words");
    }
    return argc == 0 ? 0 : command_run(session, argc, argv);
}
