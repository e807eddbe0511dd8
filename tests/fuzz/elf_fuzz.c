/* SPDX-License-Identifier: MIT */
/*
 * Kernel files: as they come, or the good one with the input's bytes over its headers and notes.
 * One that is taken lies where it says, in a place that a guest can have, and can be loaded.
 */
#include "domain/elf.h"
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
