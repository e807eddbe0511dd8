/* SPDX-License-Identifier: MIT */
/*
 * dom0 as its kernel finds it: the order of things, what is mapped and how, and that both
 * directions of frame numbers agree. ABI: <xen/xen.h>, "Start-of-day memory layout".
 */
#include "run.h"
#include "domain/build.h"
#include "kernel_file.h"
#include "memory/m2p.h"
#include "paging.h"
#include <string.h>

#define FRAMES   4096U
#define PAGES    2000U
#define INIT_P2M 0x8000000000UL

static struct domain *d;
static struct kernel_file file;
static uint8_t initrd[3 * PAGE_SIZE + 100];

static const char *build(uint64_t pages, size_t initrd_size)
{
    struct build_module kernel = { file.bytes, file.size, "root=nowhere quiet" };
    struct build_module second = { initrd_size ? initrd : NULL, initrd_size, "" };

    for (unsigned i = 0; i < sizeof(initrd); i++)
        initrd[i] = (uint8_t)(i * 13 + 5);
    return build_dom0(d, pages, &kernel, &second);
}

static void start(void)
{
    fake_machine_start(FRAMES);
    d = fake_domain(0, 1, FRAMES, true);
    kernel_file_good(&file);
}

/* What stands at a virtual address of the guest. */
static void *at(uint64_t va)
{
    uint64_t entry = guest_walk(d->vcpus[0]->kernel_root, va);

    ck_assert_msg(entry & PTE_PRESENT, "nothing is mapped at %lx", va);
    return (uint8_t *)mfn_to_virt(pte_mfn(entry)) + va % PAGE_SIZE;
}

static const struct start_info *start_info(void)
{
    return at(d->vcpus[0]->regs.rsi);
}

/* The page of the list that holds a frame's number: mapped, or known by its own number. */
static uint64_t p2m(uint64_t pfn)
{
    return *(uint64_t *)at(start_info()->mfn_list + pfn * 8);
}

static void check_world(uint64_t pages)
{
    struct vcpu *v = d->vcpus[0];
    const struct start_info *s = start_info();

    ck_assert_str_eq(s->magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(s->nr_pages, pages);
    ck_assert_uint_eq(s->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN),
                      SIF_PRIVILEGED | SIF_INITDOMAIN);
    ck_assert_str_eq((const char *)s->cmd_line, "root=nowhere quiet");
    ck_assert_uint_eq(s->shared_info, virt_to_mfn(d->shared_info).v << PAGE_SHIFT);
    ck_assert_uint_eq(v->regs.rip, KERNEL_ENTRY);
    ck_assert_uint_eq(d->memory.nr_pages, pages);

    /* Every frame once, and back again. */
    for (uint64_t pfn = 0; pfn < pages; pfn++) {
        ck_assert_uint_lt(p2m(pfn), FRAMES);
        ck_assert_uint_eq(m2p_get(mfn(p2m(pfn))), pfn);
        ck_assert_uint_eq(frame_at(mfn(p2m(pfn)))->owner, d->id);
    }
    /* From the base on, pages and frame numbers in step, to a multiple of 4 MiB with half of one
     * free. */
    uint64_t end = KERNEL_BASE;
    for (uint64_t pfn = 0; guest_walk(v->kernel_root, end); pfn++, end += PAGE_SIZE) {
        uint64_t entry = guest_walk(v->kernel_root, end);
        bool table = end >= s->pt_base && end < s->pt_base + s->nr_pt_frames * PAGE_SIZE;
        ck_assert_uint_eq(pte_mfn(entry).v, p2m(pfn));
        ck_assert_msg(!(entry & PTE_WRITE) == table, "%lx: %lx", end, entry);
        enum page_type type = type_of(pte_mfn(entry));
        ck_assert((type >= TYPE_L1 && type <= TYPE_L4) == table);
    }
    ck_assert_uint_eq(end % (4UL << 20), 0);
    ck_assert_uint_ge(end - v->regs.rsp, 512UL << 10);
    ck_assert_uint_eq(v->regs.rsp, s->pt_base + (s->nr_pt_frames + 1) * PAGE_SIZE);
    ck_assert_uint_eq(v->kernel_root.v, p2m((s->pt_base - KERNEL_BASE) >> PAGE_SHIFT));

    ck_assert_mem_eq(at(KERNEL_BASE + KERNEL_PADDR), file.bytes + KERNEL_TEXT_AT, PAGE_SIZE);
    ck_assert_mem_eq(at(KERNEL_HYPERCALL + 32 * 3), "\x51\x41\x53\xb8\x03\0\0\0\x0f\x05", 10);
    ck_assert_uint_eq(count_of(v->kernel_root), 2); /* a pin, and the vCPU */
    ck_assert(frame_at(v->kernel_root)->state & FRAME_PINNED);
    audit_ok();
}

START_TEST(a_kernel_alone_is_laid_out)
{
    start();
    ck_assert_ptr_null(build(PAGES, 0));
    check_world(PAGES);
    ck_assert_uint_eq(start_info()->mod_start | start_info()->mod_len, 0);
    ck_assert_uint_eq(start_info()->nr_p2m_frames, 0);
}
END_TEST

START_TEST(an_initrd_follows_the_kernel)
{
    start();
    ck_assert_ptr_null(build(PAGES, sizeof(initrd)));
    check_world(PAGES);
    ck_assert_uint_eq(start_info()->mod_start, KERNEL_BASE + KERNEL_PADDR + KERNEL_MEM_SIZE);
    ck_assert_uint_eq(start_info()->mod_len, sizeof(initrd));
    for (unsigned i = 0; i < sizeof(initrd); i += PAGE_SIZE)
        ck_assert_mem_eq(at(start_info()->mod_start + i), initrd + i,
                         MIN(PAGE_SIZE, sizeof(initrd) - i));
}
END_TEST

START_TEST(an_initrd_may_stay_unmapped)
{
    start();
    kernel_file_note_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    ck_assert_ptr_null(build(PAGES, sizeof(initrd)));
    check_world(PAGES);
    ck_assert(start_info()->flags & SIF_MOD_START_PFN);
    for (unsigned i = 0; i < sizeof(initrd); i += PAGE_SIZE)
        ck_assert_mem_eq(mfn_to_virt(mfn(p2m(start_info()->mod_start + i / PAGE_SIZE))), initrd + i,
                         MIN(PAGE_SIZE, sizeof(initrd) - i));
}
END_TEST

START_TEST(the_list_of_frames_may_stand_apart)
{
    static const uint64_t places[] = { INIT_P2M, INIT_P2M + 0x1ff000, 0xffffff8000000000,
                                       KERNEL_BASE + 0x1000000 };

    start();
    kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, places[_i]);
    kernel_file_note_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    ck_assert_ptr_null(build(PAGES, sizeof(initrd)));
    check_world(PAGES);
    const struct start_info *s = start_info();
    ck_assert_uint_eq(s->mfn_list, places[_i]);
    ck_assert_uint_ge(s->nr_p2m_frames, 4);
    /* Behind the mapped area, and the list's frames first. */
    ck_assert_uint_ge(s->first_p2m_pfn, (s->pt_base - KERNEL_BASE) >> PAGE_SHIFT);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(
            pte_mfn(guest_walk(d->vcpus[0]->kernel_root, s->mfn_list + i * PAGE_SIZE)).v,
            p2m(s->first_p2m_pfn + i));
    for (uint64_t i = 4; i < s->nr_p2m_frames; i++)
        ck_assert_uint_ge(type_of(mfn(p2m(s->first_p2m_pfn + i))), TYPE_L1);
}
END_TEST

/* A list that would lie on the kernel, in our part, or nowhere, is refused in words: no assertion.
 */
START_TEST(a_list_where_none_can_be_is_refused)
{
    static const uint64_t places[] = { HYPERVISOR_START,
                                       HYPERVISOR_END - 0x1000,
                                       0x0000900000000000,
                                       0x00007fffffffe000,
                                       ~0xfffUL,
                                       KERNEL_BASE,
                                       KERNEL_BASE + KERNEL_PADDR };

    start();
    kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, places[_i]);
    const char *wrong = build(PAGES, 0);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, "p2m"), "%s", wrong);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    const char *wrong;

    start();
    wrong = build(600, 0);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, "dom0_mem"), "%s", wrong);
    wrong = build(FRAMES * 2, 0);
    ck_assert_ptr_nonnull(wrong);
    kernel_file_good(&file);
    kernel_file_note_number(&file, XEN_ELFNOTE_SUPPORTED_FEATURES, 1);
    wrong = build(PAGES, 0);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, "dom0"), "%s", wrong);
}
END_TEST

/* The numbers that decide how many tables there are, around each of their steps. */
START_TEST(any_size_of_kernel_is_laid_out)
{
    start();
    kernel_file_segment(&file, 0)->p_memsz = (uint64_t)_i * 37 * PAGE_SIZE + KERNEL_MEM_SIZE;
    ck_assert_ptr_null(build(PAGES + 1100, (size_t)_i % 3 * 5000));
    check_world(PAGES + 1100);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_kernel_alone_is_laid_out },
        { an_initrd_follows_the_kernel },
        { an_initrd_may_stay_unmapped },
        { the_list_of_frames_may_stand_apart, .rounds = 4 },
        { a_list_where_none_can_be_is_refused, .rounds = 7 },
        { what_does_not_fit_is_refused },
        { any_size_of_kernel_is_laid_out, .rounds = 20 },
    };
    return RUN_TESTS("domain/build", tests);
}
