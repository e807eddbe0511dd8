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

static long console_read(struct session *session, char *to, size_t size)
{
    size_t got = arch_console_read(to, size);

    (void)session;
    if (got > 0)
        return (long)got;
    doorbell_wait(&typed);
    got = arch_console_read(to, size);
    return got > 0 ? (long)got : -1;
}

static struct session console = {
    .write = console_write, .write_error = console_write, .read = console_read, .bell = &typed
};

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
    } else if (c == 3) { /* Ctrl-C: forget it */
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
