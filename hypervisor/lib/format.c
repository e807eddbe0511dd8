/* SPDX-License-Identifier: MIT */
#include "lib/format.h"
#include "lib/string.h"

struct output {
    char *buffer;
    size_t size;
    size_t used; /* what was produced, stored or not */
};

struct spec {
    bool zero;
    bool left;
    unsigned width;
    int precision; /* -1: none */
    unsigned longs;
};

static void put(struct output *out, char c)
{
    if (out->used + 1 < out->size)
        out->buffer[out->used] = c;
    out->used++;
}

static void put_padded(struct output *out, const struct spec *spec, const char *s, size_t length)
{
    size_t pad = spec->width > length ? spec->width - length : 0;

    if (!spec->left) {
        while (pad && !spec->zero) {
            put(out, ' ');
            pad--;
        }
    }
    if (spec->zero && length && *s == '-') {
        put(out, *s++);
        length--;
    }
    while (pad && spec->zero) {
        put(out, '0');
        pad--;
    }
    while (length--)
        put(out, *s++);
    while (pad--)
        put(out, ' ');
}

static void put_number(struct output *out, const struct spec *spec, uint64_t n, unsigned base,
                       bool negative, bool capitals)
{
    const char *digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    size_t at = sizeof(text);

    do {
        text[--at] = digits[n % base];
        n /= base;
    } while (n);
    if (negative)
        text[--at] = '-';
    put_padded(out, spec, text + at, sizeof(text) - at);
}

static uint64_t take_unsigned(const struct spec *spec, va_list *args)
{
    return spec->longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
}

static const char *parse_spec(const char *f, struct spec *spec)
{
    *spec = (struct spec){ .precision = -1 };
    for (;; f++) {
        if (*f == '0')
            spec->zero = true;
        else if (*f == '-')
            spec->left = true;
        else if (*f != '#')
            break;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        spec->width = spec->width * 10 + (unsigned)(*f - '0');
    if (*f == '.') {
        spec->precision = 0;
        for (f++; *f >= '0' && *f <= '9'; f++)
            spec->precision = spec->precision * 10 + (*f - '0');
    }
    for (; *f == 'l' || *f == 'z'; f++)
        spec->longs++;
    if (spec->left)
        spec->zero = false;
    return f;
}

static void convert(struct output *out, const struct spec *spec, char kind, va_list *args)
{
    char c;
    const char *s;
    int64_t n;

    switch (kind) {
    case 'd':
    case 'i':
        n = spec->longs ? va_arg(*args, int64_t) : va_arg(*args, int);
        put_number(out, spec, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0, false);
        break;
    case 'u':
        put_number(out, spec, take_unsigned(spec, args), 10, false, false);
        break;
    case 'x':
    case 'X':
        put_number(out, spec, take_unsigned(spec, args), 16, false, kind == 'X');
        break;
    case 'p':
        put_number(out, spec, (uint64_t)va_arg(*args, void *), 16, false, false);
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(out, spec, &c, 1);
        break;
    case 's':
        s = va_arg(*args, const char *);
        if (!s)
            s = "(null)";
        put_padded(out, spec, s, strnlen(s, (size_t)spec->precision));
        break;
    default:
        put(out, '%');
        put(out, kind);
    }
}

size_t format_string_v(char *buffer, size_t size, const char *format, va_list args)
{
    struct output out = { buffer, size, 0 };
    struct spec spec;
    va_list copy;

    va_copy(copy, args); /* a va_list parameter may be an array: its address is not a va_list * */
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            put(&out, *f);
            continue;
        }
        f = parse_spec(f + 1, &spec);
        if (!*f)
            break;
        if (*f == '%')
            put(&out, '%');
        else
            convert(&out, &spec, *f, &copy);
    }
    va_end(copy);
    if (size)
        buffer[MIN(out.used, size - 1)] = 0;
    return out.used;
}

size_t format_string(char *buffer, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t used = format_string_v(buffer, size, format, args);
    va_end(args);
    return used;
}
