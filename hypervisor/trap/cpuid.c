/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells guests: the processor's own answer, less what a guest of ring 3 cannot have, and the
 * leaves of the ABI.
 *
 * ABI: the prefix XEN_CPUID, leaves from 0x40000000, <xen/arch-x86/cpuid.h>
 */
#include <xen/arch-x86/cpuid.h>
#include <xen/version.h>
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "trap/privileged.h"

#define TENON_ABI_VERSION 0x00040011U /* what xen_version reports: 4.17 */

#define PREFIX_LENGTH 5U /* ud2a; .ascii "xen" */
#define CPUID_LENGTH  2U

#define XEN_LEAF_FIRST 0x40000000U
#define XEN_LEAF_LAST  0x40000005U

#define FEATURE1_C_OSXSAVE (1U << 27)
#define FEATURE_D_MTRR     (1U << 12)
#define XCR0_AVX           4U
#define XSAVE_LEGACY_SIZE  0x240U /* with its header */

/* Bits that a guest may see; a leaf that is not listed passes as it is. */
static const struct policy {
    uint32_t leaf;
    bool any_subleaf;
    uint32_t subleaf;
    uint32_t a, b, c, d;
} policies[] = {
    /* Hidden: ECX MONITOR, DS_CPL, VMX, SMX, EIST, TM2, x2APIC, PCID, TSC_DEADLINE, DTES64, XTPR, PDCM,
     * OSXSAVE (added below); EDX PSE, SEP, MTRR, PGE, PSE36. */
    { 0x00000001, true, 0, ~0U, ~0U, 0x76d83203, 0xffffffff & ~0x00023808U },
    { 0x00000005, true, 0, 0, 0, 0, 0 },
    { 0x00000006, true, 0, 0, 0, 0, 0 },
    /* Shown: FSGSBASE, BMI, AVX2, ERMS, RDSEED, ADX, CLFLUSHOPT, CLWB, SHA; hidden: SMEP, SMAP, INVPCID,
     * MPX, PQM, PQE, AVX-512; ECX and EDX: what needs no state or register of the kernel's. */
    { 0x00000007, false, 0, 0, 0x21ac0329 | 1, 0x00004700, 0x00004010 },
    { 0x0000000a, true, 0, 0, 0, 0, 0 },
    { 0x0000000b, true, 0, 0, 0, 0, 0 },
    { 0x0000000d, false, 0, 7, ~0U, ~0U, 0 },
    { 0x0000000d, false, 1, 7, 0, 0, 0 }, /* XSAVEOPT, XSAVEC, XGETBV1; no XSAVES */
    { 0x0000000d, false, 2, ~0U, ~0U, 0, 0 },
    { 0x00000014, true, 0, 0, 0, 0, 0 },
    { 0x0000001f, true, 0, 0, 0, 0, 0 },
    /* Hidden: SVM, EXTAPIC, CR8_LEGACY, SKINIT, WDT, perf counters; PSE, MTRR, PGE, PSE36, PAGE1GB. */
    { 0x80000001, true, 0, ~0U, ~0U, 0x000001e3, ~0x04023008U },
    { 0x80000007, true, 0, 0, 0, 0, 0x00000100 },
    { 0x80000008, true, 0, 0xff, 0, 0xf0ff, 0 }, /* ECX: cores, and bits of their ids */
    { 0x8000000a, true, 0, 0, 0, 0, 0 },
    { 0x8000001f, true, 0, 0, 0, 0, 0 },
};

static void apply_policy(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (const struct policy *p = policies; p < policies + ARRAY_SIZE(policies); p++) {
        if (p->leaf != leaf || (!p->any_subleaf && p->subleaf != subleaf))
            continue;
        out[0] &= p->a;
        out[1] &= p->b;
        out[2] &= p->c;
        out[3] &= p->d;
        return;
    }
    if (leaf == 7 || (leaf == 0xd && subleaf > 2))
        memset(out, 0, 16);
}

static void xen_leaf(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    memset(out, 0, 16);
    switch (leaf) {
    case XEN_LEAF_FIRST:
        out[0] = XEN_LEAF_LAST;
        out[1] = XEN_CPUID_SIGNATURE_EBX;
        out[2] = XEN_CPUID_SIGNATURE_ECX;
        out[3] = XEN_CPUID_SIGNATURE_EDX;
        break;
    case XEN_LEAF_FIRST + 1:
        out[0] = TENON_ABI_VERSION;
        break;
    case XEN_LEAF_FIRST + 2:
        out[0] = 1; /* hypercall pages, by this MSR */
        out[1] = 0x40000000;
        out[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case XEN_LEAF_FIRST + 3:
        if (subleaf == 0) {
            out[0] = 2; /* the TSC is safe: never emulated */
            out[2] = (uint32_t)tsc_khz;
        } else if (subleaf == 1) {
            out[2] = tsc_mul;
            out[3] = (uint32_t)(uint8_t)tsc_shift;
        } else if (subleaf == 2) {
            out[0] = (uint32_t)tsc_khz;
        }
        break;
    case XEN_LEAF_FIRST + 5:
        out[1] = machine_phys_bits;
        break;
    }
}

/* What these states need: x87 and SSE have places of their own, AVX follows behind the header. */
static uint32_t xsave_size(uint32_t states)
{
    struct cpuid_leaf avx = cpuid_read(0xd, 2);

    return states & XCR0_AVX ? avx.a + avx.b : XSAVE_LEGACY_SIZE;
}

void cpuid_for_guest(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    if (leaf >= XEN_LEAF_FIRST && leaf < XEN_LEAF_FIRST + 0x100) {
        xen_leaf(leaf, subleaf, out);
        return;
    }
    uint32_t max = cpuid_read(leaf & 0x80000000, 0).a;
    if (leaf > max) {
        memset(out, 0, 16);
        return;
    }
    struct cpuid_leaf r = cpuid_read(leaf, subleaf);
    out[0] = r.a;
    out[1] = r.b;
    out[2] = r.c;
    out[3] = r.d;
    apply_policy(leaf, subleaf, out);
    if (v->domain->privileged && (leaf == 1 || leaf == 0x80000001))
        out[3] |= r.d & FEATURE_D_MTRR;
    if (leaf == 1) {
        out[2] |= 1U << 31; /* a hypervisor is there */
        if (fpu_xcr0_allowed()) /* the processor's own bit, which native CPUID shows as well */
            out[2] |= FEATURE1_C_OSXSAVE;
        out[1] &= 0x00ffffff; /* vCPUs move: no APIC id would stay theirs */
    } else if (leaf == 0xd && subleaf == 0) {
        out[2] = xsave_size(out[0]);
    } else if (leaf == 0x80000008) {
        out[0] = 0x3000 | machine_phys_bits; /* 48 bits linear, whatever the processor can */
    }
}

bool cpuid_forced(struct vcpu *v, struct cpu_user_regs *regs)
{
    static const uint8_t wanted[PREFIX_LENGTH + CPUID_LENGTH] = { 0x0f, 0x0b, 'x', 'e',
                                                                 'n',  0x0f, 0xa2 };
    uint8_t bytes[sizeof(wanted)];
    uint32_t out[4];

    if (!copy_from_guest(bytes, regs->rip, sizeof(bytes)) || memcmp(bytes, wanted, sizeof(wanted)))
        return false;
    cpuid_for_guest(v, (uint32_t)regs->rax, (uint32_t)regs->rcx, out);
    regs->rax = out[0];
    regs->rbx = out[1];
    regs->rcx = out[2];
    regs->rdx = out[3];
    regs->rip += sizeof(wanted);
    return true;
}
