/* SPDX-License-Identifier: MIT */
#include "control/control.h"

#include <xen/memory.h>

#include "arch/pv/page_table.h"
#include "kernel/string.h"

long control_domctl(struct xen_domctl *op, uint32_t cmd, domid_t id)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    return hypercall_any(__HYPERVISOR_domctl, (unsigned long)op, 0, 0, 0, 0);
}

long control_sysctl(struct xen_sysctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall_any(__HYPERVISOR_sysctl, (unsigned long)op, 0, 0, 0, 0);
}

long control_create(domid_t id, const struct control_config *config)
{
    struct xen_domctl op = { .u.createdomain = {
                                 .max_vcpus = config->nr_vcpus,
                                 .max_evtchn_port = config->max_ports,
                                 .max_grant_frames = (int32_t)config->grant_frames,
                                 .max_maptrack_frames = (int32_t)config->maptrack_frames,
                                 .grant_opts = XEN_DOMCTL_GRANT_version(1),
                             } };
    long error;

    memcpy(op.u.createdomain.handle, config->handle, sizeof(config->handle));
    error = control_domctl(&op, XEN_DOMCTL_createdomain, id);
    if (error != 0)
        return error;
    id = op.domain;
    op = (struct xen_domctl){ .u.max_vcpus.max = config->nr_vcpus };
    error = control_domctl(&op, XEN_DOMCTL_max_vcpus, id);
    if (error != 0) {
        control_destroy(id);
        return error;
    }
    return id;
}

static long plain(domid_t id, uint32_t cmd)
{
    struct xen_domctl op = { .domain = id };

    return control_domctl(&op, cmd, id);
}

long control_destroy(domid_t id)
{
    return plain(id, XEN_DOMCTL_destroydomain);
}

long control_pause(domid_t id)
{
    return plain(id, XEN_DOMCTL_pausedomain);
}

long control_unpause(domid_t id)
{
    return plain(id, XEN_DOMCTL_unpausedomain);
}

long control_max_mem(domid_t id, uint64_t kib)
{
    struct xen_domctl op = { .u.max_mem.max_memkb = kib };

    return control_domctl(&op, XEN_DOMCTL_max_mem, id);
}

long control_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = { .domain = id };
    long error = control_domctl(&op, XEN_DOMCTL_getdomaininfo, id);

    if (error != 0)
        return error;
    *info = op.u.getdomaininfo;
    return info->domain == id ? 0 : -XEN_ESRCH; /* it tells of the next one */
}

long control_list(domid_t first, struct xen_domctl_getdomaininfo *info, unsigned max)
{
    struct xen_sysctl op = { .u.getdomaininfolist = { .first_domain = first, .max_domains = max } };

    set_xen_guest_handle(op.u.getdomaininfolist.buffer, info);
    long error = control_sysctl(&op, XEN_SYSCTL_getdomaininfolist);
    return error != 0 ? error : (long)op.u.getdomaininfolist.num_domains;
}

long control_physinfo(struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl op = { .cmd = 0 };
    long error = control_sysctl(&op, XEN_SYSCTL_physinfo);

    *info = op.u.physinfo;
    return error;
}

long control_populate_extents(domid_t id, unsigned order, unsigned count, xen_pfn_t *extents)
{
    struct xen_memory_reservation r = { .nr_extents = count, .extent_order = order, .domid = id };

    set_xen_guest_handle(r.extent_start, extents);
    return hypercall_memory_op(XENMEM_populate_physmap, &r);
}

long control_populate(domid_t id, uint64_t pfn, unsigned count, xen_pfn_t *frames)
{
    for (unsigned i = 0; i < count; i++)
        frames[i] = pfn + i;
    return control_populate_extents(id, 0, count, frames);
}

long control_claim(domid_t id, uint64_t nr_pages)
{
    struct xen_memory_reservation r = { .nr_extents = nr_pages, .domid = id };

    return hypercall_memory_op(XENMEM_claim_pages, &r);
}

/* As firmware would tell it (E820): <xen/memory.h>. */
struct map_entry {
    uint64_t address, size;
    uint32_t type;
} __attribute__((packed));

#define MAP_RAM 1

long control_set_memory_map(domid_t id, uint64_t size_bytes)
{
    struct map_entry ram = { .size = size_bytes, .type = MAP_RAM };
    struct xen_foreign_memory_map map = { .domid = id, .map.nr_entries = 1 };

    set_xen_guest_handle(map.map.buffer, &ram);
    return hypercall_memory_op(XENMEM_set_memory_map, &map);
}

long control_hypercall_page(domid_t id, uint64_t frame)
{
    struct xen_domctl op = { .u.hypercall_init.gmfn = frame };

    return control_domctl(&op, XEN_DOMCTL_hypercall_init, id);
}

long control_pin_root(domid_t id, uint64_t frame)
{
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = frame };

    return hypercall_mmuext_op(&pin, 1, NULL, id);
}

static long context(domid_t id, uint32_t cmd, unsigned vcpu, struct vcpu_guest_context *context)
{
    struct xen_domctl op = { .u.vcpucontext.vcpu = vcpu };

    set_xen_guest_handle(op.u.vcpucontext.ctxt, context);
    return control_domctl(&op, cmd, id);
}

long control_set_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *c)
{
    return context(id, XEN_DOMCTL_setvcpucontext, vcpu, c);
}

long control_get_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *c)
{
    return context(id, XEN_DOMCTL_getvcpucontext, vcpu, c);
}

long control_map_foreign(uint64_t *pte, domid_t id, uint64_t frame, bool write)
{
    mmu_update_t update = { .ptr = pte_maddr(pte) | MMU_NORMAL_PT_UPDATE,
                            .val = pte_make(frame, PTE_P | PTE_A | PTE_D | PTE_NX | (write ? PTE_RW : 0)) };

    return hypercall_mmu_update(&update, 1, NULL, id);
}

long control_unmap_foreign(uint64_t *pte)
{
    long error = pte_set(pte, 0);

    mmuext_plain(MMUEXT_TLB_FLUSH_ALL, 0);
    return error;
}

long control_grant_frames(domid_t id, unsigned first, unsigned count, xen_pfn_t *frames)
{
    struct xen_mem_acquire_resource r = { .domid = id,
                                          .type = XENMEM_resource_grant_table,
                                          .id = XENMEM_resource_grant_table_id_shared,
                                          .frame = first,
                                          .nr_frames = count };

    set_xen_guest_handle(r.frame_list, frames);
    return hypercall_memory_op(XENMEM_acquire_resource, &r);
}
