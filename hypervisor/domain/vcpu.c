/* SPDX-License-Identifier: MIT */
#include "domain/vcpu.h"
#include "domain/refuse.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "paging/descriptors.h"
#include "paging/root.h"
#include "sched/guest_time.h"
#include "sched/schedule.h"
#include "trap/privileged.h"

static void poll_timeout(void *arg)
{
    struct vcpu *v = arg;

    if (READ_ONCE(v->polling))
        vcpu_poll_end(v);
}

/* What a processor has that nobody used yet. */
static void processor_begin(struct vcpu *v)
{
    v->nmi_masked = v->ts = false;
    v->xcr0 = fpu_xcr0_allowed() & XCR0_X87_SSE;
    fpu_state_init(v->fpu);
}

struct vcpu *vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v = heap_alloc(sizeof(*v));

    if (!v)
        return NULL;
    v->domain = d;
    v->id = id;
    v->info = &d->shared_info->vcpu_info[id];
    v->info_frame = MFN_NONE;
    v->in_kernel = true;
    v->affinity = v->soft_affinity = ~0UL;
    v->loaded_on = ~0U;
    v->cr4 = CR4_PAE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE;
    v->dr[6] = DR6_DEFAULT;
    v->dr[7] = DR7_DEFAULT;
    list_init(&v->queue);
    vcpu_timers_init(v);
    timer_init(&v->poll_timer, poll_timeout, v);
    v->fpu = heap_alloc(fpu_state_size());
    if (!v->fpu || !descriptor_window_create(v)) {
        vcpu_free(v);
        return NULL;
    }
    processor_begin(v);
    vcpu_place(v);
    return v;
}

void vcpu_reset(struct vcpu *v)
{
    __atomic_and_fetch(&v->work, ~(VCPU_WORK_NMI | VCPU_WORK_FAILSAFE), __ATOMIC_SEQ_CST);
    processor_begin(v);
    vcpu_timers_stop(v);
    timer_stop(&v->poll_timer);
    v->polling = false;
    gdt_release(v);
    ldt_forget(v);
    v->ldt_entries = 0;
    if (!v->initialised)
        return;
    v->initialised = false;
    page_type_put(frame_at(v->kernel_root));
    if (v->user_root.v)
        page_type_put(frame_at(v->user_root));
}

void vcpu_release(struct vcpu *v)
{
    vcpu_reset(v);
    if (v->info_frame.v != MFN_NONE.v)
        page_type_put(frame_at(v->info_frame));
    v->info_frame = MFN_NONE;
}

void vcpu_free(struct vcpu *v)
{
    descriptor_window_free(v);
    heap_free(v->fpu, fpu_state_size());
    heap_free(v, sizeof(*v));
}

static bool context_is_sane(const struct vcpu_guest_context *c)
{
    const struct cpu_user_regs *r = &c->user_regs;

    for (unsigned i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++) {
        if (!address_is_canonical(c->trap_ctxt[i].address))
            return false;
    }
    return address_is_canonical(r->rip) && address_is_canonical(r->rsp) &&
           address_is_canonical(c->event_callback_eip) &&
           address_is_canonical(c->failsafe_callback_eip) &&
           address_is_canonical(c->syscall_callback_eip) && address_is_canonical(c->fs_base) &&
           address_is_canonical(c->gs_base_kernel) && address_is_canonical(c->gs_base_user) &&
           c->gdt_ents <= 14 * 512 &&
           (!c->ldt_ents || (c->ldt_ents <= 8192 && c->ldt_base % PAGE_SIZE == 0 &&
                             guest_range_ok(c->ldt_base, c->ldt_ents * 8)));
}

static void copy_registers(struct vcpu *v, const struct vcpu_guest_context *c)
{
    v->regs = c->user_regs;
    v->regs.cs |= 3;
    v->regs.ss |= 3;
    v->regs.rflags = (v->regs.rflags & ~(EFLAGS_IOPL | EFLAGS_NT | EFLAGS_VM | EFLAGS_RF)) |
                     EFLAGS_IF | 2;
    v->iopl = (unsigned)(c->user_regs.rflags >> 12 & 3);
    v->in_kernel = c->flags & VGCF_in_kernel;
    v->segments = (struct segment_state){
        .ds = c->user_regs.ds,
        .es = c->user_regs.es,
        .fs = c->user_regs.fs,
        .gs = c->user_regs.gs,
        .fs_base = c->fs_base,
        .gs_base = v->in_kernel ? c->gs_base_kernel : c->gs_base_user,
        .gs_base_other = v->in_kernel ? c->gs_base_user : c->gs_base_kernel,
    };
    memcpy(v->traps, c->trap_ctxt, sizeof(v->traps));
    for (unsigned i = 0; i < ARRAY_SIZE(v->traps); i++)
        v->traps[i].vector = (uint8_t)i;
    v->kernel_sp = c->kernel_sp;
    v->kernel_ss = (uint16_t)(c->kernel_ss | 3);
    v->event.address = c->event_callback_eip;
    v->failsafe = (struct guest_callback){ c->failsafe_callback_eip,
                                           c->flags & VGCF_failsafe_disables_events };
    v->syscall = (struct guest_callback){ c->syscall_callback_eip,
                                          c->flags & VGCF_syscall_disables_events };
    if (!v->id)
        v->domain->vm_assist = c->vm_assist;
    if (c->flags & VGCF_i387_valid)
        fpu_state_take(v->fpu, &c->fpu_ctxt);
}

/* Values that may not be are left out, as the ABI has it. 4 and 5 are other names of 6 and 7. */
static void set_debug_registers(struct vcpu *v, const unsigned long *values)
{
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5)
            (void)debug_register_set(v, i, values[i]);
    }
}

/* What is wrong whatever tables it has. */
static int context_check(const struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;

    if (!context_is_sane(c))
        return refuse(d, XEN_EINVAL, "context of vcpu %u: an address or a count is out of range",
                      v->id);
    if (!(c->flags & VGCF_in_kernel) && !mfn_of_maddr(c->ctrlreg[1]).v)
        return refuse(d, XEN_EINVAL, "context of vcpu %u: user mode without a user root", v->id);
    if (!v->id && (c->vm_assist & ~VM_ASSIST_OFFERED))
        return refuse(d, XEN_EINVAL, "context of vcpu %u: vm_assist %lx", v->id, c->vm_assist);
    return 0;
}

static bool has_same_tables(const struct vcpu *v, const struct vcpu_guest_context *c)
{
    for (unsigned i = 0; i < v->nr_gdt_frames; i++) {
        if (c->gdt_frames[i] != v->gdt_frames[i].v)
            return false;
    }
    return mfn_of_maddr(c->ctrlreg[3]).v == v->kernel_root.v &&
           mfn_of_maddr(c->ctrlreg[1]).v == v->user_root.v && c->gdt_ents == v->gdt_entries &&
           c->ldt_ents == v->ldt_entries && (!c->ldt_ents || c->ldt_base == v->ldt_base);
}

int vcpu_change_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    int rc = context_check(v, c);

    if (rc)
        return rc;
    if (!has_same_tables(v, c))
        return refuse(v->domain, XEN_EOPNOTSUPP, "context of vcpu %u: it has other tables, and is not reset",
                      v->id);
    copy_registers(v, c);
    set_debug_registers(v, c->debugreg);
    __atomic_and_fetch(&v->work, ~VCPU_WORK_FAILSAFE, __ATOMIC_SEQ_CST); /* its selectors are new */
    return 0;
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;
    mfn_t kernel = mfn_of_maddr(c->ctrlreg[3]), user = mfn_of_maddr(c->ctrlreg[1]);
    int rc = context_check(v, c);

    if (rc)
        return rc;
    rc = root_get(d, kernel);
    if (rc)
        return rc;
    if (user.v) {
        rc = root_get(d, user);
        if (rc)
            goto no_user;
    }
    rc = gdt_set(v, c->gdt_frames, (unsigned)(c->gdt_ents + 511) / 512, (unsigned)c->gdt_ents);
    if (rc)
        goto no_gdt;
    copy_registers(v, c);
    set_debug_registers(v, c->debugreg);
    root_show_m2p(kernel);
    if (user.v && user.v != kernel.v)
        root_hide_m2p(d, user);
    v->kernel_root = kernel;
    v->user_root = user;
    v->ldt_base = c->ldt_base;
    v->ldt_entries = (unsigned)c->ldt_ents;
    v->initialised = true;
    return 0;

no_gdt:
    if (user.v)
        page_type_put(frame_at(user));
no_user:
    page_type_put(frame_at(kernel));
    return rc;
}

void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_i387_valid | (v->in_kernel ? VGCF_in_kernel : 0) |
               (v->state != VCPU_DOWN ? VGCF_online : 0) |
               (v->failsafe.mask_events ? VGCF_failsafe_disables_events : 0) |
               (v->syscall.mask_events ? VGCF_syscall_disables_events : 0);
    fpu_state_give(v->fpu, &c->fpu_ctxt);
    c->user_regs = v->regs;
    c->user_regs.rflags = (c->user_regs.rflags & ~EFLAGS_IOPL) | (uint64_t)v->iopl << 12;
    c->user_regs.ds = v->segments.ds;
    c->user_regs.es = v->segments.es;
    c->user_regs.fs = v->segments.fs;
    c->user_regs.gs = v->segments.gs;
    memcpy(c->trap_ctxt, v->traps, sizeof(c->trap_ctxt));
    c->ldt_base = v->ldt_base;
    c->ldt_ents = v->ldt_entries;
    for (unsigned i = 0; i < v->nr_gdt_frames; i++)
        c->gdt_frames[i] = v->gdt_frames[i].v;
    c->gdt_ents = v->gdt_entries;
    c->kernel_ss = v->kernel_ss;
    c->kernel_sp = v->kernel_sp;
    c->ctrlreg[0] = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG | (v->ts ? CR0_TS : 0);
    c->ctrlreg[1] = v->user_root.v << PAGE_SHIFT;
    c->ctrlreg[3] = v->kernel_root.v << PAGE_SHIFT;
    c->ctrlreg[4] = v->cr4;
    memcpy(c->debugreg, v->dr, sizeof(c->debugreg));
    c->event_callback_eip = v->event.address;
    c->failsafe_callback_eip = v->failsafe.address;
    c->syscall_callback_eip = v->syscall.address;
    c->vm_assist = v->id ? 0 : v->domain->vm_assist;
    c->fs_base = v->segments.fs_base;
    c->gs_base_kernel = v->in_kernel ? v->segments.gs_base : v->segments.gs_base_other;
    c->gs_base_user = v->in_kernel ? v->segments.gs_base_other : v->segments.gs_base;
}

void vcpu_up(struct vcpu *v)
{
    v->state = VCPU_RUNNABLE;
    vcpu_set_periodic(v, v->period_ns);
    vcpu_wake(v);
}

int vcpu_bitmap_to_cpus(struct domain *d, uint64_t guest_bitmap, uint64_t *cpus)
{
    uint32_t bits = 0;

    *cpus = 0;
    if (!copy_from_guest(&bits, guest_bitmap, (d->nr_vcpus + 7) / 8))
        return refuse(d, XEN_EFAULT, "cannot read the bitmap of vCPUs");
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        /* Not running: its translations may still be where it ran last. */
        if ((bits >> i & 1) && d->vcpus[i]->loaded_on != ~0U)
            *cpus |= 1UL << d->vcpus[i]->loaded_on;
    }
    return 0;
}
