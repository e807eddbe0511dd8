/* SPDX-License-Identifier: MIT */
#include "boot/cmdline.h"
#include "lib/string.h"
#include "trace/log.h"

#define WORD_MAX 128U

/* Parsers return NULL, or what they expect. value is what follows the '=', "" if there is none. */

static const char *parse_console(const char *value, struct boot_options *o)
{
    if (!strcmp(value, "com1"))
        o->console_com1 = true;
    else if (!strcmp(value, "none"))
        o->console_com1 = false;
    else
        return "console=com1 or console=none is what there is";
    return NULL;
}

static const char *parse_com1(const char *value, struct boot_options *o)
{
    uint64_t baud;

    if (!parse_size(value, &value, &baud) || !baud || baud > 115200 ||
        (*value && strcmp(value, ",8n1")))
        return "expected com1=BAUD[,8n1], at most 115200";
    o->com1_baud = (unsigned)baud;
    return NULL;
}

static const char *parse_level(const char *value, unsigned *level)
{
    static const struct {
        const char *name;
        unsigned level;
    } names[] = { { "none", LOG_ERROR },      { "error", LOG_ERROR }, { "warning", LOG_WARNING },
                  { "info", LOG_INFO },       { "debug", LOG_DEBUG }, { "all", LOG_DEBUG } };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        size_t length = strlen(names[i].name);
        /* "error/warning" is Xen's way to name a second, rate-limited level: ours are all limited. */
        if (!strncmp(value, names[i].name, length) && (!value[length] || value[length] == '/')) {
            *level = names[i].level;
            return NULL;
        }
    }
    return "expected none, error, warning, info, debug or all";
}

static const char *parse_loglvl(const char *value, struct boot_options *o)
{
    return parse_level(value, &o->loglvl);
}

static const char *parse_guest_loglvl(const char *value, struct boot_options *o)
{
    return parse_level(value, &o->guest_loglvl);
}

static const char *parse_dom0_mem(const char *value, struct boot_options *o)
{
    uint64_t size;

    if (!strncmp(value, "max:", 4))
        value += 4;
    if (!parse_size(value, &value, &size) || (*value && *value != ','))
        return "expected dom0_mem=SIZE, as in dom0_mem=256M";
    o->dom0_mem = size;
    return NULL;
}

static const char *parse_dom0_max_vcpus(const char *value, struct boot_options *o)
{
    uint64_t n;

    if (!parse_size(value, &value, &n) || *value || !n || n > 32)
        return "expected dom0_max_vcpus=N, 1 to 32";
    o->dom0_max_vcpus = (unsigned)n;
    return NULL;
}

static const char *parse_noreboot(const char *value, struct boot_options *o)
{
    if (*value)
        return "takes no value";
    o->noreboot = true;
    return NULL;
}

static const char *parse_audit(const char *value, struct boot_options *o)
{
    if (*value)
        return "takes no value";
    o->audit = true;
    return NULL;
}

static const char *parse_global_pages(const char *value, struct boot_options *o)
{
    static const char *const no[] = { "no", "off", "false", "0" };
    static const char *const yes[] = { "yes", "on", "true", "1", "" };

    for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
        if (!strcmp(value, no[i])) {
            o->global_pages = GLOBAL_PAGES_OFF;
            return NULL;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++) {
        if (!strcmp(value, yes[i])) {
            o->global_pages = GLOBAL_PAGES_ON;
            return NULL;
        }
    }
    return "expected global-pages=yes or global-pages=no";
}

static const char *parse_sched(const char *value, struct boot_options *o)
{
    (void)o;
    return strcmp(value, "round-robin") ? "round-robin is the only policy there is" : NULL;
}

static const char *parse_debug_exit(const char *value, struct boot_options *o)
{
    uint64_t port;

    if (!parse_size(value, &value, &port) || *value || port > 0xffff)
        return "expected debug_exit=PORT";
    o->debug_exit = (uint16_t)port;
    return NULL;
}

static const struct {
    const char *name;
    const char *(*parse)(const char *value, struct boot_options *options);
} words[] = {
    { "console", parse_console },
    { "com1", parse_com1 },
    { "loglvl", parse_loglvl },
    { "guest_loglvl", parse_guest_loglvl },
    { "dom0_mem", parse_dom0_mem },
    { "dom0_max_vcpus", parse_dom0_max_vcpus },
    { "noreboot", parse_noreboot },
    { "sched", parse_sched },
    { "global-pages", parse_global_pages },
    { "audit", parse_audit },
    { "debug_exit", parse_debug_exit },
};

static const char *parse_word(char *word, struct boot_options *options)
{
    char *value = word;

    while (*value && *value != '=')
        value++;
    size_t length = (size_t)(value - word);
    if (*value)
        value++;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i].name) == length && !strncmp(words[i].name, word, length))
            return words[i].parse(value, options);
    }
    return "no such option";
}

void cmdline_parse(const char *line, struct boot_options *options,
                   void (*complain)(const char *word, const char *what))
{
    char word[WORD_MAX], copy[WORD_MAX];

    *options = (struct boot_options){
        .com1_baud = 115200,
        .console_com1 = true,
        .loglvl = LOG_INFO,
        .guest_loglvl = LOG_WARNING,
    };
    while (*line) {
        size_t length = 0;
        while (*line == ' ')
            line++;
        while (line[length] && line[length] != ' ')
            length++;
        if (!length)
            break;
        memcpy(word, line, MIN(length, sizeof(word) - 1));
        word[MIN(length, sizeof(word) - 1)] = 0;
        line += length;
        string_copy(copy, word, sizeof(copy));
        const char *wrong = length < sizeof(word) ? parse_word(word, options) : "too long";
        if (wrong)
            complain(copy, wrong);
    }
}
