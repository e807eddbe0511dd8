/* SPDX-License-Identifier: MIT */
#include "trap/hypercall_page.h"
#include <xen/xen.h>
#include "lib/string.h"

#define STUB_SIZE 32U
#define STUBS     (PAGE_SIZE / STUB_SIZE)

#define NUMBER_AT 4U /* of the immediate in a stub */

void hypercall_page_fill(void *page)
{
    static const uint8_t call[] = {
        0x51,                   /* push %rcx */
        0x41, 0x53,             /* push %r11 */
        0xb8, 0,    0, 0, 0,    /* mov $number, %eax */
        0x0f, 0x05,             /* syscall */
        0x41, 0x5b,             /* pop %r11 */
        0x59,                   /* pop %rcx */
        0xc3,                   /* ret */
    };
    static const uint8_t iret[] = {
        0x51,                   /* push %rcx */
        0x41, 0x53,             /* push %r11 */
        0x50,                   /* push %rax */
        0xb8, __HYPERVISOR_iret, 0, 0, 0, /* mov $23, %eax */
        0x0f, 0x05,             /* syscall; does not come back */
    };
    uint8_t *stub = page;

    memset(page, 0xcc, PAGE_SIZE);
    for (uint32_t n = 0; n < STUBS; n++, stub += STUB_SIZE) {
        if (n == __HYPERVISOR_iret) {
            memcpy(stub, iret, sizeof(iret));
            continue;
        }
        memcpy(stub, call, sizeof(call));
        memcpy(stub + NUMBER_AT, &n, sizeof(n));
    }
}
