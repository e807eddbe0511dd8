/* SPDX-License-Identifier: MIT */
/*
 * One ring holds what is still to go out, and behind it what went, for whoever reads later.
 *
 * A real port takes 87 us for a character: nobody waits for it with interrupts off. Who has them on sends
 * what there is, one processor at a time, so that nothing overtakes. Who has them off leaves its text in
 * the ring, to this processor's work (WORK_LOG). Only before there is such work, and when the machine is
 * about to stop, text goes out at once, whatever the interrupts are.
 */
#include "trace/log.h"
#include "lib/format.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "machine/machine.h"

#define LINE_SIZE 256
#define RING_SIZE 16384U
#define SEND_MAX  512U /* characters, before whoever sends may do something else */

/* Who may wait for the port fills half of the ring; the rest is for those who may not. */
#define BACKLOG_MAX (RING_SIZE / 2)

enum log_level log_level = LOG_INFO;
enum log_level log_guest_level = LOG_WARNING;

static struct spinlock lock = SPINLOCK(LOCK_LOG);
static bool in_background, dying;
static char ring[RING_SIZE];
static uint32_t produced; /* characters ever; under the lock. The last RING_SIZE are in the ring */
static uint32_t sent;     /* of them; changed by whoever sends. produced - sent <= RING_SIZE */
static bool sending;      /* somebody is at it */
static uint32_t cleared;  /* the ring's content before this was thrown away */
static uint32_t lost;     /* characters that found no room */

/* Puts as much of a text into the ring as there is room for. */
static size_t keep(const char *text, size_t size, uint32_t backlog_max)
{
    irq_state_t state = dying ? interrupts_save() : spin_lock_irq(&lock);
    uint32_t backlog = produced - READ_ONCE(sent);

    size = MIN(size, backlog_max > backlog ? backlog_max - backlog : 0);
    for (size_t i = 0; i < size; i++)
        ring[(produced + i) % RING_SIZE] = text[i];
    __atomic_store_n(&produced, produced + (uint32_t)size, __ATOMIC_SEQ_CST);
    if (dying)
        interrupts_restore(state);
    else
        spin_unlock_irq(&lock, state);
    return size;
}

/* By one at a time; but last words do not wait for a processor that is at it when it is stopped. What
 * both send comes twice, and each stops at its own end. */
static void send_up_to(uint32_t end)
{
    for (uint32_t at = READ_ONCE(sent); (int32_t)(end - at) > 0; at++) {
        char c = ring[at % RING_SIZE];
        if (c == '\n')
            uart_put('\r');
        uart_put(c);
        __atomic_store_n(&sent, at + 1, __ATOMIC_RELEASE);
    }
}

bool log_send(void)
{
    while (!__atomic_exchange_n(&sending, true, __ATOMIC_SEQ_CST)) {
        send_up_to(sent + MIN(READ_ONCE(produced) - sent, SEND_MAX));
        __atomic_store_n(&sending, false, __ATOMIC_SEQ_CST);
        /* More, or from somebody who found us at it? */
        if (__atomic_load_n(&produced, __ATOMIC_SEQ_CST) == READ_ONCE(sent))
            return false;
        if (in_background)
            return true;
    }
    return false; /* who is at it sees what we leave */
}

static void say_what_was_lost(void)
{
    uint32_t n = __atomic_exchange_n(&lost, 0, __ATOMIC_SEQ_CST);

    if (n)
        log_line(LOG_ERROR, "%u characters of the log were lost", n);
}

static void put_all(const char *text, size_t size)
{
    if (!dying && in_background && !interrupts_are_on()) {
        size_t n = keep(text, size, RING_SIZE);
        __atomic_add_fetch(&lost, (uint32_t)(size - n), __ATOMIC_SEQ_CST);
        cpu_request_work(this_cpu(), WORK_LOG);
        return;
    }
    if (unlikely(READ_ONCE(lost)))
        say_what_was_lost();
    while (size) {
        size_t n = keep(text, size, BACKLOG_MAX);
        text += n;
        size -= n;
        if (dying)
            send_up_to(produced);
        else if (log_send())
            cpu_request_work(this_cpu(), WORK_LOG);
        if (READ_ONCE(sending))
            cpu_relax(); /* another processor makes room */
    }
}

void log_in_background(void)
{
    in_background = true;
}

static void print_line(const char *format, va_list args)
{
    char line[LINE_SIZE];
    size_t used = format_string(line, sizeof(line), "(TEN) ");

    used += format_string_v(line + used, sizeof(line) - used - 1, format, args);
    used = MIN(used, sizeof(line) - 2);
    line[used++] = '\n';
    put_all(line, used);
}

void log_line_v(enum log_level level, const char *format, va_list args)
{
    if (level <= log_level)
        print_line(format, args);
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line_v(level, format, args);
    va_end(args);
}

void log_guest(enum log_level level, const char *format, ...)
{
    va_list args;

    if (level > log_guest_level)
        return;
    va_start(args, format);
    print_line(format, args);
    va_end(args);
}

void log_raw(const char *text, size_t size)
{
    put_all(text, size);
}

void log_last_words(void)
{
    dying = true;
    send_up_to(produced);
}

size_t log_read(char *buffer, size_t size, uint32_t *index)
{
    size_t used = 0;
    irq_state_t state = spin_lock_irq(&lock);
    uint32_t oldest = produced > RING_SIZE ? produced - RING_SIZE : 0;

    oldest = MAX(oldest, cleared);
    if (*index < oldest || *index > produced)
        *index = oldest;
    while (used < size && *index != produced)
        buffer[used++] = ring[(*index)++ % RING_SIZE];
    spin_unlock_irq(&lock, state);
    return used;
}

void log_clear(void)
{
    irq_state_t state = spin_lock_irq(&lock);
    cleared = produced;
    spin_unlock_irq(&lock, state);
}
