/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: the input, as a file and (behind a form feed, which no text may contain) a
 * command line. It is read alone, and behind what every guest needs. One that is taken is within
 * all bounds, and what is said about one that is not lies in its text.
 */
#include <stdlib.h>
#include <string.h>
#include "toolstack/config.h"

#define NEEDED "name='g';kernel='k';memory=64\n"

static void require(int condition)
{
    if (!condition)
        abort();
}

static size_t length(const char *text, size_t size)
{
    size_t n = strnlen(text, size);

    require(n < size);
    for (size_t i = 0; i < n; i++)
        require(text[i] >= ' ' && text[i] <= '~');
    return n;
}

static void check_name(const char *name, size_t size)
{
    size_t n = length(name, size);

    require(n > 0 && !strchr(name, '/'));
    require(strspn(name, "0123456789") < n);
}

static void check_affinity(const struct config_affinity *a, uint32_t maxvcpus)
{
    require(a->nr_listed <= maxvcpus);
    for (unsigned i = 0; i < CONFIG_VCPUS; i++) {
        require(a->cpus[i] != 0);
        require(!a->nr_listed || i < a->nr_listed || a->cpus[i] == UINT64_MAX);
    }
}

static void check_devices(const struct config_devices *d, const struct config_source *sources)
{
    require(d->count <= CONFIG_DEVICES);
    for (unsigned i = 0; i < d->count; i++)
        length(d->text[i], sizeof(d->text[i]));
    if (d->count) {
        require(d->place.offset < sources[d->place.source].size);
        require(sources[d->place.source].text[d->place.offset] == '[');
    }
}

static void check_config(const struct guest_config *c, const struct config_source *sources)
{
    check_name(c->name, sizeof(c->name));
    require(length(c->kernel, sizeof(c->kernel)) > 0);
    length(c->ramdisk, sizeof(c->ramdisk));
    length(c->cmdline, sizeof(c->cmdline));
    require(c->memory_mib >= 1 && c->memory_mib <= c->maxmem_mib && c->maxmem_mib <= 1U << 20);
    require(c->vcpus >= 1 && c->vcpus <= c->maxvcpus && c->maxvcpus <= CONFIG_VCPUS);
    require(c->on_poweroff <= CONFIG_PRESERVE && c->on_reboot <= CONFIG_PRESERVE);
    require(c->on_crash <= CONFIG_PRESERVE && c->on_watchdog <= CONFIG_PRESERVE);
    require(c->max_grant_frames - 1 < 64 || c->max_grant_frames == CONFIG_DEFAULT);
    require(c->max_maptrack_frames <= 1024 || c->max_maptrack_frames == CONFIG_DEFAULT);
    require(c->event_channels >= 1 && c->event_channels <= 4095);
    check_affinity(&c->cpus, c->maxvcpus);
    check_affinity(&c->cpus_soft, c->maxvcpus);
    check_devices(&c->disk, sources);
    check_devices(&c->vif, sources);
}

static size_t count_lines(const struct config_source *source)
{
    size_t lines = 1;

    for (size_t i = 0; i < source->size; i++)
        lines += source->text[i] == '\n';
    return lines;
}

static void check_message(const struct config_message *m, const struct config_source *sources,
                          unsigned nr_sources)
{
    require(m->place.source < nr_sources);
    const struct config_source *source = &sources[m->place.source];
    size_t n = strnlen(m->text, sizeof(m->text));

    require(n > 0 && n < sizeof(m->text) - 1);
    for (size_t i = 0; i < n; i++)
        require((m->text[i] >= ' ' && m->text[i] <= '~') || m->text[i] == '\t');
    length(m->key, sizeof(m->key));
    require(strncmp(m->text, source->name, strlen(source->name)) == 0);
    if (m->place.offset == CONFIG_NOWHERE) {
        require(!m->line && !m->column);
        return;
    }
    require(m->place.offset <= source->size);
    require(m->line >= 1 && m->line <= count_lines(source));
    require(m->column >= 1 && m->column <= m->place.offset + 1);
}

static void try_sources(const struct config_source *sources, unsigned nr_sources)
{
    static struct guest_config config;
    static struct config_report report;
    bool taken = config_read(&config, &report, sources, nr_sources);

    require(taken == !report.nr_errors);
    for (unsigned i = 0; i < report.nr_errors && i < CONFIG_ERRORS; i++)
        check_message(&report.errors[i], sources, nr_sources);
    for (unsigned i = 0; i < report.nr_warnings && i < CONFIG_WARNINGS; i++)
        check_message(&report.warnings[i], sources, nr_sources);
    if (taken)
        check_config(&config, sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *split = size ? memchr(data, '\f', size) : NULL;
    size_t file = split ? (size_t)(split - data) : size, words = split ? size - file - 1 : 0;
    char *copies[2] = { malloc(file ? file : 1), malloc(words ? words : 1) };
    struct config_source sources[3] = { { "needed", NEEDED, sizeof(NEEDED) - 1, false },
                                        { "guest.cfg", copies[0], file, false },
                                        { "command line", copies[1], words, true } };

    if (file)
        memcpy(copies[0], data, file);
    if (words)
        memcpy(copies[1], split + 1, words);
    try_sources(sources + 1, 2);
    try_sources(sources, 3);
    free(copies[0]);
    free(copies[1]);
    return 0;
}
