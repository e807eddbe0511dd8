/* SPDX-License-Identifier: MIT */
/*
 * xl's verbs that change guests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "toolstack/guest_keys.h"
#include "toolstack/port.h"
#include "toolstack/verbs.h"

#define OVERRIDES_MAX 2048
#define WAIT_STEP_NS  20000000ULL

/* The guest that a word names; NULL: said why not. */
static struct guest *named(struct session *session, const char *word)
{
    struct guest *guest = guest_find(word);

    if (guest == NULL && (strcmp(word, "0") == 0 || strcmp(word, "Domain-0") == 0))
        session_fail(session, "that is dom0, in which this runs");
    else if (guest == NULL)
        session_fail(session, "there is no guest '%s'", word);
    return guest;
}

/* Most verbs do one thing to one guest. */
static int with_guest(struct session *session, const char *word, int (*act)(struct session *, struct guest *))
{
    struct guest *guest;
    int status = 1;

    guests_lock();
    guest = named(session, word);
    if (guest != NULL)
        status = act(session, guest);
    guests_unlock();
    return status;
}

/* ---- create ---- */

static void print_messages(struct session *session, const struct config_report *report)
{
    for (unsigned i = 0; i < report->nr_warnings && i < CONFIG_WARNINGS; i++)
        session_fail(session, "warning: %s", report->warnings[i].text);
    for (unsigned i = 0; i < report->nr_errors && i < CONFIG_ERRORS; i++)
        session_fail(session, "%s", report->errors[i].text);
}

/* KEY=VALUE words become lines. False: they are too long together. */
static bool add_override(char *text, const char *word)
{
    size_t used = strlen(text);

    return (size_t)snprintf(text + used, OVERRIDES_MAX - used, "%s\n", word) < OVERRIDES_MAX - used;
}

struct creation {
    bool paused, quiet;
    const char *file;
    char overrides[OVERRIDES_MAX];
};

static bool read_word(struct session *session, struct creation *c, const char *word)
{
    if (strcmp(word, "-p") == 0)
        c->paused = true;
    else if (strcmp(word, "-q") == 0)
        c->quiet = true;
    else if (word[0] == '-')
        session_fail(session, "there is no option %s; there are -p (stays paused) and -q", word);
    else if (strchr(word, '=') != NULL && !add_override(c->overrides, word))
        session_fail(session, "the KEY=VALUE words are too long together");
    else if (strchr(word, '=') == NULL && c->file != NULL)
        session_fail(session, "one configuration file, not both %s and %s", c->file, word);
    else if (strchr(word, '=') == NULL)
        c->file = word;
    else
        return true;
    return strcmp(word, "-p") == 0 || strcmp(word, "-q") == 0 || c->file == word;
}

static bool read_config(struct session *session, struct creation *c, struct guest_config *config)
{
    struct config_source sources[2];
    unsigned nr_sources = 0;
    struct config_report *report = calloc(1, sizeof(*report));
    const void *bytes;
    size_t size;
    bool good = false;

    if (report == NULL)
        return session_fail(session, "dom0 has no memory left"), false;
    if (c->file != NULL && !port_file(c->file, &bytes, &size)) {
        session_fail(session, "there is no file %s in dom0's archive", c->file);
        goto out;
    }
    if (c->file != NULL)
        sources[nr_sources++] = (struct config_source){ .name = c->file, .text = bytes, .size = size };
    if (c->overrides[0] != 0 || nr_sources == 0)
        sources[nr_sources++] = (struct config_source){
            .name = "command line", .text = c->overrides, .size = strlen(c->overrides), .words = true
        };
    good = config_read(config, report, sources, nr_sources);
    print_messages(session, report);
out:
    free(report);
    return good;
}

static int verb_create(struct session *session, int argc, char **argv)
{
    struct creation c = { 0 };
    struct guest_config *config;
    struct guest *guest = NULL;
    char reason[512];

    for (int i = 1; i < argc; i++)
        if (!read_word(session, &c, argv[i]))
            return 2;
    config = malloc(sizeof(*config));
    if (config == NULL)
        return session_fail(session, "dom0 has no memory left");
    if (read_config(session, &c, config)) {
        guests_lock();
        guest = guest_create(config, c.paused, reason, sizeof(reason));
        if (guest == NULL)
            session_fail(session, "%s: %s", c.file != NULL ? c.file : config->name, reason);
        else if (!c.quiet)
            session_print(session, "%s is domain %u\n", guest->config.name, guest->domid);
        guests_unlock();
    }
    free(config);
    return guest == NULL;
}

/* ---- one thing to one guest ---- */

static int do_destroy(struct session *session, struct guest *guest)
{
    (void)session;
    guest_destroy(guest);
    return 0;
}

static int verb_destroy(struct session *session, int argc, char **argv)
{
    (void)argc;
    return with_guest(session, argv[1], do_destroy);
}

static int do_pause(struct session *session, struct guest *guest)
{
    long error = control_pause(guest->domid);

    return error == 0 ? 0 : session_fail(session, "refused: error %ld", error);
}

static int verb_pause(struct session *session, int argc, char **argv)
{
    (void)argc;
    return with_guest(session, argv[1], do_pause);
}

static int do_unpause(struct session *session, struct guest *guest)
{
    long error = control_unpause(guest->domid);

    return error == 0 ? 0 : session_fail(session, "it is not paused");
}

static int verb_unpause(struct session *session, int argc, char **argv)
{
    (void)argc;
    return with_guest(session, argv[1], do_unpause);
}

static int verb_rename(struct session *session, int argc, char **argv)
{
    struct guest *guest;
    int status = 1;

    (void)argc;
    guests_lock();
    guest = named(session, argv[1]);
    if (guest == NULL)
        status = 1;
    else if (config_name_wrong(argv[2]) != NULL)
        session_fail(session, "'%s': %s", argv[2], config_name_wrong(argv[2]));
    else if (!guest_rename(guest, argv[2]))
        session_fail(session, "there is a guest called '%s' already", argv[2]);
    else
        status = 0;
    guests_unlock();
    return status;
}

static int verb_console(struct session *session, int argc, char **argv)
{
    (void)argc;
    if (port_console_show(session, argv[1], true))
        return 0;
    return session_fail(session, "no guest '%s' has or had a console", argv[1]);
}

/* ---- shutdown, reboot ---- */

/* The list may change while this waits. False: who wanted to know is gone. */
static bool wait_for_end(struct session *session, domid_t domid)
{
    while (guest_of(domid) != NULL && !guest_of(domid)->ended) {
        if (session_gone(session))
            return false;
        port_sleep_ns(WAIT_STEP_NS);
    }
    return true;
}

static int ask_one(struct session *session, const char *word, const char *what, bool wait)
{
    struct guest *guest;
    const char *error = NULL;
    domid_t domid = 0;

    guests_lock();
    guest = named(session, word);
    if (guest != NULL) {
        domid = guest->domid;
        error = guest_ask(guest, what);
        if (error != NULL)
            session_fail(session, "%s cannot be asked: %s", word, error);
    }
    guests_unlock();
    return guest == NULL || error != NULL || (wait && !wait_for_end(session, domid));
}

static int ask_all(struct session *session, const char *what, bool wait)
{
    domid_t last = 0;
    bool well = true;

    guests_lock();
    for (struct guest *guest = guest_next(NULL); guest != NULL; guest = guest_next(guest)) {
        if (!guest->ended && guest_ask(guest, what) != NULL)
            well = false;
        last = guest->domid > last ? guest->domid : last;
    }
    guests_unlock();
    for (unsigned domid = 1; wait && well && domid <= last; domid++)
        well = wait_for_end(session, (domid_t)domid);
    return !well;
}

static int ask(struct session *session, int argc, char **argv, const char *what)
{
    const char *word = NULL;
    bool all = false, wait = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-a") == 0)
            all = true;
        else if (strcmp(argv[i], "-w") == 0)
            wait = true;
        else if (argv[i][0] == '-' || word != NULL)
            return session_fail(session, "used as: [-w] -a|DOMAIN; '%s' is too much", argv[i]), 2;
        else
            word = argv[i];
    }
    if (all == (word != NULL))
        return session_fail(session, "one guest, or -a for all"), 2;
    return all ? ask_all(session, what, wait) : ask_one(session, word, what, wait);
}

static int verb_shutdown(struct session *session, int argc, char **argv)
{
    return ask(session, argc, argv, "poweroff");
}

static int verb_reboot(struct session *session, int argc, char **argv)
{
    return ask(session, argc, argv, "reboot");
}

/* ---- limits ---- */

/* MiB, or with a letter: k, m, g. */
static bool read_kib(const char *word, uint64_t *kib)
{
    static const char letters[] = "kmg";
    const char *letter = letters + 1;
    char *end;
    unsigned long value = strtoul(word, &end, 10);

    if (*word < '0' || *word > '9' || value == 0 || value > 1UL << 30)
        return false;
    if (*end != 0) {
        letter = strchr(letters, *end | 32);
        if (letter == NULL || end[1] != 0)
            return false;
    }
    *kib = value << 10 * (letter - letters);
    return true;
}

/* A balloon that gives and takes needs a little air, as when it was built. */
#define AIR_KIB 1024u

static int set_memory(struct session *session, struct guest *guest, uint64_t kib)
{
    uint64_t most = (uint64_t)guest->config.maxmem_mib << 10;
    long error;

    if (kib > most)
        return session_fail(session, "%s may have %lu MiB at most (maxmem)", guest->config.name, most >> 10);
    error = control_max_mem(guest->domid, kib + AIR_KIB);
    if (error != 0)
        return session_fail(session, "refused: error %ld", error);
    return guest_key_write_number(guest, "memory/target", kib) != NULL;
}

static int verb_mem_set(struct session *session, int argc, char **argv)
{
    struct guest *guest;
    uint64_t kib;
    int status = 1;

    (void)argc;
    if (!read_kib(argv[2], &kib))
        return session_fail(session, "'%s' is no size: MiB, or a number with k, m or g", argv[2]), 2;
    guests_lock();
    guest = named(session, argv[1]);
    if (guest != NULL)
        status = set_memory(session, guest, kib);
    guests_unlock();
    return status;
}

static int pin_all(struct session *session, const struct guest *guest, unsigned first, unsigned last, uint64_t hard,
                   uint64_t soft)
{
    for (unsigned vcpu = first; vcpu <= last; vcpu++) {
        long error = control_set_affinity(guest->domid, vcpu, hard, soft);

        if (error != 0)
            return session_fail(session, "vCPU %u: refused: error %ld", vcpu, error);
    }
    return 0;
}

static int pin(struct session *session, struct guest *guest, char **argv, uint64_t hard, uint64_t soft)
{
    char *end;
    unsigned long vcpu = strtoul(argv[2], &end, 10);

    if (strcmp(argv[2], "all") == 0)
        return pin_all(session, guest, 0, guest->config.maxvcpus - 1, hard, soft);
    if (end == argv[2] || *end != 0 || vcpu >= guest->config.maxvcpus)
        return session_fail(session, "%s has no vCPU %s, but 0 to %u, and all", guest->config.name, argv[2],
                            guest->config.maxvcpus - 1);
    return pin_all(session, guest, (unsigned)vcpu, (unsigned)vcpu, hard, soft);
}

/* "-" leaves one as it is. */
static bool read_cpus(struct session *session, const char *word, uint64_t *cpus)
{
    *cpus = 0;
    if (strcmp(word, "-") == 0 || config_cpus_read(word, cpus))
        return true;
    session_fail(session, "'%s' is no list of processors such as 0, 0-3, all or ^1", word);
    return false;
}

static int verb_vcpu_pin(struct session *session, int argc, char **argv)
{
    struct guest *guest;
    uint64_t hard, soft = 0;
    int status = 1;

    if (!read_cpus(session, argv[3], &hard) || (argc > 4 && !read_cpus(session, argv[4], &soft)))
        return 2;
    guests_lock();
    guest = named(session, argv[1]);
    if (guest != NULL)
        status = pin(session, guest, argv, hard, soft);
    guests_unlock();
    return status;
}

/* clang-format off: a row a verb */
const struct command xl_verbs[] = {
    { "create", "create [-p] [-q] FILE|KEY=VALUE...", "makes a guest from a file of dom0's archive; -p: it stays paused", 1, -1, verb_create },
    { "list", "list [-v] [DOMAIN...]", "all domains, or those named", 0, -1, verb_list },
    { "info", "info", "the machine and the hypervisor", 0, 0, verb_info },
    { "console", "console DOMAIN", "what it said, and goes on; Ctrl-] leaves", 1, 1, verb_console },
    { "destroy", "destroy DOMAIN", "ends it at once", 1, 1, verb_destroy },
    { "shutdown", "shutdown [-w] -a|DOMAIN", "asks it to power off; -w waits for it, -a: all", 1, 3, verb_shutdown },
    { "reboot", "reboot [-w] -a|DOMAIN", "asks it to reboot", 1, 3, verb_reboot },
    { "pause", "pause DOMAIN", "it does not run until unpaused", 1, 1, verb_pause },
    { "unpause", "unpause DOMAIN", "it goes on", 1, 1, verb_unpause },
    { "vcpu-list", "vcpu-list [DOMAIN...]", "virtual processors, where they run and may", 0, -1, verb_vcpu_list },
    { "vcpu-pin", "vcpu-pin DOMAIN VCPU|all CPUS [SOFT]", "on which processors it may run; - leaves as is", 3, 4, verb_vcpu_pin },
    { "mem-set", "mem-set DOMAIN SIZE", "how much memory it may have: MiB, or with k, m, g", 2, 2, verb_mem_set },
    { "rename", "rename DOMAIN NAME", "another name for it", 2, 2, verb_rename },
    { "domid", "domid NAME", "its number", 1, 1, verb_domid },
    { "domname", "domname DOMID", "its name", 1, 1, verb_domname },
    { "uptime", "uptime [DOMAIN...]", "for how long they have been there", 0, -1, verb_uptime },
    { "dmesg", "dmesg [-c]", "what the hypervisor said; -c forgets it then", 0, 1, verb_dmesg },
    { "debug-keys", "debug-keys KEYS", "presses the hypervisor's debug keys; ? lists them in its log", 1, 1, verb_debug_keys },
    { NULL },
};
/* clang-format on */
