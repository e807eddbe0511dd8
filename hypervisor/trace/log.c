/* SPDX-License-Identifier: MIT */
#include "trace/log.h"
#include "lib/format.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "machine/machine.h"

#define LINE_SIZE 256
#define RING_SIZE 16384U

enum log_level log_level = LOG_INFO;
enum log_level log_guest_level = LOG_WARNING;

static struct spinlock lock = SPINLOCK(LOCK_LOG);
static bool dying;
static char ring[RING_SIZE];
static uint32_t produced; /* characters ever; the last RING_SIZE of them are in the ring */
static uint32_t cleared;  /* the ring's content before this was thrown away */

static void put(char c)
{
    if (c == '\n')
        uart_put('\r');
    uart_put(c);
    ring[produced++ % RING_SIZE] = c;
}

static void put_all(const char *text, size_t size)
{
    if (dying) {
        for (size_t i = 0; i < size; i++)
            put(text[i]);
        return;
    }
    irq_state_t state = spin_lock_irq(&lock);
    for (size_t i = 0; i < size; i++)
        put(text[i]);
    spin_unlock_irq(&lock, state);
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
