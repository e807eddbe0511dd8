/* SPDX-License-Identifier: MIT */
/*
 * xl's verbs that only look. Columns are xl's.
 *
 * ABI: XEN_DOMCTL_getdomaininfo, XEN_SYSCTL_physinfo, XENVER_*
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/version.h>

#include "control/control.h"
#include "toolstack/port.h"
#include "toolstack/verbs.h"
#include "xs/xs.h"

#define DOMAINS_MAX 1024
#define NS_PER_S    1000000000ULL
#define LOG_PIECE   4096u
#define LOG_MAX     (1u << 20)

/* What the store calls a domain: ours and others'. */
static void domain_name(domid_t domid, char *name, size_t size)
{
    char path[48];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    if (xs_read(port_xs(), path, name, size) != NULL)
        snprintf(name, size, "(null)");
}

static bool is_wanted(const struct xen_domctl_getdomaininfo *info, int argc, char **argv)
{
    char name[64], number[8];
    bool any = false;

    domain_name(info->domain, name, sizeof(name));
    snprintf(number, sizeof(number), "%u", info->domain);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any = true;
        if (strcmp(argv[i], name) == 0 || strcmp(argv[i], number) == 0)
            return true;
    }
    return !any;
}

/* Calls SHOW for each domain that is named, or for all. */
static int each_domain(struct session *session, int argc, char **argv,
                       void (*show)(struct session *, const struct xen_domctl_getdomaininfo *))
{
    struct xen_domctl_getdomaininfo *infos = calloc(DOMAINS_MAX, sizeof(*infos));
    unsigned shown = 0;
    long count;

    if (infos == NULL)
        return session_fail(session, "dom0 has no memory left");
    count = control_list(0, infos, DOMAINS_MAX);
    for (long i = 0; i < count; i++) {
        if (!is_wanted(&infos[i], argc, argv))
            continue;
        show(session, &infos[i]);
        session_drain(session);
        shown++;
    }
    free(infos);
    if (count < 0)
        return session_fail(session, "the hypervisor lists nothing: error %ld", count);
    return shown > 0 ? 0 : session_fail(session, "there is no such domain");
}

static void show_line(struct session *session, const struct xen_domctl_getdomaininfo *info)
{
    unsigned reason = info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    bool stopped = info->flags & XEN_DOMINF_shutdown;
    uint64_t tenths = info->cpu_time / (NS_PER_S / 10);
    char name[64];

    domain_name(info->domain, name, sizeof(name));
    session_print(session, "%-40s %5u %5lu %5u     %c%c%c%c%c%c  %6lu.%lu\n", name, info->domain,
                  (info->tot_pages + info->outstanding_pages) / 256, info->nr_online_vcpus,
                  info->flags & XEN_DOMINF_running ? 'r' : '-', info->flags & XEN_DOMINF_blocked ? 'b' : '-',
                  info->flags & XEN_DOMINF_paused ? 'p' : '-', stopped ? 's' : '-',
                  stopped && reason == 3 ? 'c' : '-', info->flags & XEN_DOMINF_dying ? 'd' : '-', tenths / 10,
                  tenths % 10);
}

static void show_long(struct session *session, const struct xen_domctl_getdomaininfo *info)
{
    const struct guest *guest = guest_of(info->domain);
    char uuid[37];

    show_line(session, info);
    uuid_print(uuid, info->handle);
    session_print(session, "    uuid %s, %lu of at most %lu pages, %u vCPUs at most, shared info in frame %lx\n", uuid,
                  info->tot_pages, info->max_pages, info->max_vcpu_id + 1, info->shared_info_frame);
    if (guest != NULL)
        session_print(session, "    restarted %u times%s\n", guest->nr_restarts,
                      guest->ended ? ", ended and kept" : "");
}

int verb_list(struct session *session, int argc, char **argv)
{
    bool is_long = argc > 1 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "-l") == 0);

    session_print(session, "%-40s %5s %5s %5s %5s %s\n", "Name", "ID", "Mem", "VCPUs", "State", "  Time(s)");
    return each_domain(session, argc, argv, is_long ? show_long : show_line);
}

/* ---- info ---- */

static void show_text(struct session *session, const char *key, const char *value)
{
    session_print(session, "%-23s: %s\n", key, value);
}

static void show_number(struct session *session, const char *key, uint64_t value)
{
    session_print(session, "%-23s: %lu\n", key, value);
}

static void show_version(struct session *session)
{
    xen_extraversion_t extra;
    static xen_capabilities_info_t capabilities;
    xen_changeset_info_t changeset;
    long version = control_version(XENVER_version, NULL);

    control_version(XENVER_extraversion, extra);
    control_version(XENVER_capabilities, capabilities);
    control_version(XENVER_changeset, changeset);
    show_number(session, "xen_major", (uint64_t)version >> 16);
    show_number(session, "xen_minor", (uint64_t)version & 0xffff);
    show_text(session, "xen_extra", extra);
    session_print(session, "%-23s: %ld.%ld%s\n", "xen_version", version >> 16, version & 0xffff, extra);
    show_text(session, "xen_caps", capabilities);
    show_text(session, "xen_changeset", changeset);
}

int verb_info(struct session *session, int argc, char **argv)
{
    struct xen_sysctl_physinfo info;
    long error = control_physinfo(&info);

    (void)argc;
    (void)argv;
    if (error != 0)
        return session_fail(session, "the hypervisor does not tell: error %ld", error);
    show_number(session, "nr_cpus", info.nr_cpus);
    show_number(session, "max_cpu_id", info.max_cpu_id);
    show_number(session, "nr_nodes", info.nr_nodes);
    show_number(session, "cores_per_socket", info.cores_per_socket);
    show_number(session, "threads_per_core", info.threads_per_core);
    show_number(session, "cpu_mhz", info.cpu_khz / 1000);
    show_number(session, "total_memory", info.total_pages / 256);
    show_number(session, "free_memory", info.free_pages / 256);
    show_number(session, "outstanding_claims", info.outstanding_pages / 256);
    show_version(session);
    return 0;
}

/* ---- vCPUs ---- */

#define CPUS_TEXT 64

/* "0-3,5", or "all". */
static void print_cpus(char *to, uint64_t cpus, unsigned nr_cpus)
{
    uint64_t all = nr_cpus < 64 ? (1UL << nr_cpus) - 1 : ~0UL;
    size_t used = 0;

    to[0] = 0;
    if ((cpus & all) == all)
        cpus = (uint64_t)snprintf(to, CPUS_TEXT, "all") * 0;
    for (unsigned first = 0; first < nr_cpus; first++) {
        unsigned last = first;

        if (!(cpus >> first & 1))
            continue;
        while (last + 1 < nr_cpus && (cpus >> (last + 1) & 1))
            last++;
        if (used < CPUS_TEXT - 8)
            used += (size_t)snprintf(to + used, CPUS_TEXT - used, last > first ? "%s%u-%u" : "%s%u",
                                     used > 0 ? "," : "", first, last);
        first = last;
    }
}

static void show_vcpu(struct session *session, const char *name, domid_t domid, unsigned vcpu, unsigned nr_cpus)
{
    struct xen_domctl_getvcpuinfo info;
    char hard_text[CPUS_TEXT], soft_text[CPUS_TEXT], cpu[8] = "-";
    uint64_t hard = 0, soft = 0, tenths;

    if (control_vcpu_info(domid, vcpu, &info) != 0 || control_get_affinity(domid, vcpu, &hard, &soft) != 0)
        return;
    tenths = info.cpu_time / (NS_PER_S / 10);
    print_cpus(hard_text, hard, nr_cpus);
    print_cpus(soft_text, soft, nr_cpus);
    if (info.online)
        snprintf(cpu, sizeof(cpu), "%u", info.cpu);
    session_print(session, "%-32s %5u %5u %5s   %c%c%c  %7lu.%lu  %s / %s\n", name, domid, vcpu, cpu,
                  info.running ? 'r' : '-', info.blocked ? 'b' : '-', info.online ? '-' : 'p', tenths / 10,
                  tenths % 10, hard_text, soft_text);
}

static void show_vcpus(struct session *session, const struct xen_domctl_getdomaininfo *info)
{
    struct xen_sysctl_physinfo machine;
    char name[64];

    if (control_physinfo(&machine) != 0)
        return;
    domain_name(info->domain, name, sizeof(name));
    for (unsigned i = 0; i <= info->max_vcpu_id; i++)
        show_vcpu(session, name, info->domain, i, machine.max_cpu_id + 1);
}

int verb_vcpu_list(struct session *session, int argc, char **argv)
{
    session_print(session, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
                  "Affinity (Hard / Soft)");
    return each_domain(session, argc, argv, show_vcpus);
}

/* ---- names and times ---- */

int verb_domid(struct session *session, int argc, char **argv)
{
    const struct guest *guest = guest_find(argv[1]);

    (void)argc;
    if (guest == NULL && strcmp(argv[1], "Domain-0") != 0)
        return session_fail(session, "there is no guest '%s'", argv[1]);
    session_print(session, "%u\n", guest != NULL ? guest->domid : 0);
    return 0;
}

int verb_domname(struct session *session, int argc, char **argv)
{
    const struct guest *guest = guest_find(argv[1]);

    (void)argc;
    if (guest == NULL && strcmp(argv[1], "0") != 0)
        return session_fail(session, "there is no domain %s", argv[1]);
    session_print(session, "%s\n", guest != NULL ? guest->config.name : "Domain-0");
    return 0;
}

static void show_uptime(struct session *session, const struct xen_domctl_getdomaininfo *info)
{
    const struct guest *guest = guest_of(info->domain);
    uint64_t s = (port_clock_ns() - (guest != NULL ? guest->started_ns : 0)) / NS_PER_S;
    char name[64], days[24] = "";

    domain_name(info->domain, name, sizeof(name));
    if (s >= 86400)
        snprintf(days, sizeof(days), "%lu days, ", s / 86400);
    session_print(session, "%-40s %5u %s%2lu:%02lu:%02lu\n", name, info->domain, days, s / 3600 % 24, s / 60 % 60,
                  s % 60);
}

int verb_uptime(struct session *session, int argc, char **argv)
{
    session_print(session, "%-40s %5s %s\n", "Name", "ID", "Uptime");
    return each_domain(session, argc, argv, show_uptime);
}

/* ---- the hypervisor's log ---- */

/* All of it before anything is said: what dom0 prints may itself go to the log. Returns its size, or an error. */
static long read_log(char **log)
{
    size_t used = 0;
    uint32_t at = 0;
    long size;

    *log = NULL;
    do {
        char *more = realloc(*log, used + LOG_PIECE);

        if (more == NULL)
            return -XEN_ENOMEM;
        *log = more;
        size = control_read_log(*log + used, LOG_PIECE, &at);
        used += size > 0 ? (size_t)size : 0;
    } while (size > 0 && used < LOG_MAX);
    return size < 0 ? size : (long)used;
}

static void print_log(struct session *session, const char *log, size_t size)
{
    for (size_t at = 0; at < size && !session_gone(session); at += LOG_PIECE) {
        session->write(session, log + at, size - at < LOG_PIECE ? size - at : LOG_PIECE);
        session_drain(session);
    }
}

int verb_dmesg(struct session *session, int argc, char **argv)
{
    char *log;
    long size;

    if (argc > 1 && strcmp(argv[1], "-c") != 0)
        return session_fail(session, "used as: dmesg [-c]"), 2;
    size = read_log(&log);
    if (size > 0)
        print_log(session, log, (size_t)size);
    free(log);
    if (argc > 1 && size >= 0)
        control_clear_log();
    return size >= 0 ? 0 : session_fail(session, "the hypervisor's log cannot be read: error %ld", size);
}

int verb_debug_keys(struct session *session, int argc, char **argv)
{
    long error = control_debug_keys(argv[1], (uint32_t)strlen(argv[1]));

    (void)argc;
    return error == 0 ? 0 : session_fail(session, "refused: error %ld", error);
}
