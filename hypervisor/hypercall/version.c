/* SPDX-License-Identifier: MIT */
/*
 * ABI: xen_version(cmd, argument), <xen/version.h>
 *
 * Each answer is copied from memory that was cleared first: nothing of ours goes out behind a text.
 */
#include <xen/features.h>
#include <xen/version.h>
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "lib/format.h"
#include "lib/string.h"
#include "machine/host_map.h"
#include "memory/guest_copy.h"

#define VERSION_MAJOR 4U
#define VERSION_MINOR 17U


static const char denied[] = "<denied>";

static long reply(uint64_t arg, const void *answer, size_t size)
{
    return copy_to_guest(arg, answer, size) ? 0 : -XEN_EFAULT;
}

static long reply_text(uint64_t arg, const char *text, size_t size)
{
    char answer[1024] = { 0 };

    string_copy(answer, text, size);
    return reply(arg, answer, size);
}

static long compile_info(uint64_t arg)
{
    struct xen_compile_info info = { 0 };

    string_copy(info.compiler, __VERSION__, sizeof(info.compiler));
    string_copy(info.compile_by, "tenon", sizeof(info.compile_by));
    string_copy(info.compile_domain, "", sizeof(info.compile_domain));
    string_copy(info.compile_date, "", sizeof(info.compile_date));
    return reply(arg, &info, sizeof(info));
}

static long get_features(struct domain *d, uint64_t arg)
{
    struct xen_feature_info info;

    if (!copy_from_guest(&info, arg, sizeof(info)))
        return -XEN_EFAULT;
    if (info.submap_idx > 0)
        return -XEN_EINVAL;
    info.submap = 1U << XENFEAT_mmu_pt_update_preserve_ad | 1U << XENFEAT_highmem_assist |
                  1U << XENFEAT_gnttab_map_avail_bits | 1U << XENFEAT_memory_op_vnode_supported |
                  1U << XENFEAT_not_direct_mapped;
    if (d->privileged)
        info.submap |= 1U << XENFEAT_dom0;
    if (d->vm_assist & (1U << VMASST_TYPE_pae_extended_cr3))
        info.submap |= 1U << XENFEAT_pae_pgdir_above_4gb;
    return reply(arg, &info, sizeof(info));
}

static long __attribute__((noinline)) other_question(uint64_t a, uint64_t b)
{
    struct domain *dom = current_domain();

    switch (a) {
    case XENVER_extraversion:
        return reply_text(b, "-tenon", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(b);
    case XENVER_capabilities:
        return reply_text(b, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return reply_text(b, "tenon", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters: {
        struct xen_platform_parameters p = { .virt_start = HYPERVISOR_START };
        return reply(b, &p, sizeof(p));
    }
    case XENVER_get_features:
        return get_features(dom, b);
    case XENVER_pagesize:
        return b ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return reply(b, dom->handle, sizeof(dom->handle));
    case XENVER_commandline:
        return reply_text(b, dom->privileged ? boot_words : denied, sizeof(xen_commandline_t));
    }
    return -XEN_ENOSYS;
}

/* Guests ask for the version most often to have their events looked at. */
HOT HYPERCALL(xen_version)
{
    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (likely(a == XENVER_version))
        return VERSION_MAJOR << 16 | VERSION_MINOR;
    return other_question(a, b);
}
