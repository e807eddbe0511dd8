/* SPDX-License-Identifier: MIT */
/*
 * A made-up configuration is written down in many ways, with blanks, comments, quotes and forms of
 * numbers as they fall, and must come back. Then bytes are changed: what is said about it must lie
 * in the text.
 */
#include "reading.h"
#include <stdio.h>
#include "toolstack/config_keys.h"

static char out[CONFIG_TEXT_MAX];
static size_t used;

static unsigned below(unsigned n)
{
    return (unsigned)random() % n;
}

static void put(const char *text)
{
    size_t n = strlen(text);

    ck_assert_uint_lt(used + n, sizeof(out));
    memcpy(out + used, text, n + 1);
    used += n;
}

static void put_blanks(void)
{
    static const char *const blanks[] = { "", "", " ", "\t", "   " };

    put(blanks[below(ARRAY_SIZE(blanks))]);
}

static void put_line_end(void)
{
    static const char *const ends[] = { "\n",    "\r\n",   ";",       " # c ' \"\n",
                                        "#\r\n", "\n\n ;", ";\n# x\n" };

    put_blanks();
    put(ends[below(ARRAY_SIZE(ends))]);
}

static void put_list_gap(void)
{
    static const char *const gaps[] = { "", " ", "\n", "\r\n", "# ]\n", " \n\n # [ \r\n\t" };

    put(gaps[below(ARRAY_SIZE(gaps))]);
}

static void put_key(const char *key)
{
    put_blanks();
    put(key);
    put_blanks();
    put("=");
    put_blanks();
}

static void put_quoted(const char *text)
{
    char quote[2] = { "\"'"[below(2)], 0 };

    put(quote);
    for (; *text; text++) {
        char c[2] = { *text, 0 };
        bool escapable = *text == '\\' || *text == '"' || *text == '\'';
        if (*text == '\\' || *text == *quote || (escapable && below(2)))
            put("\\");
        put(c);
    }
    put(quote);
}

static void put_number(uint32_t number)
{
    static const char *const formats[] = { "%u", "0x%x", "0x%X", "0%o", "\"%u\"", "'0x%x'" };
    char text[32];

    snprintf(text, sizeof(text), formats[below(ARRAY_SIZE(formats))], number);
    put(text);
}

static void make_text(char *to, size_t size, unsigned min)
{
    size_t n = min + below((unsigned)size - min);

    for (size_t i = 0; i < n; i++)
        to[i] = (char)(' ' + below('~' - ' ' + 1));
    to[n] = 0;
}

static void make_affinity(struct config_affinity *a, uint32_t maxvcpus)
{
    memset(a->cpus, 0xff, sizeof(a->cpus));
    a->nr_listed = below(2) ? 0 : 1 + below(maxvcpus);
    for (unsigned i = 0; i < (a->nr_listed ? a->nr_listed : 1); i++) {
        do
            a->cpus[i] = (uint64_t)random() << 33 ^ (uint64_t)random() << 11;
        while (!a->cpus[i]);
    }
    for (unsigned i = 1; !a->nr_listed && i < CONFIG_VCPUS; i++)
        a->cpus[i] = a->cpus[0];
}

static void make_devices(struct config_devices *d)
{
    d->count = below(CONFIG_DEVICES + 1);
    for (unsigned i = 0; i < d->count; i++)
        make_text(d->text[i], sizeof(d->text[i]), 0);
}

static void make_config(struct guest_config *c)
{
    memset(c, 0, sizeof(*c));
    make_text(c->name + 1, sizeof(c->name) - 1, 0);
    c->name[0] = 'n';
    while (strchr(c->name, '/'))
        *strchr(c->name, '/') = '|';
    make_text(c->kernel, sizeof(c->kernel), 1);
    make_text(c->ramdisk, sizeof(c->ramdisk), 0);
    make_text(c->cmdline, sizeof(c->cmdline), 0);
    c->memory_mib = 1 + below(1U << 20);
    c->maxmem_mib = c->memory_mib + below((1U << 20) - c->memory_mib + 1);
    c->maxvcpus = 1 + below(CONFIG_VCPUS);
    c->vcpus = 1 + below(c->maxvcpus);
    c->on_poweroff = below(4);
    c->on_reboot = below(4);
    c->on_crash = below(4);
    c->on_watchdog = below(4);
    c->uuid_given = true;
    for (unsigned i = 0; i < 16; i++)
        c->uuid[i] = (uint8_t)random();
    c->max_grant_frames = 1 + below(64);
    c->max_maptrack_frames = below(1025);
    c->event_channels = 1 + below(4095);
    make_affinity(&c->cpus, c->maxvcpus);
    make_affinity(&c->cpus_soft, c->maxvcpus);
    make_devices(&c->disk);
    make_devices(&c->vif);
}

static void put_mask(uint64_t mask)
{
    char text[512] = "", *end = text;
    uint64_t shown = below(2) ? mask : ~mask;

    /* Either those that are in, or all without those that are not. */
    if (shown != mask)
        end += sprintf(end, "all");
    for (unsigned i = 0; i < 64; i++) {
        unsigned to = i;
        if (!(shown >> i & 1))
            continue;
        while (to < 63 && shown >> (to + 1) & 1)
            to++;
        end += sprintf(end, "%s%s%u",
                       end == text ? ""
                       : below(2)  ? ","
                                   : " , ",
                       shown != mask ? "^" : "", i);
        if (to > i)
            end += sprintf(end, "-%u", to);
        i = to;
    }
    put_quoted(text);
}

static void put_affinity(const struct config_affinity *a)
{
    if (!a->nr_listed) {
        put_mask(a->cpus[0]);
        return;
    }
    put("[");
    for (unsigned i = 0; i < a->nr_listed; i++) {
        put_list_gap();
        put_mask(a->cpus[i]);
        put_list_gap();
        put(i + 1 < a->nr_listed || below(2) ? "," : "");
    }
    put_list_gap();
    put("]");
}

static void put_devices(const struct config_devices *d)
{
    put("[");
    for (unsigned i = 0; i < d->count; i++) {
        put_list_gap();
        put_quoted(d->text[i]);
        put_list_gap();
        put(i + 1 < d->count || below(2) ? "," : "");
    }
    put_list_gap();
    put("]");
}

static void put_uuid(const uint8_t *uuid)
{
    char text[64] = "";
    bool dashes = below(2);

    for (unsigned i = 0; i < 16; i++) {
        bool dash = dashes && (i == 4 || i == 6 || i == 8 || i == 10);
        sprintf(text + strlen(text), below(2) ? "%s%02x" : "%s%02X", dash ? "-" : "", uuid[i]);
    }
    put_quoted(text);
}

static void put_setting(const struct config_key *key, const struct guest_config *c)
{
    static const char *const actions[] = { "destroy", "restart", "rename-restart", "preserve" };
    const void *member = (const char *)c + key->offset;

    put_key(key->name);
    if (!strncmp(key->name, "cpus", 4))
        put_affinity(member);
    else if (!strcmp(key->name, "disk") || !strcmp(key->name, "vif"))
        put_devices(member);
    else if (!strcmp(key->name, "uuid"))
        put_uuid(member);
    else if (!strncmp(key->name, "on_", 3))
        put_quoted(actions[*(const uint32_t *)member]);
    else if (key->size == sizeof(uint32_t))
        put_number(*(const uint32_t *)member);
    else
        put_quoted(member);
    put_line_end();
}

/* All keys that have a member, in any order; root and extra are cmdline's in another shape. */
static void put_config(const struct guest_config *c)
{
    const struct config_key *rows[CONFIG_KEYS_MAX];
    unsigned nr = 0;

    for (unsigned i = 0; i < config_nr_keys; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->size && strcmp(key->name, "root") && strcmp(key->name, "extra"))
            rows[nr++] = key;
    }
    used = 0;
    for (; nr; nr--) {
        unsigned i = below(nr);
        put_setting(rows[i], c);
        rows[i] = rows[nr - 1];
    }
}

START_TEST(layout_means_nothing)
{
    static struct guest_config wanted;

    srandom((unsigned)_i);
    for (unsigned round = 0; round < 40; round++) {
        make_config(&wanted);
        put_config(&wanted);
        ck_assert_msg(read_bytes(out, used, NULL), "%s\n%s", report.errors[0].text, out);
        ck_assert_uint_eq(report.nr_warnings, 0);
        wanted.disk.place = config.disk.place;
        wanted.vif.place = config.vif.place;
        ck_assert_str_eq(config.name, wanted.name);
        ck_assert_str_eq(config.cmdline, wanted.cmdline);
        ck_assert_msg(!memcmp(&config.memory_mib, &wanted.memory_mib,
                              sizeof(config) - offsetof(struct guest_config, memory_mib)),
                      "%s", out);
    }
}
END_TEST

/* One byte changed: taken or refused, but what is said about it lies in the text. */
START_TEST(messages_lie_in_the_text)
{
    static struct guest_config wanted;

    srandom((unsigned)_i);
    make_config(&wanted);
    put_config(&wanted);
    for (unsigned round = 0; round < 400; round++) {
        unsigned at = below((unsigned)used);
        char was = out[at];
        out[at] = (char)random();
        read_bytes(out, used, NULL);
        for (unsigned i = 0; i < report.nr_errors && i < CONFIG_ERRORS; i++) {
            const struct config_message *m = &report.errors[i];
            ck_assert(m->place.offset <= used || m->place.offset == CONFIG_NOWHERE);
            for (const char *c = m->text; *c; c++)
                ck_assert_msg((*c >= ' ' && *c <= '~') || *c == '\t', "%s", m->text);
        }
        out[at] = was;
    }
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { layout_means_nothing, .rounds = 8 },
        { messages_lie_in_the_text, .rounds = 8 },
    };

    return RUN_TESTS("toolstack/config_layout", tests);
}
