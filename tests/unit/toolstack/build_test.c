/* SPDX-License-Identifier: MIT */
/*
 * Guests as their kernels find them: everything is looked up through the page tables that the first vCPU's
 * CR3 names, as a processor would. And whatever is refused on the way: a line that says so, and nothing
 * left behind.
 *
 * ABI: <xen/xen.h>, "Start-of-day memory layout"
 */
#include "run.h"
#include <string.h>
#include <xen/grant_table.h>
#include "domains.h"
#include "kernel_file.h"
#include "toolstack/build.h"

#define MIB(n)    ((n) * 256UL) /* in pages */
#define INIT_P2M  0x8000000000UL
#define PRESENT   1UL
#define WRITABLE  2UL
#define FRAME_OF(e) (((e) & 0xffffffffff000UL) >> PAGE_SHIFT)

static struct kernel_file file;
static uint8_t ramdisk[3 * PAGE_SIZE + 100];
static struct build_order order;
static struct build_result result;
static char line[200];

enum { NOTE_INIT_P2M = 1, NOTE_MOD_START = 2 };

static void start(unsigned notes, uint64_t nr_pages, size_t ramdisk_size)
{
    domains_start();
    kernel_file_good(&file);
    if (notes & NOTE_INIT_P2M)
        kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, INIT_P2M);
    if (notes & NOTE_MOD_START)
        kernel_file_note_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    for (unsigned i = 0; i < sizeof(ramdisk); i++)
        ramdisk[i] = (uint8_t)(i * 13 + 5);
    order = (struct build_order){ .id = DOMAIN_ID,
                                  .nr_pages = nr_pages,
                                  .max_pages = nr_pages + MIB(16),
                                  .kernel = file.bytes,
                                  .kernel_size = file.size,
                                  .ramdisk = ramdisk_size ? ramdisk : NULL,
                                  .ramdisk_size = ramdisk_size,
                                  .cmdline = "root=/dev/xvda quiet",
                                  .console_port = 5,
                                  .store_port = 4 };
    result = (struct build_result){ 0, 0 };
    memset(line, '#', sizeof(line));
}

static bool build(void)
{
    return build_guest(&order, &result, line, sizeof(line));
}

static void nothing_is_left(void)
{
    ck_assert_uint_eq(domain.nr_mapped, 0);
    ck_assert_uint_eq(domain.claimed, 0);
}

/* A line in words that names what was wrong. */
static void is_refused(const char *words)
{
    ck_assert(!build());
    ck_assert_msg(memchr(line, 0, sizeof(line)) && strstr(line, words), "said: %.200s", line);
    ck_assert_ptr_null(strchr(line, '\n'));
    nothing_is_left();
}

/* --- Looking at it as a processor does --- */

static uint64_t walk(uint64_t va)
{
    uint64_t entry = domain.context.ctrlreg[3] | PRESENT;

    for (unsigned level = 4; level && (entry & PRESENT); level--)
        entry = ((uint64_t *)frame_memory(FRAME_OF(entry)))[va >> (PAGE_SHIFT + 9 * (level - 1)) & 511];
    return entry & PRESENT ? entry : 0;
}

static void *at(uint64_t va)
{
    uint64_t entry = walk(va);

    REQUIRE(entry, "nothing is mapped at %lx", va);
    return (uint8_t *)frame_memory(FRAME_OF(entry)) + va % PAGE_SIZE;
}

static const struct start_info *info(void)
{
    return at(domain.context.user_regs.rsi);
}

static uint64_t p2m(uint64_t pfn)
{
    return *(uint64_t *)at(info()->mfn_list + pfn * 8);
}

/* All that can be reached from a table: how many tables, how many pages are mapped, and of those how many
 * are tables. No table may be mapped writable. */
struct tree {
    uint64_t tables, pages, table_pages;
    uint8_t is_table[FRAMES_MAX / 8];
};

static struct tree tree;

static void count_tables(xen_pfn_t frame, unsigned level)
{
    const uint64_t *table = frame_memory(frame);
    uint64_t n = frame - FRAME_FIRST;

    tree.tables++;
    REQUIRE(!(tree.is_table[n / 8] >> n % 8 & 1), "table %lx has two places", frame);
    tree.is_table[n / 8] |= (uint8_t)(1U << n % 8);
    for (unsigned i = 0; level > 1 && i < 512; i++)
        if (table[i] & PRESENT)
            count_tables(FRAME_OF(table[i]), level - 1);
}

static void count_pages(xen_pfn_t frame, unsigned level)
{
    const uint64_t *table = frame_memory(frame);

    for (unsigned i = 0; i < 512; i++) {
        uint64_t n = FRAME_OF(table[i]) - FRAME_FIRST;
        if (!(table[i] & PRESENT)) {
            REQUIRE(table[i] == 0, "rubbish in table %lx: %lx", frame, table[i]);
        } else if (level > 1) {
            count_pages(FRAME_OF(table[i]), level - 1);
        } else {
            bool table_page = tree.is_table[n / 8] >> n % 8 & 1;
            tree.pages++;
            tree.table_pages += table_page;
            REQUIRE(table_page == !(table[i] & WRITABLE), "wrong rights: %lx", table[i]);
        }
    }
}

static void check_tables(void)
{
    const struct start_info *s = info();
    uint64_t root = domain.context.ctrlreg[3] >> PAGE_SHIFT, va = KERNEL_BASE, mapped;

    memset(&tree, 0, sizeof(tree));
    count_tables(root, 4);
    count_pages(root, 4);
    ck_assert_uint_eq(domain.root, root);
    ck_assert_uint_eq(FRAME_OF(walk(s->pt_base)), root);
    for (uint64_t pfn = 0; walk(va); pfn++, va += PAGE_SIZE)
        REQUIRE(FRAME_OF(walk(va)) == p2m(pfn), "%lx is not page %lx", va, pfn);
    ck_assert_uint_eq(va % (4UL << 20), 0);
    ck_assert_uint_ge(va - domain.context.user_regs.rsp, 512UL << 10);
    ck_assert_uint_lt(va - domain.context.user_regs.rsp, (512UL << 10) + (4UL << 20));
    mapped = (va - KERNEL_BASE) >> PAGE_SHIFT;
    uint64_t list = s->nr_p2m_frames ? (s->nr_pages + 511) / 512 : 0;
    ck_assert_uint_eq(tree.pages, mapped + list);
    ck_assert_uint_eq(tree.table_pages, s->nr_pt_frames);
    ck_assert_uint_eq(tree.tables, s->nr_pt_frames + s->nr_p2m_frames - list);
}

static void check_start_info(void)
{
    const struct start_info *s = info();

    ck_assert_str_eq(s->magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(s->nr_pages, order.nr_pages);
    ck_assert_uint_eq(s->shared_info, domain.shared_info << PAGE_SHIFT);
    ck_assert_uint_eq(s->flags & ~SIF_MOD_START_PFN, SIF_VIRT_P2M_4TOOLS);
    ck_assert_str_eq((const char *)s->cmd_line, order.cmdline);
    ck_assert_uint_eq(s->store_evtchn, 4);
    ck_assert_uint_eq(s->console.domU.evtchn, 5);
    /* The rings stand behind it, in this order, and are empty. */
    uint64_t va = domain.context.user_regs.rsi;
    ck_assert_uint_eq(s->store_mfn, FRAME_OF(walk(va + PAGE_SIZE)));
    ck_assert_uint_eq(s->console.domU.mfn, FRAME_OF(walk(va + 2 * PAGE_SIZE)));
    ck_assert_uint_eq(s->pt_base, va + 3 * PAGE_SIZE);
    ck_assert_uint_eq(result.store_frame, s->store_mfn);
    ck_assert_uint_eq(result.console_frame, s->console.domU.mfn);
    for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
        REQUIRE(*(uint8_t *)at(va + PAGE_SIZE + i) == 0, "byte %u of the rings", i);
    for (unsigned i = sizeof(*s); i < PAGE_SIZE; i++)
        REQUIRE(((const uint8_t *)s)[i] == 0, "byte %u behind start_info", i);
}

/* Each page has a frame of its own, and the hypervisor calls that frame as the guest does. */
static void check_frames(void)
{
    ck_assert_uint_eq(domain.nr_frames, order.nr_pages);
    for (uint64_t pfn = 0; pfn < order.nr_pages; pfn++)
        REQUIRE(frame_name(p2m(pfn)) == pfn, "page %lx", pfn);
    /* The rest of the list's last page is clear. */
    for (uint64_t pfn = order.nr_pages; pfn % 512; pfn++)
        REQUIRE(p2m(pfn) == 0, "rubbish behind the list");
}

static void check_context(void)
{
    const struct vcpu_guest_context *c = &domain.context;

    ck_assert(domain.has_context);
    ck_assert_uint_eq(c->flags, VGCF_in_kernel | VGCF_online);
    ck_assert_uint_eq(c->user_regs.rip, KERNEL_ENTRY);
    ck_assert_uint_eq(c->user_regs.rsp, info()->pt_base + (info()->nr_pt_frames + 1) * PAGE_SIZE);
    ck_assert_uint_eq(c->user_regs.cs, 0xe033);
    ck_assert_uint_eq(c->user_regs.ss, 0xe02b);
    ck_assert_uint_eq(c->user_regs.rflags, 0x200);
    ck_assert_uint_eq(c->kernel_sp, c->user_regs.rsp);
    ck_assert_uint_eq(c->kernel_ss, 0xe02b);
    ck_assert_uint_eq(c->gdt_ents | c->ldt_ents | c->ctrlreg[1], 0);
    ck_assert(walk(c->user_regs.rsp - 8) & WRITABLE);
}

static void check_hypervisor_pages(void)
{
    const struct shared_info *shared = frame_memory(domain.shared_info);
    const grant_entry_v1_t *grants = frame_memory(domain.grants);

    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        ck_assert_uint_eq(shared->vcpu_info[i].evtchn_upcall_mask, 1);
    for (unsigned i = 0; i < 512; i++)
        REQUIRE(grants[i].flags == (i < 2 ? GTF_permit_access : 0), "grant %u", i);
    ck_assert_uint_eq(grants[GNTTAB_RESERVED_CONSOLE].frame, result.console_frame);
    ck_assert_uint_eq(grants[GNTTAB_RESERVED_XENSTORE].frame, result.store_frame);
    ck_assert_uint_eq(grants[0].domid | grants[1].domid, 0);
    ck_assert_uint_eq(domain.map_bytes, order.max_pages * PAGE_SIZE);
    ck_assert_uint_eq(domain.max_mem_kib, order.nr_pages * 4 + 1024);
}

static void check_kernel(void)
{
    uint64_t va = KERNEL_BASE + KERNEL_PADDR;

    ck_assert_mem_eq(at(va), file.bytes + KERNEL_TEXT_AT, PAGE_SIZE);
    ck_assert_mem_eq(at(va + PAGE_SIZE), file.bytes + KERNEL_TEXT_AT + PAGE_SIZE,
                     KERNEL_TEXT_SIZE - PAGE_SIZE);
    for (uint64_t i = KERNEL_TEXT_SIZE; i < KERNEL_HYPERCALL - va; i++)
        REQUIRE(*(uint8_t *)at(va + i) == 0, "byte %lx behind the kernel", i);
    ck_assert_uint_eq(domain.stubs, FRAME_OF(walk(KERNEL_HYPERCALL)));
    ck_assert_uint_eq(*(uint8_t *)at(KERNEL_HYPERCALL), 0xcc);
}

static const uint8_t *ramdisk_page(uint64_t n)
{
    const struct start_info *s = info();

    if (s->flags & SIF_MOD_START_PFN)
        return frame_memory(p2m(s->mod_start + n));
    return at(s->mod_start + n * PAGE_SIZE);
}

static void check_ramdisk(unsigned notes)
{
    uint64_t size = order.ramdisk_size;
    bool by_number = size && (notes & NOTE_MOD_START);

    ck_assert_uint_eq(info()->mod_len, size);
    ck_assert_uint_eq(info()->flags & SIF_MOD_START_PFN, by_number ? SIF_MOD_START_PFN : 0);
    for (uint64_t i = 0; i < (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE; i++)
        REQUIRE(ramdisk_page(i / PAGE_SIZE)[i % PAGE_SIZE] == (i < size ? ramdisk[i] : 0), "byte %lx", i);
}

static void check_guest(unsigned notes)
{
    nothing_is_left();
    check_context();
    check_start_info();
    check_frames();
    check_tables();
    check_hypervisor_pages();
    check_kernel();
    check_ramdisk(notes);
    ck_assert_uint_eq(info()->mfn_list == INIT_P2M, !!(notes & NOTE_INIT_P2M));
    ck_assert_uint_eq(!!info()->nr_p2m_frames, !!(notes & NOTE_INIT_P2M));
}

/* --- Guests --- */

/* With and without each note, with and without a ramdisk, from small to large. */
START_TEST(a_guest_is_as_its_kernel_wants_it)
{
    static const uint64_t sizes[] = { MIB(8), MIB(8) + 1, MIB(9) + 511, MIB(33) + 256, MIB(256) };
    unsigned notes = (unsigned)_i & 3;

    start(notes, sizes[_i / 8], _i & 4 ? sizeof(ramdisk) : 0);
    ck_assert_msg(build(), "said: %.200s", line);
    check_guest(notes);
}
END_TEST

START_TEST(the_smallest_guest_has_4_mib)
{
    start(0, MIB(4), sizeof(ramdisk));
    ck_assert_msg(build(), "said: %.200s", line);
    check_guest(0);
}
END_TEST

/* A window is opened once for many pages, however many there are. */
START_TEST(a_large_guest_is_not_mapped_page_by_page)
{
    start((unsigned)_i, MIB(2048), sizeof(ramdisk));
    ck_assert_msg(build(), "said: %.200s", line);
    ck_assert_uint_lt(domain.nr_maps, 100);
    check_guest((unsigned)_i);
}
END_TEST

START_TEST(memory_may_be_in_pieces)
{
    start(NOTE_INIT_P2M, MIB(40) + 7, 0);
    domain.no_extents = true;
    ck_assert_msg(build(), "said: %.200s", line);
    check_guest(NOTE_INIT_P2M);
}
END_TEST

START_TEST(a_kernel_without_a_hypercall_page_gets_none)
{
    start(0, MIB(8), 0);
    kernel_file_begin(&file);
    kernel_file_note_text(&file, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_note_text(&file, XEN_ELFNOTE_GUEST_OS, "linux");
    kernel_file_note_number(&file, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE);
    kernel_file_note_number(&file, XEN_ELFNOTE_ENTRY, KERNEL_ENTRY);
    ck_assert_msg(build(), "said: %.200s", line);
    ck_assert_uint_eq(domain.stubs, FRAME_NOBODY);
    check_tables();
}
END_TEST

/* --- Refusals --- */

START_TEST(what_is_wrong_is_said_before_anything_is_done)
{
    char words[1025];

    start(NOTE_INIT_P2M, MIB(4), 0);
    is_refused("need 4116 KiB, and there are 4096 KiB"); /* two pages of the list, three tables */
    start(0, 0, 0);
    is_refused("there are 0 KiB");
    start(0, MIB(8), 0);
    order.max_pages = MIB(8) - 1;
    is_refused("8192 KiB, more than the 8188 KiB");
    start(0, MIB(8), 0);
    order.max_pages = ~0UL;
    is_refused("no guest can be as large");
    start(0, ~0UL >> 12, 0);
    order.max_pages = ~0UL >> 12;
    is_refused("no room");
    start(0, MIB(8), 0);
    memcpy(file.bytes, "\x1f\x8b", 2);
    is_refused("kernel: it is compressed with gzip");
    start(0, MIB(8), 0);
    memset(words, 'x', sizeof(words));
    words[1024] = 0;
    order.cmdline = words;
    is_refused("longer than 1023 characters");
    ck_assert_uint_eq(domain.calls, 0);
    words[1023] = 0;
    ck_assert_msg(build(), "said: %.200s", line);
    check_start_info();
}
END_TEST

START_TEST(a_machine_that_is_full_is_named)
{
    start(0, MIB(64), 0);
    domain.frames_left = MIB(64) - 1;
    is_refused("less than 65536 KiB left");
    ck_assert_uint_eq(domain.nr_frames, 0);
}
END_TEST

/* Each call in turn. Only memory in pieces is something that it can live with. */
START_TEST(any_refusal_leaves_nothing_behind)
{
    bool built = false;

    for (unsigned n = 1; !built || domain.refused; n++) {
        start(NOTE_MOD_START | NOTE_INIT_P2M, MIB(11) + 3, sizeof(ramdisk));
        domain.fails_at = n;
        built = build();
        nothing_is_left();
        if (!domain.refused || !strcmp(domain.refused, "extents")) {
            ck_assert_msg(built, "said: %.200s", line);
            check_guest(NOTE_MOD_START | NOTE_INIT_P2M);
            continue;
        }
        ck_assert_msg(!built, "%s was refused", domain.refused);
        ck_assert_msg(memchr(line, 0, sizeof(line)) && line[0] && line[0] != '#', "%s", domain.refused);
        ck_assert(!domain.has_context);
    }
    ck_assert_uint_gt(domain.calls, 15); /* else little was tried */
}
END_TEST

/* --- dom0's own memory --- */

static size_t size_not_had;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return size == size_not_had ? NULL : __real_malloc(size);
}

START_TEST(no_memory_of_dom0s_own_is_said)
{
    static const size_t sizes[] = { MIB(8) * sizeof(xen_pfn_t), sizeof(struct vcpu_guest_context) };

    start(0, MIB(8), 0);
    size_not_had = sizes[_i];
    is_refused("domain 0 has too little");
    size_not_had = 0;
    start(0, MIB(8), 0);
    ck_assert(build());
}
END_TEST

START_TEST(a_short_line_is_cut)
{
    char *exact = malloc(8);

    start(0, 0, 0);
    ck_assert(!build_guest(&order, &result, exact, 8));
    ck_assert_uint_eq(strlen(exact), 7);
    free(exact);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_guest_is_as_its_kernel_wants_it, .rounds = 40 },
        { the_smallest_guest_has_4_mib },
        { a_large_guest_is_not_mapped_page_by_page, .rounds = 4 },
        { memory_may_be_in_pieces },
        { a_kernel_without_a_hypercall_page_gets_none },
        { what_is_wrong_is_said_before_anything_is_done },
        { a_machine_that_is_full_is_named },
        { any_refusal_leaves_nothing_behind },
        { no_memory_of_dom0s_own_is_said, .rounds = 2 },
        { a_short_line_is_cut },
    };
    return RUN_TESTS("toolstack/build", tests);
}
