/* SPDX-License-Identifier: MIT */
/*
 * Kernel files: as they come, or the good one with the input's bytes over its headers and notes. One that
 * is taken lies where it says, in a place that a guest can have, and can be loaded. If it finds room in a
 * guest's memory, everything lies within that memory, and each page is written in bounds.
 */
#include "guest-image/fill.h"
#include "kernel_file.h"
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

static bool store(void *context, uint64_t va, const void *data, uint64_t size)
{
    const struct kernel_image *image = context;

    require(va >= image->start && va <= image->end && size <= image->end - va);
    if (data && size) /* the last byte is there: ASan looks */
        (void)*((const volatile uint8_t *)data + size - 1);
    return true;
}

#define PAGES 3000U

static void *page(void *context, uint64_t number)
{
    static uint8_t one[PAGE_SIZE] __attribute__((aligned(4096)));
    const struct image_layout *l = context;

    require(number < l->nr_used);
    return one;
}

static void try_layout(const struct kernel_image *image, enum image_for whose)
{
    static const uint8_t initrd[PAGE_SIZE + 1];
    static uint64_t p2m[PAGES];
    struct image_layout l;
    struct image_memory m = { p2m, page, &l };
    struct image_contents contents = { .initrd = initrd, .words = "words" };

    if (image_lay_out(&l, image, whose, PAGES, sizeof(initrd)))
        return;
    require(kernel_range_ok(l.mapped.start, l.mapped.end) && image->end <= l.mapped.end);
    require(kernel_range_ok(l.p2m_apart.start, l.p2m_apart.end));
    require(l.p2m_apart.end <= l.mapped.start || l.p2m_apart.start >= l.mapped.end);
    require(image_fill(&l, &m, &contents) == (l.nr_used <= PAGES));
}

static void try_file(const uint8_t *bytes, size_t size)
{
    struct kernel_image image;
    const char *wrong = elf_read(bytes, size, &image);

    require(!wrong || *wrong);
    if (wrong)
        return;
    require(image.start < image.end && image.entry >= image.start && image.entry < image.end);
    require(image.virt_base <= image.start && kernel_range_ok(image.virt_base, image.end));
    require(image.hypercall_page == ELF_UNSET ||
            (image.hypercall_page >= image.start && image.hypercall_page < image.end));
    require(elf_load(&image, &image, store));
    try_layout(&image, IMAGE_DOM0);
    try_layout(&image, IMAGE_DOMU);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kernel_file file;

    try_file(data, size);
    kernel_file_good(&file);
    /* Patches: an offset, a length, and so many bytes. */
    while (size > 3) {
        size_t at = (data[0] | (size_t)data[1] << 8) % 0x400, n = data[2] % 9U;
        data += 3;
        size -= 3;
        n = MIN(n, size);
        memcpy(file.bytes + at, data, n);
        data += n;
        size -= n;
    }
    uint8_t *exact = malloc(file.size);
    memcpy(exact, file.bytes, file.size);
    try_file(exact, file.size);
    free(exact);
    return 0;
}
