/* SPDX-License-Identifier: MIT */
/*
 * From texts to a configuration: first all texts are read and the last setting of each key is
 * noted, then the settings are applied, then what belongs together is compared.
 */
#include "toolstack/config.h"
#include <stdio.h>
#include <string.h>
#include "toolstack/config_keys.h"
#include "toolstack/config_report.h"

/* The last setting of a key. */
struct noted {
    bool set;
    struct config_place key, value;
};

struct reader {
    struct guest_config *config;
    struct config_report *report;
    const struct config_source *sources;
    struct noted noted[CONFIG_KEYS_MAX];
};

/* --- Noting settings --- */

/* Those behind are dropped anyway: finding out what to say would take time, for which a hostile
 * text could ask. */
static bool enough_said(const struct reader *r)
{
    return r->report->nr_errors >= CONFIG_ERRORS;
}

static void refuse_unknown(struct reader *r, const struct config_token *key)
{
    const char *meant = enough_said(r) ? NULL : config_key_meant(key->start, key->length);
    char name[sizeof(((struct config_message *)NULL)->key)];

    config_atom_text(key, name, sizeof(name));
    if (meant)
        config_refuse(r->report, key->place, name, "there is no such key; did you mean '%s'?",
                      meant);
    else
        config_refuse(r->report, key->place, name, "there is no such key");
}

static void refuse_twice(struct reader *r, const struct config_token *key, const char *name,
                         uint32_t first)
{
    const struct config_source *source = &r->sources[key->place.source];
    unsigned line = 0, column = 0;

    if (!enough_said(r))
        config_locate(source, first, &line, &column);
    if (source->words)
        config_refuse(r->report, key->place, name, "given twice, first as word %u", line);
    else
        config_refuse(r->report, key->place, name, "given twice, first at %u:%u", line, column);
}

static void note_setting(void *context, const struct config_token *key, struct config_cursor value)
{
    struct reader *r = context;
    const struct config_key *row = config_key_find(key->start, key->length);

    if (!row) {
        refuse_unknown(r, key);
        return;
    }
    struct noted *slot = &r->noted[row - config_keys];
    if (slot->set && slot->key.source == key->place.source) {
        refuse_twice(r, key, row->name, slot->key.offset);
        return;
    }
    *slot = (struct noted){ true, key->place, value.place };
}

static bool parse_sources(struct reader *r, unsigned nr_sources)
{
    for (unsigned i = 0; i < nr_sources; i++) {
        if (r->sources[i].size > CONFIG_TEXT_MAX) {
            config_refuse(r->report, (struct config_place){ i, CONFIG_NOWHERE }, "",
                          "a text of at most %u bytes is taken, and this one has %lu",
                          CONFIG_TEXT_MAX, (unsigned long)r->sources[i].size);
            return false;
        }
        if (!config_parse(r->sources, i, r->report, note_setting, r))
            return false;
    }
    return true;
}

/* --- Applying them --- */

static const struct noted *noted(const struct reader *r, const char *key)
{
    return &r->noted[config_key_find(key, strlen(key)) - config_keys];
}

static bool is_set(const struct reader *r, const char *key)
{
    return noted(r, key)->set;
}

static void apply(struct reader *r, unsigned i)
{
    const struct noted *n = &r->noted[i];
    struct config_setting setting = {
        .key = &config_keys[i],
        .value = { &r->sources[n->value.source], n->value },
        .report = r->report,
        .place = n->key,
    };

    setting.key->set(&setting, (char *)r->config + setting.key->offset);
}

static void set_defaults(struct guest_config *config)
{
    memset(config, 0, sizeof(*config));
    config->vcpus = 1;
    config->on_reboot = CONFIG_RESTART;
    config->max_grant_frames = CONFIG_DEFAULT;
    config->max_maptrack_frames = CONFIG_DEFAULT;
    config->event_channels = 1023; /* xl's */
    memset(config->cpus.cpus, 0xff, sizeof(config->cpus.cpus));
    memset(config->cpus_soft.cpus, 0xff, sizeof(config->cpus_soft.cpus));
}

/* What is not given follows from what is. */
static void derive(struct reader *r)
{
    struct guest_config *c = r->config;

    if (!is_set(r, "maxmem"))
        c->maxmem_mib = c->memory_mib;
    if (!is_set(r, "maxvcpus"))
        c->maxvcpus = c->vcpus;
    c->uuid_given = is_set(r, "uuid");
}

/* --- What belongs together --- */

static void check_given(struct reader *r)
{
    static const char *const required[] = { "name", "kernel", "memory" };

    for (unsigned i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!is_set(r, required[i]))
            config_refuse(r->report, (struct config_place){ 0, CONFIG_NOWHERE }, required[i],
                          "it must be given");
    }
}

static void check_order(struct reader *r, const char *low, uint32_t low_value, const char *high,
                        uint32_t high_value)
{
    if (low_value > high_value)
        config_refuse(r->report, noted(r, high)->value, high, "%u is less than %s, which is %u",
                      high_value, low, low_value);
}

static void check_affinity(struct reader *r, const char *key,
                           const struct config_affinity *affinity)
{
    if (affinity->nr_listed > r->config->maxvcpus)
        config_refuse(r->report, noted(r, key)->value, key,
                      "it lists %u vCPUs, and the guest has %u", affinity->nr_listed,
                      r->config->maxvcpus);
}

static void warn_beside_cmdline(struct reader *r, const char *key)
{
    if (is_set(r, key))
        config_warn(r->report, noted(r, key)->key, key, "it has no effect beside cmdline");
}

/* As xl does: cmdline as it is, or root and extra. */
static void make_cmdline(struct reader *r)
{
    struct guest_config *c = r->config;
    const char *last = is_set(r, "extra") ? "extra" : "root";

    if (is_set(r, "cmdline")) {
        warn_beside_cmdline(r, "root");
        warn_beside_cmdline(r, "extra");
        return;
    }
    int length = snprintf(c->cmdline, sizeof(c->cmdline), "%s%s%s%s", c->root[0] ? "root=" : "",
                          c->root, c->root[0] && c->extra[0] ? " " : "", c->extra);
    if (length >= (int)sizeof(c->cmdline))
        config_refuse(
            r->report, noted(r, last)->value, last,
            "root and extra make a command line of %d characters, and at most %lu are taken",
            length, (unsigned long)sizeof(c->cmdline) - 1);
}

/* Single values are right by now. */
static void check_together(struct reader *r)
{
    const struct guest_config *c = r->config;

    check_order(r, "memory", c->memory_mib, "maxmem", c->maxmem_mib);
    check_order(r, "vcpus", c->vcpus, "maxvcpus", c->maxvcpus);
    check_affinity(r, "cpus", &c->cpus);
    check_affinity(r, "cpus_soft", &c->cpus_soft);
    make_cmdline(r);
}

bool config_read(struct guest_config *config, struct config_report *report,
                 const struct config_source *sources, unsigned nr_sources)
{
    struct reader r = { .config = config, .report = report, .sources = sources };

    memset(report, 0, sizeof(*report));
    report->sources = sources;
    set_defaults(config);
    if (!parse_sources(&r, nr_sources))
        return false;
    for (unsigned i = 0; i < config_nr_keys; i++) {
        if (r.noted[i].set)
            apply(&r, i);
    }
    check_given(&r);
    derive(&r);
    if (!report->nr_errors)
        check_together(&r);
    return !report->nr_errors;
}
