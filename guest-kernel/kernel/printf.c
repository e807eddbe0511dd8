/* SPDX-License-Identifier: MIT */
/*
 * Formatted output.
 */
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "kernel/printf.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

#define LINE_MAX 1024

struct output {
    char *to;
    size_t size, used;
};

struct conversion {
    bool left, zero, is_long;
    unsigned width;
};

static struct spinlock console_lock;

static void put(struct output *out, char c)
{
    if (out->used + 1 < out->size)
        out->to[out->used++] = c;
}

static void put_padded(struct output *out, const struct conversion *conv, const char *text,
                       size_t length)
{
    size_t pad = conv->width > length ? conv->width - length : 0;
    char fill = conv->zero && !conv->left ? '0' : ' ';

    for (size_t i = 0; !conv->left && i < pad; i++)
        put(out, fill);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    for (size_t i = 0; conv->left && i < pad; i++)
        put(out, ' ');
}

static void put_number(struct output *out, const struct conversion *conv, uint64_t value,
                       unsigned base, bool negative)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        digits[--at] = '-';
    put_padded(out, conv, digits + at, sizeof(digits) - at);
}

static const char *parse_conversion(const char *format, struct conversion *conv)
{
    memset(conv, 0, sizeof(*conv));
    for (;; format++) {
        if (*format == '-')
            conv->left = true;
        else if (*format == '0')
            conv->zero = true;
        else
            break;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        conv->width = conv->width * 10 + (unsigned)(*format - '0');
    for (; *format == 'l' || *format == 'z'; format++)
        conv->is_long = true;
    return format;
}

static void put_conversion(struct output *out, const struct conversion *conv, char kind,
                           va_list *args)
{
    const char *text;
    char c;
    long value;

    switch (kind) {
    case 'd':
        value = conv->is_long ? va_arg(*args, long) : va_arg(*args, int);
        put_number(out, conv, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
        break;
    case 'u':
    case 'x':
        put_number(out, conv,
                   conv->is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned),
                   kind == 'u' ? 10 : 16, false);
        break;
    case 'p':
        put_number(out, conv, (uintptr_t)va_arg(*args, void *), 16, false);
        break;
    case 's':
        text = va_arg(*args, const char *);
        put_padded(out, conv, text, strlen(text));
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(out, conv, &c, 1);
        break;
    default:
        put(out, kind);
    }
}

size_t kvsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct output out = { .to = to, .size = size };
    struct conversion conv;
    va_list copy;

    va_copy(copy, args);
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        format = parse_conversion(format + 1, &conv);
        if (*format == 0)
            break;
        put_conversion(&out, &conv, *format, &copy);
    }
    va_end(copy);
    if (size > 0)
        to[out.used] = 0;
    return out.used;
}

size_t ksnprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = kvsnprintf(to, size, format, args);
    va_end(args);
    return length;
}

void kvprintf(const char *format, va_list args)
{
    static char line[LINE_MAX];
    bool enabled = arch_irq_disable();
    size_t length;

    spin_lock(&console_lock);
    length = kvsnprintf(line, sizeof(line), format, args);
    arch_console_write(line, length);
    spin_unlock(&console_lock);
    arch_irq_restore(enabled);
}

void kprintf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    kvprintf(format, args);
    va_end(args);
}
