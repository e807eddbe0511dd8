/* SPDX-License-Identifier: MIT */
/*
 * Promise: what a translation buffer still remembers never shows. A fault that the tables no longer
 * justify is retried, so that raising rights needs no flush; a flush reaches both roots of a vCPU;
 * a root that is loaded brings its own translations, global ones included.
 *
 * ABI: UVMF_INVLPG, MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR, <xen/xen.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/user_code.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define USER_VA 0x900000UL

static int touch(unsigned long va)
{
    trap_expect();
    asm volatile("mov %0, %%rdi\n" MAY_TRAP("mov %%rax, 8(%%rdi)")::"r"(va) : "rdi", "memory");
    return trap_last()->vector;
}

/* Read-only, remembered so, then writable without a flush: the write goes through. */
static void raised_rights(void)
{
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(hypercall_update_va_mapping(WINDOW_VA, window_pte(i % WINDOW_FRAMES, MAPPED_RO),
                                             UVMF_INVLPG),
                 0);
        CHECK_EQ(touch(WINDOW_VA), 14);
        CHECK_EQ(*(volatile uint64_t *)WINDOW_VA, window_frames[i % WINDOW_FRAMES][0]);
        CHECK_EQ(pte_set(&window_l1[0], window_pte(i % WINDOW_FRAMES, MAPPED_RW)), 0);
        CHECK_EQ(touch(WINDOW_VA), VECTOR_NONE);
        CHECK_EQ(pte_set(&window_l1[0], 0), 0);
        CHECK_EQ(mmuext_plain(MMUEXT_INVLPG_LOCAL, WINDOW_VA), 0);
        CHECK_EQ(touch(WINDOW_VA), 14);
        CHECK_EQ(pte_set(&window_l1[0], window_pte(0, MAPPED_RW)), 0);
        CHECK_EQ(touch(WINDOW_VA), VECTOR_NONE);
    }
}

static uint64_t read_by_user(unsigned long va)
{
    struct trap_frame frame;

    user_frame_init(&frame, user_read);
    frame.rdi = va;
    user_run(&frame);
    return frame.vector == VECTOR_SYSCALL ? frame.rax : frame.vector;
}

/* The kernel remaps a user page and flushes by address: user mode sees the new frame. */
static void flush_reaches_user(void)
{
    static const unsigned long flags[] = { UVMF_INVLPG, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH,
                                           UVMF_TLB_FLUSH | UVMF_ALL };

    if (!CHECK(pte_get(USER_VA) != NULL))
        return;
    for (unsigned i = 0; i < 16; i++) {
        unsigned frame = i % WINDOW_FRAMES;

        check_context("(round %u)", i);
        CHECK_EQ(hypercall_update_va_mapping(USER_VA, window_pte(frame, MAPPED_RW | PTE_US),
                                             flags[i % 4]),
                 0);
        CHECK_EQ(read_by_user(USER_VA), window_frames[frame][0]);
        CHECK_EQ(*(uint64_t *)USER_VA, window_frames[frame][0]);
    }
    check_context("%s", "");
    CHECK_EQ(hypercall_update_va_mapping(USER_VA, 0, UVMF_INVLPG), 0);
    CHECK_EQ(read_by_user(USER_VA), 14);
}

/* A root that maps the same user address elsewhere, by a tree of its own. */
static uint64_t *other_root(uint64_t **tree, unsigned frame)
{
    for (int level = 1; level <= 4; level++) {
        uint64_t *shared = (uint64_t *)((uint64_t)pte_find(USER_VA, level) & ~(PAGE_SIZE - 1));

        tree[level] = page_alloc();
        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            tree[level][i] = level == 4 && i >= 256 && i < 272 ? 0 : shared[i];
        tree[level][pte_index(USER_VA, level)] =
            level == 1 ? window_pte(frame, MAPPED_RW | PTE_US)
                       : pte_make(address_to_mfn(tree[level - 1]), PTE_TABLE);
        CHECK_EQ(page_set_readonly(tree[level]), 0);
    }
    CHECK_EQ(page_pin(tree[4], 4), 0);
    return tree[4];
}

/* User pages are global, and yet they must go when another address space comes. */
static void roots_bring_their_own(void)
{
    uint64_t *tree[5], *other;

    CHECK_EQ(hypercall_update_va_mapping(USER_VA, window_pte(1, MAPPED_RW | PTE_US), UVMF_INVLPG),
             0);
    other = other_root(tree, 2);
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQ(*(volatile uint64_t *)USER_VA, window_frames[1][0]);
        CHECK_EQ(read_by_user(USER_VA), window_frames[1][0]);
        CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(other)), 0);
        CHECK_EQ(*(volatile uint64_t *)USER_VA, window_frames[2][0]);
        CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, address_to_mfn(other)), 0);
        CHECK_EQ(read_by_user(USER_VA), window_frames[2][0]);
        CHECK_EQ(mmuext_frame(MMUEXT_NEW_BASEPTR, address_to_mfn(kernel_l4)), 0);
        CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, user_root_mfn()), 0);
    }
    CHECK_EQ(page_unpin(other), 0);
    for (int level = 4; level >= 1; level--)
        free_table(tree[level]);
    CHECK_EQ(hypercall_update_va_mapping(USER_VA, 0, UVMF_INVLPG), 0);
}

void workload_translations(void)
{
    if (!window_open() || !CHECK(user_init()))
        return;
    raised_rights();
    flush_reaches_user();
    roots_bring_their_own();
    window_close();
}
