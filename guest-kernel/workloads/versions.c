/* SPDX-License-Identifier: MIT */
/*
 * Promise: xen_version says 4.17 and the features without which kernels do not start; its texts end
 * within their arrays, and what is behind their end is zero, not left-overs.
 *
 * ABI: <xen/version.h>, <xen/features.h>
 */
#include <xen/features.h>
#include <xen/version.h>

#include "arch/pv/pv.h"
#include "kernel/string.h"
#include "workloads/list.h"

#define VERSION 0x00040011
#define FILLER  0xa5

static uint8_t text[2048];

static bool is_denied(void)
{
    return strcmp((const char *)text, "<denied>") == 0;
}

/* Asks for a text of SIZE bytes and checks all of them. */
static void check_text(unsigned op, size_t size)
{
    size_t end = 0;

    check_context("(operation %u)", op);
    memset(text, FILLER, sizeof(text));
    CHECK(hypercall_xen_version(op, text) >= 0);
    while (end < size && text[end] != 0)
        end++;
    CHECK(end < size);
    /* To whom Xen denies a text it writes that it does, and no more. */
    for (; end < size && !is_denied(); end++)
        if (!CHECK_EQ(text[end], 0))
            break;
    CHECK_EQ(text[size], FILLER); /* and not a byte more */
    check_context("%s", "");
}

static bool text_contains(const char *word)
{
    for (const char *at = (const char *)text; *at != 0; at++)
        if (strncmp(at, word, strlen(word)) == 0)
            return true;
    return false;
}

static void features(void)
{
    static const unsigned needed[] = { XENFEAT_mmu_pt_update_preserve_ad,
                                       XENFEAT_gnttab_map_avail_bits };
    struct xen_feature_info info = { .submap_idx = 0 };

    CHECK_EQ(hypercall_xen_version(XENVER_get_features, &info), 0);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ((info.submap >> needed[i]) & 1, 1);
    CHECK_EQ((info.submap >> XENFEAT_dom0) & 1, !!(start_info->flags & SIF_INITDOMAIN));
    CHECK_EQ((info.submap >> XENFEAT_auto_translated_physmap) & 1, 0);
    CHECK_EQ((info.submap >> XENFEAT_writable_page_tables) & 1, 0);
    info.submap_idx = 9999;
    CHECK_EQ(hypercall_xen_version(XENVER_get_features, &info), -XEN_EINVAL);
}

void workload_versions(void)
{
    struct xen_platform_parameters parameters;

    CHECK_EQ(hypercall_xen_version(XENVER_version, NULL), VERSION);
    CHECK_EQ(hypercall_xen_version(XENVER_pagesize, NULL), PAGE_SIZE);
    check_text(XENVER_extraversion, sizeof(xen_extraversion_t));
    check_text(XENVER_changeset, sizeof(xen_changeset_info_t));
    check_text(XENVER_commandline, sizeof(xen_commandline_t));
    check_text(XENVER_capabilities, sizeof(xen_capabilities_info_t));
    CHECK(text_contains("xen-3.0-x86_64"));
    CHECK_EQ(hypercall_xen_version(XENVER_platform_parameters, &parameters), 0);
    CHECK_EQ(parameters.virt_start, HYPERVISOR_VIRT_START);
    memset(text, FILLER, sizeof(text));
    CHECK_EQ(hypercall_xen_version(XENVER_guest_handle, text), 0);
    CHECK_EQ(text[sizeof(xen_domain_handle_t)], FILLER);
    features();
    CHECK_EQ(hypercall_xen_version(99, text), -XEN_ENOSYS);
}
