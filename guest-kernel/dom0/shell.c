/* SPDX-License-Identifier: MIT */
/*
 * The shell on dom0's console: commands that are typed, or those of a script of the archive.
 */
#include <string.h>

#include "dom0/consoles.h"
#include "dom0/services.h"
#include "toolstack/commands.h"
#include "toolstack/port.h"

#define LINE_MAX  512
#define BACKSPACE 0x7f
#define CTRL_C    3
#define PROMPT    "dom0> "

static struct doorbell typed;

static void console_raised(void)
{
    doorbell_ring(&typed);
}

static void console_write(struct session *session, const char *text, size_t size)
{
    (void)session;
    arch_console_write(text, size);
}

/* What was typed while a command that does not read was under way. */
static char ahead[64];
static size_t nr_ahead;

static size_t take(char *to, size_t size)
{
    size_t n = nr_ahead < size ? nr_ahead : size;

    if (n == 0)
        return arch_console_read(to, size);
    memcpy(to, ahead, n);
    nr_ahead -= n;
    memmove(ahead, ahead + n, nr_ahead);
    return n;
}

static long console_read(struct session *session, char *to, size_t size)
{
    size_t got = take(to, size);

    (void)session;
    if (got > 0)
        return (long)got;
    doorbell_wait(&typed);
    got = take(to, size);
    return got > 0 ? (long)got : -1;
}

/* Ctrl-C ends a command that waits; what was typed before it is forgotten. */
static bool console_gone(struct session *session)
{
    char c;

    (void)session;
    while (nr_ahead < sizeof(ahead) && arch_console_read(&c, 1) == 1) {
        if (c == CTRL_C) {
            nr_ahead = 0;
            return true;
        }
        ahead[nr_ahead++] = c;
    }
    return false;
}

static struct session console = { .write = console_write,
                                  .write_error = console_write,
                                  .read = console_read,
                                  .gone = console_gone,
                                  .bell = &typed };

/* One character; false: the line is done. */
static bool edit(char *line, size_t *used, char c)
{
    if (c == '\r' || c == '\n') {
        session_print(&console, "\n");
        return false;
    }
    if (c == BACKSPACE || c == '\b') {
        if (*used > 0) {
            (*used)--;
            session_print(&console, "\b \b");
        }
    } else if (c == CTRL_C) { /* forget it */
        *used = 0;
        session_print(&console, "^C\n" PROMPT);
    } else if (c >= ' ' && *used + 1 < LINE_MAX) {
        line[(*used)++] = c;
        arch_console_write(&c, 1);
    }
    return true;
}

/* What was typed ahead stays in the ring: characters come one at a time. */
static void read_line(char *line)
{
    size_t used = 0;
    char c;

    session_print(&console, PROMPT);
    do {
        while (console_read(&console, &c, 1) != 1)
            ;
    } while (edit(line, &used, c));
    line[used] = 0;
}

static void open_console(void)
{
    static bool is_open;

    if (!is_open)
        arch_console_listen(console_raised);
    is_open = true;
}

void shell_run_typed(void)
{
    char line[LINE_MAX];

    open_console();
    session_print(&console, "dom0 listens: help lists the commands, exit ends the machine\n");
    for (;;) {
        read_line(line);
        command_run_line(&console, line);
    }
}

/* The next line of a text, with a NUL; cut if it is too long. False: there is none. */
static bool next_line(const char **text, const char *end, char *line)
{
    size_t used = 0;

    if (*text == end)
        return false;
    for (; *text < end && **text != '\n'; (*text)++)
        if (used + 1 < LINE_MAX)
            line[used++] = **text;
    if (*text < end)
        (*text)++;
    line[used] = 0;
    return true;
}

bool shell_run_script(const char *name)
{
    const void *bytes;
    const char *text;
    char line[LINE_MAX];
    size_t size;

    open_console();
    if (!port_file(name, &bytes, &size)) {
        console.command = "script";
        session_fail(&console, "there is no file %s in dom0's archive", name);
        return false;
    }
    text = bytes;
    consoles_follow(&console);
    while (next_line(&text, (const char *)bytes + size, line)) {
        int status = command_run_line(&console, line);

        if (status != 0) {
            session_print(&console, "SCRIPT %s stopped with status %d\n", name, status);
            return false;
        }
    }
    return true;
}
