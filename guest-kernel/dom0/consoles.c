/* SPDX-License-Identifier: MIT */
/*
 * The back end of guests' consoles: what they say is taken from their rings, kept, and shown to
 * whoever looks.
 *
 * A guest is never made to wait for a reader: its ring is emptied when it rings, a ring's worth a
 * turn. Only one that has no end of things to say gets its turns more slowly, and of its lines those
 * who follow all guests see a part. What is kept is bounded, the newest stays. What is typed for a
 * guest that does not read is kept a while, then lost.
 *
 * ABI: struct xencons_interface, <xen/io/console.h>; GNTTAB_RESERVED_CONSOLE, <xen/grant_table.h>
 */
#include <stdlib.h>
#include <string.h>

#include <xen/grant_table.h>
#include <xen/io/console.h>

#include "dom0/budget.h"
#include "dom0/consoles.h"
#include "dom0/services.h"
#include "kernel/panic.h"
#include "toolstack/port.h"
#include "toolstack/session.h"

#define KEPT_SIZE  32768u /* of one guest's output */
#define DEAD_MAX   64u    /* consoles of guests that are gone */
#define TYPED_SIZE 512u
#define LINE_SIZE  256u
#define PIECE_SIZE 1024u
#define DETACH     0x1d /* Ctrl-] */

#define TURNS      (struct budget){ .most = 1024, .per_second = 256 }
#define LINES      (struct budget){ .most = 2000, .per_second = 20 }
#define PUT_OFF_NS 20000000ULL

struct console {
    struct console *next; /* newest first */
    domid_t domid;
    char name[64];
    struct xencons_interface *ring; /* NULL: the guest is gone */
    uint32_t handle;
    long port;
    volatile bool raised;
    bool broken; /* its indices made no sense: not looked at again */
    struct budget turns;

    uint64_t said; /* bytes ever; the last KEPT_SIZE of them are in kept */
    char *kept;
    char typed[TYPED_SIZE];
    size_t nr_typed;
    char line[LINE_SIZE]; /* the begun one, for who follows all */
    size_t nr_line;
    struct budget lines;
    unsigned long nr_left_out; /* lines, since the last one that was shown */
    struct session *watcher;
    unsigned nr_lookers; /* somebody prints what is kept: it stays */
};

static struct console *consoles;
static struct doorbell bell;
static struct session *follower; /* sees all guests' lines, each with its name before it */

/* ---- what was said ---- */

static void keep(struct console *console, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        console->kept[console->said++ % KEPT_SIZE] = text[i];
}

static void show_line(struct console *console)
{
    size_t length = console->nr_line;

    console->nr_line = 0;
    if (!budget_take(&console->lines, arch_clock_ns())) {
        console->nr_left_out++;
        return;
    }
    if (console->nr_left_out > 0)
        session_print(follower, "%s| ... %lu lines too many a second\n", console->name, console->nr_left_out);
    console->nr_left_out = 0;
    session_print(follower, "%s| %.*s\n", console->name, (int)length, console->line);
}

/* What would do something to the terminal of whoever follows all is shown as a mark. */
static char harmless(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? '?' : c;
}

static void show_lines(struct console *console, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\r' && text[i] != '\n')
            console->line[console->nr_line++] = harmless(text[i]);
        if (text[i] == '\n' || console->nr_line == LINE_SIZE)
            show_line(console);
    }
}

static void take(struct console *console, const char *text, size_t size)
{
    keep(console, text, size);
    if (console->watcher != NULL)
        console->watcher->write(console->watcher, text, size);
    if (follower != NULL && follower != console->watcher)
        show_lines(console, text, size);
}

/* The guest may change its page at any time: indices are read once, bytes copied once. */
static void read_ring(struct console *console)
{
    struct xencons_interface *ring = console->ring;
    XENCONS_RING_IDX cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);
    XENCONS_RING_IDX prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    char text[sizeof(ring->out)];
    size_t size = prod - cons;

    if (size == 0 || console->broken)
        return;
    if (size > sizeof(ring->out)) {
        console->broken = true;
        port_log("a console's indices make no sense: it is not read any more");
        return;
    }
    for (size_t i = 0; i < size; i++)
        text[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
    __atomic_store_n(&ring->out_cons, prod, __ATOMIC_RELEASE);
    port_notify(console->port);
    take(console, text, size);
}

/* ---- what is typed ---- */

static void write_ring(struct console *console)
{
    struct xencons_interface *ring = console->ring;
    XENCONS_RING_IDX prod = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED);
    XENCONS_RING_IDX cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    size_t done = 0;

    if (console->nr_typed == 0 || console->broken)
        return;
    while (done < console->nr_typed && prod - cons < sizeof(ring->in))
        ring->in[MASK_XENCONS_IDX(prod++, ring->in)] = console->typed[done++];
    __atomic_store_n(&ring->in_prod, prod, __ATOMIC_RELEASE);
    console->nr_typed -= done;
    memmove(console->typed, console->typed + done, console->nr_typed);
    if (done > 0)
        port_notify(console->port);
}

static void type(struct console *console, const char *text, size_t size)
{
    size_t room = TYPED_SIZE - console->nr_typed;

    if (size > room)
        size = room;
    memcpy(console->typed + console->nr_typed, text, size);
    console->nr_typed += size;
    write_ring(console);
}

/* ---- the thread ---- */

static void serve_one(struct console *console)
{
    console->raised = false;
    port_again(console->port);
    write_ring(console);
    read_ring(console);
}

/* True: some have used up their turns. */
static bool serve_all(void)
{
    bool put_off = false;

    for (struct console *console = consoles; console != NULL; console = console->next) {
        if (console->ring == NULL || !console->raised)
            continue;
        if (budget_take(&console->turns, arch_clock_ns()))
            serve_one(console);
        else
            put_off = true;
    }
    return put_off;
}

static void serve(void *argument)
{
    bool put_off = false;

    (void)argument;
    for (;;) {
        doorbell_wait_until(&bell, put_off ? arch_clock_ns() + PUT_OFF_NS : 0);
        put_off = serve_all();
        thread_yield(); /* a guest that keeps ringing does not keep the others waiting */
    }
}

void consoles_start(void)
{
    static struct thread thread;

    service_thread(&thread, serve);
}

void consoles_follow(struct session *session)
{
    follower = session;
}

/* ---- coming and going ---- */

static struct console *find_live(domid_t domid)
{
    struct console *console = consoles;

    while (console != NULL && (console->ring == NULL || console->domid != domid))
        console = console->next;
    return console;
}

/* By name, or by number; the living one, or the newest of the dead. */
static struct console *find_named(const char *name)
{
    char *end;
    unsigned long domid = strtoul(name, &end, 10);
    bool is_number = *name != 0 && *end == 0;
    struct console *dead = NULL;

    for (struct console *console = consoles; console != NULL; console = console->next) {
        if (strcmp(console->name, name) != 0 && !(is_number && console->domid == domid))
            continue;
        if (console->ring != NULL)
            return console;
        dead = dead != NULL ? dead : console;
    }
    return dead;
}

/* A console that somebody looks at stays, dead or not. */
static void forget_oldest(void)
{
    struct console **oldest = NULL;
    unsigned nr_dead = 0;

    for (struct console **at = &consoles; *at != NULL; at = &(*at)->next) {
        if ((*at)->ring != NULL || (*at)->watcher != NULL || (*at)->nr_lookers > 0)
            continue;
        nr_dead++;
        oldest = at;
    }
    if (nr_dead > DEAD_MAX) {
        struct console *gone = *oldest;

        *oldest = gone->next;
        free(gone->kept);
        free(gone);
    }
}

static struct console *console_make(domid_t domid, const char *name)
{
    struct console *console = calloc(1, sizeof(*console));

    if (console == NULL)
        return NULL;
    console->kept = malloc(KEPT_SIZE);
    if (console->kept == NULL) {
        free(console);
        return NULL;
    }
    console->domid = domid;
    console->turns = TURNS;
    console->lines = LINES;
    strncpy(console->name, name, sizeof(console->name) - 1);
    return console;
}

bool port_console_connect(domid_t domid, const char *name, uint32_t guest_port)
{
    struct console *console = console_make(domid, name);

    if (console == NULL)
        return false;
    console->ring = granted_map(domid, GNTTAB_RESERVED_CONSOLE, &console->handle);
    if (console->ring == NULL)
        goto free;
    console->port = port_join(domid, guest_port, &console->raised, &bell);
    if (console->port < 0)
        goto unmap;
    console->next = consoles;
    consoles = console;
    return true;
unmap:
    granted_unmap(console->ring, console->handle);
free:
    free(console->kept);
    free(console);
    return false;
}

void port_console_disconnect(domid_t domid)
{
    struct console *console = find_live(domid);

    if (console == NULL)
        return;
    read_ring(console); /* its last words */
    if (console->nr_line > 0 && follower != NULL)
        show_line(console);
    port_leave(console->port);
    granted_unmap(console->ring, console->handle);
    console->ring = NULL;
    if (console->watcher != NULL)
        doorbell_ring(console->watcher->bell);
    forget_oldest();
}

void port_console_rename(domid_t domid, const char *name)
{
    struct console *console = find_live(domid);

    if (console != NULL)
        strncpy(console->name, name, sizeof(console->name) - 1);
}

/* ---- looking ---- */

/* Prints what is kept now, in pieces, for it may wait for its reader, and meanwhile the guest goes on: what was
 * overwritten by then is skipped. Returns up to where. */
static uint64_t print_kept(struct session *session, struct console *console, uint64_t at)
{
    char piece[PIECE_SIZE];
    uint64_t end = console->said;

    while (at < end && !session_gone(session)) {
        size_t size;

        if (console->said - at > KEPT_SIZE)
            at = console->said - KEPT_SIZE;
        if (at >= end)
            break;
        size = end - at < sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
        for (size_t i = 0; i < size; i++)
            piece[i] = console->kept[at++ % KEPT_SIZE];
        session->write(session, piece, size);
        session_drain(session);
    }
    return at;
}

/* What is kept begins somewhere in a ring. */
bool port_console_said(const char *name, const char *text)
{
    const struct console *console = find_named(name);
    size_t length = strlen(text), size, i;

    if (console == NULL)
        return false;
    size = console->said < KEPT_SIZE ? console->said : KEPT_SIZE;
    for (uint64_t at = console->said - size; at + length <= console->said; at++) {
        for (i = 0; i < length && console->kept[(at + i) % KEPT_SIZE] == text[i]; i++)
            ;
        if (i == length)
            return true;
    }
    return false;
}

/* False: it held the key that detaches; what stood before that is typed. */
static bool type_all(struct console *console, const char *typed, size_t size)
{
    const char *detach = memchr(typed, DETACH, size);

    if (console->ring != NULL)
        type(console, typed, detach != NULL ? (size_t)(detach - typed) : size);
    return detach == NULL;
}

static void follow(struct session *session, struct console *console)
{
    char typed[64];
    long size;

    console->watcher = session;
    while (console->ring != NULL) {
        size = session->read(session, typed, sizeof(typed));
        if (size == 0 || (size > 0 && !type_all(console, typed, (size_t)size)))
            break;
    }
    console->watcher = NULL;
    session_print(session, "\n");
}

bool port_console_show(struct session *session, const char *name, bool go_on)
{
    struct console *console = find_named(name);

    if (console == NULL)
        return false;
    console->nr_lookers++;
    print_kept(session, console, 0);
    if (go_on && console->ring != NULL && console->watcher == NULL)
        follow(session, console);
    else if (go_on && console->ring != NULL)
        session_fail(session, "somebody else follows it already");
    console->nr_lookers--;
    return true;
}

bool port_console_type(const char *name, const char *text, size_t size)
{
    struct console *console = find_named(name);

    if (console == NULL || console->ring == NULL)
        return false;
    type(console, text, size);
    return true;
}

size_t consoles_bytes(void)
{
    size_t bytes = 0;

    for (const struct console *console = consoles; console != NULL; console = console->next)
        bytes += sizeof(*console) + KEPT_SIZE;
    return bytes;
}
