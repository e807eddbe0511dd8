/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers as guests see them: a table of the constant ones, code for those that are
 * part of a vCPU. All others fault, but that a guest with no #GP handler yet reads 0 from registers that
 * the machine has (early Linux depends on it).
 */
#include "domain/refuse.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "paging/page_type.h"
#include "trap/hypercall_page.h"
#include "trap/privileged.h"

#define MSR_HYPERCALL_PAGE 0x40000000

#define WRITE_FAULTS  0
#define WRITE_IGNORED 1
#define WRITE_SAME    2 /* the value it has, nothing else */

static const struct {
    uint32_t msr;
    uint8_t write;
    uint64_t value;
} constants[] = {
    { MSR_EFER, WRITE_SAME, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE },
    { MSR_PAT, WRITE_FAULTS, 0x0000050100070406UL },
    { MSR_MISC_ENABLE, WRITE_IGNORED, 0x1 },
    { 0x8b, WRITE_IGNORED, 0 },       /* microcode level */
    { 0xce, WRITE_FAULTS, 0 },        /* platform info */
    { 0x140, WRITE_SAME, 0 },         /* misc features enables */
    { 0x179, WRITE_FAULTS, 0 },       /* MCG_CAP: no banks */
    { 0x17a, WRITE_IGNORED, 0 },      /* MCG_STATUS */
    { 0xc0010015, WRITE_IGNORED, 0 }, /* HWCR */
    { 0xc001001f, WRITE_IGNORED, 0 }, /* NB_CFG */
    { 0xc0011029, WRITE_IGNORED, 2 }, /* DE_CFG: LFENCE waits */
    { MSR_HYPERCALL_PAGE, WRITE_FAULTS, 0 },
};

bool msr_read_for_guest(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case MSR_FS_BASE: /* Linux reads the bases whenever it goes from one process to another */
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        *value = msr_read(msr);
        return true;
    case MSR_TSC:
        *value = tsc_now();
        return true;
    case MSR_APIC_BASE:
        *value = 0xfee00800 | (v->id ? 0 : 0x100);
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(constants); i++) {
        if (constants[i].msr == msr) {
            *value = constants[i].value;
            return true;
        }
    }
    *value = 0;
    return !v->traps[VECTOR_GP].address && msr_read_safe(msr);
}

static int fill_hypercall_page(struct vcpu *v, uint64_t value)
{
    mfn_t m = mfn(value >> PAGE_SHIFT);

    if (value & ~PAGE_MASK || !mfn_is_ram(m) || !frame_get(frame_at(m), v->domain->id))
        return refuse(v->domain, XEN_EINVAL, "hypercall page %016lx is not its frame", value);
    int rc = page_type_get(frame_at(m), TYPE_WRITABLE);
    if (!rc) {
        hypercall_page_fill(mfn_to_virt(m));
        page_type_put(frame_at(m));
    } else if (rc != HYPERCALL_CONTINUE) {
        rc = refuse(v->domain, -rc, "hypercall page %016lx: its frame is not writable (type %u)", value,
                    state_type(frame_at(m)->state));
    }
    frame_put(frame_at(m));
    return rc;
}

static bool constant_written(uint32_t msr, uint64_t value)
{
    for (unsigned i = 0; i < ARRAY_SIZE(constants); i++) {
        if (constants[i].msr == msr)
            return constants[i].write == WRITE_IGNORED ||
                   (constants[i].write == WRITE_SAME && constants[i].value == value);
    }
    return false;
}

int msr_write_for_guest(struct vcpu *v, uint32_t msr, uint64_t value)
{
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        if (!address_is_canonical(value))
            return -XEN_EINVAL;
        msr_write(msr, value);
        return 0;
    case MSR_HYPERCALL_PAGE:
        return fill_hypercall_page(v, value);
    }
    return constant_written(msr, value) ? 0 : -XEN_EINVAL;
}
