/* SPDX-License-Identifier: MIT */
/* Any memory behind either magic number: words, or a map in order and texts that end. */
#include "boot/multiboot.h"
#include <stdlib.h>
#include <string.h>

#define BASE 0x1000U

static const uint8_t *ram;
static size_t ram_size;

/* What is asked for stands in ram, or nowhere. */
static const void *look(uint64_t maddr, uint64_t size)
{
    if (maddr < BASE || maddr - BASE > ram_size || size > ram_size - (maddr - BASE))
        return NULL;
    return ram + (maddr - BASE);
}

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;

    if (!size)
        return 0;
    ram = data + 1;
    ram_size = size - 1;
    const char *wrong =
        boot_info_read(data[0] & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC, BASE, look, &info);
    require(!wrong || *wrong);
    require(info.nr_regions <= BOOT_REGIONS_MAX && info.nr_modules <= BOOT_MODULES_MAX);
    require(strnlen(info.words, BOOT_TEXT_MAX) < BOOT_TEXT_MAX);
    for (unsigned i = 0; i < info.nr_modules; i++)
        require(strnlen(info.modules[i].words, BOOT_TEXT_MAX) < BOOT_TEXT_MAX &&
                info.modules[i].start <= info.modules[i].end);
    for (unsigned i = 1; i < info.nr_regions; i++)
        require(info.regions[i - 1].start <= info.regions[i].start);
    return 0;
}
