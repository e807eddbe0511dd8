/* SPDX-License-Identifier: MIT */
/* hypercall_run, for multicalls: the calls that tests make. */
#include "hypercall/hypercall.h"

long hypercall_run(struct vcpu *v, uint64_t nr, const uint64_t args[6])
{
    (void)v;
    switch (nr) {
    case __HYPERVISOR_mmu_update:
        return hypercall_mmu_update(args[0], args[1], args[2], args[3], args[4]);
    case __HYPERVISOR_mmuext_op:
        return hypercall_mmuext_op(args[0], args[1], args[2], args[3], args[4]);
    case __HYPERVISOR_update_va_mapping:
        return hypercall_update_va_mapping(args[0], args[1], args[2], args[3], args[4]);
    }
    return -XEN_ENOSYS;
}
