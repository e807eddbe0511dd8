/* SPDX-License-Identifier: MIT */
/*
 * Commands from the host, over the machine's second serial line (COM2).
 *
 * Lines go both ways, in plain characters; whatever else a text has is written as a backslash, a 0
 * and three octal digits. ID is a word that the host chooses for a command, so that what an earlier
 * one left on the line is not taken for its own.
 *
 *     host                          dom0
 *     ID ?            who is there  ID ! TEXT      dom0 is, and listens
 *     ID = WORD WORD ...            ID o TEXT      output
 *     ID < TEXT       typed         ID e TEXT      errors
 *     ID .            hang up       ID x STATUS    the end
 *
 * A new command ends the one before. The line has no interrupt of ours: it is looked at every few
 * milliseconds, and less often when it is silent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/physdev.h>

#include "arch/pv/pv.h"
#include "dom0/services.h"
#include "kernel/panic.h"
#include "toolstack/commands.h"
#include "toolstack/port.h"

#define COM2            0x2f8
#define REG_DATA        0
#define REG_IER         1
#define REG_FIFO        2
#define REG_LINE        3
#define REG_MODEM       4
#define REG_STATUS      5
#define STATUS_READY    0x01
#define STATUS_EMPTY    0x20
#define FIFO_SIZE       16
#define BUSY_NS         2000000ULL
#define SILENT_NS       20000000ULL
#define BUSY_LOOKS      250 /* without anything, then it counts as silent */
#define QUEUE_SIZE      65536u
#define TYPED_SIZE      1024u
#define IN_MAX          16384u
#define ID_MAX          16
#define GONE_NS         5000000000ULL /* nobody reads any more */

static struct {
    char in[IN_MAX]; /* the line that is coming */
    size_t nr_in;
    char out[QUEUE_SIZE];
    size_t out_from, out_to; /* free-running */
    uint64_t progress_ns;    /* when something last left */
    bool lost;

    /* the command */
    char id[ID_MAX + 1];
    char words[IN_MAX];
    char *argv[COMMAND_ARGS_MAX + 1];
    int argc; /* 0: there is none */
    bool hung_up;
    char typed[TYPED_SIZE];
    size_t nr_typed;
} line;

static struct doorbell to_read, to_run, room;

static uint8_t port_in(unsigned reg)
{
    uint8_t value;

    asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(COM2 + reg));
    return value;
}

static void port_out(unsigned reg, uint8_t value)
{
    asm volatile("outb %0, %w1" ::"a"(value), "Nd"(COM2 + reg));
}

/* ---- out ---- */

static void queue(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        line.out[line.out_to++ % QUEUE_SIZE] = text[i];
}

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '\\';
}

/* One line of so much of the text as has room; the rest is lost, and that is said. */
static void say_to(const char *id, char kind, const char *text, size_t size)
{
    char head[ID_MAX + 8], code[8];
    size_t i = 0;

    queue(head, (size_t)snprintf(head, sizeof(head), "%s %c ", id, kind));
    for (; i < size && QUEUE_SIZE - (line.out_to - line.out_from) > 64; i++) {
        if (is_plain(text[i]) || text[i] == ' ')
            queue(&text[i], 1);
        else
            queue(code, (size_t)snprintf(code, sizeof(code), "\\0%03o", (unsigned char)text[i]));
    }
    queue("\n", 1);
    line.lost |= i < size;
}

static void say(char kind, const char *text, size_t size)
{
    say_to(line.id, kind, text, size);
}

static bool has_room(void)
{
    return QUEUE_SIZE - (line.out_to - line.out_from) > 1024;
}

static void line_write(struct session *session, const char *text, size_t size)
{
    (void)session;
    if (size == 0 || line.hung_up)
        return;
    if (has_room())
        say('o', text, size);
    else
        line.lost = true;
}

static void line_write_error(struct session *session, const char *text, size_t size)
{
    (void)session;
    if (has_room() && !line.hung_up)
        say('e', text, size);
}

static void line_drain(struct session *session)
{
    (void)session;
    while (line.out_to - line.out_from > QUEUE_SIZE / 2) {
        if (!doorbell_wait_until(&room, line.progress_ns + GONE_NS) &&
            arch_clock_ns() >= line.progress_ns + GONE_NS) {
            line.out_from = line.out_to;
            line.lost = true;
        }
    }
}

static bool send_some(void)
{
    bool sent = false;

    while (line.out_from != line.out_to && (port_in(REG_STATUS) & STATUS_EMPTY)) {
        for (unsigned i = 0; i < FIFO_SIZE && line.out_from != line.out_to; i++)
            port_out(REG_DATA, (uint8_t)line.out[line.out_from++ % QUEUE_SIZE]);
        sent = true;
    }
    if (sent || line.out_from == line.out_to)
        line.progress_ns = arch_clock_ns();
    if (sent)
        doorbell_ring(&room);
    return sent;
}

/* ---- in ---- */

static long line_read(struct session *session, char *to, size_t size)
{
    size_t n;

    (void)session;
    if (line.nr_typed == 0 && !line.hung_up)
        doorbell_wait(&to_read);
    if (line.hung_up)
        return 0;
    if (line.nr_typed == 0)
        return -1;
    n = line.nr_typed < size ? line.nr_typed : size;
    memcpy(to, line.typed, n);
    line.nr_typed -= n;
    memmove(line.typed, line.typed + n, line.nr_typed);
    return (long)n;
}

static bool line_gone(struct session *session)
{
    (void)session;
    return line.hung_up;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Turns \0ooo back, in place. Returns the length. */
static size_t decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from != 0;) {
        if (from[0] == '\\' && from[1] == '0' && is_octal(from[2]) && is_octal(from[3]) && is_octal(from[4])) {
            *to++ = (char)((from[2] - '0') << 6 | (from[3] - '0') << 3 | (from[4] - '0'));
            from += 5;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return (size_t)(to - text);
}

/* Into line.argv. Returns how many; more than there is room for count as well. */
static int split_words(void)
{
    int argc = 0;
    char *save;

    for (char *word = strtok_r(line.words, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        decode(word);
        if (argc < COMMAND_ARGS_MAX)
            line.argv[argc] = word;
        argc++;
    }
    return argc;
}

static void take_command(const char *id, char *words)
{
    static const char wrong[] = "line: a command of 1 to 32 words is wanted\n";
    int argc;

    snprintf(line.id, sizeof(line.id), "%s", id);
    snprintf(line.words, sizeof(line.words), "%s", words);
    argc = split_words();
    line.hung_up = false;
    line.nr_typed = 0;
    if (argc == 0 || argc > COMMAND_ARGS_MAX) {
        say('e', wrong, sizeof(wrong) - 1);
        say('x', "2", 1);
        return;
    }
    line.argv[argc] = NULL;
    line.argc = argc;
    doorbell_ring(&to_run);
}

static void take_typed(char *text)
{
    size_t size = decode(text);

    if (size > TYPED_SIZE - line.nr_typed)
        size = TYPED_SIZE - line.nr_typed;
    memcpy(line.typed + line.nr_typed, text, size);
    line.nr_typed += size;
    doorbell_ring(&to_read);
}

static void hang_up(void)
{
    line.hung_up = true;
    doorbell_ring(&to_read);
}

/* What is no message is nobody's: a line that was cut, or a program that knows something else. False: it has to
 * wait until the command under way has ended. */
static bool take_line(char *text)
{
    char *kind = strchr(text, ' ');
    size_t length = kind != NULL ? (size_t)(kind - text) : 0;

    if (length == 0 || length > ID_MAX || kind[1] == 0 || (kind[2] != ' ' && kind[2] != 0))
        return true;
    *kind = 0;
    bool ours = strcmp(text, line.id) == 0;
    if (kind[1] == '=' && kind[2] == ' ' && line.argc != 0) {
        hang_up();
        *kind = ' ';
        return false;
    }
    if (kind[1] == '=' && kind[2] == ' ')
        take_command(text, kind + 3);
    else if (kind[1] == '?' && has_room())
        say_to(text, '!', "dom0", 4);
    else if (kind[1] == '<' && kind[2] == ' ' && ours)
        take_typed(kind + 3);
    else if (kind[1] == '.' && ours)
        hang_up();
    return true;
}

/* Reads up to the end of a line. */
static bool read_some(void)
{
    static bool waiting; /* the line in line.in is a command whose turn has not come */
    bool got = false;

    if (waiting) {
        waiting = !take_line(line.in);
        return !waiting;
    }
    while (port_in(REG_STATUS) & STATUS_READY) {
        char c = (char)port_in(REG_DATA);

        got = true;
        if (c != '\n' && line.nr_in + 1 < IN_MAX) {
            line.in[line.nr_in++] = c;
        } else if (c == '\n') {
            line.in[line.nr_in] = 0;
            line.nr_in = 0;
            waiting = !take_line(line.in);
            break;
        }
    }
    return got;
}

/* ---- the threads ---- */

static void look(void *argument)
{
    static struct doorbell never;
    unsigned silent = 0;

    (void)argument;
    for (;;) {
        bool sent = send_some(), got = read_some();

        silent = sent || got ? 0 : silent + 1;
        doorbell_wait_until(&never, arch_clock_ns() + (silent < BUSY_LOOKS ? BUSY_NS : SILENT_NS));
    }
}

static struct session host = {
    .write = line_write, .write_error = line_write_error, .drain = line_drain, .read = line_read, .gone = line_gone,
    .bell = &to_read
};

static void serve(void *argument)
{
    char status[8];

    (void)argument;
    for (;;) {
        doorbell_wait(&to_run);
        if (line.argc == 0)
            continue;
        snprintf(status, sizeof(status), "%d", command_run(&host, line.argc, line.argv));
        line_drain(&host);
        if (line.lost)
            say('e', "(some output was lost: it was not read)\n", 40);
        line.lost = false;
        say('x', status, strlen(status));
        line.argc = 0;
    }
}

void line_start(void)
{
    static struct thread looker, server;
    struct physdev_set_iopl iopl = { .iopl = 1 };

    if (hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl) != 0)
        panic("set_iopl is refused");
    if (port_in(REG_STATUS) == 0xff) {
        port_log("there is no second serial line: the host cannot give commands");
        return;
    }
    port_out(REG_IER, 0);
    port_out(REG_LINE, 0x03); /* 8n1 */
    port_out(REG_FIFO, 0x07);
    port_out(REG_MODEM, 0x03);
    service_thread(&looker, look);
    service_thread(&server, serve);
}
