/* SPDX-License-Identifier: MIT */
/*
 * What newlib asks of the system below it: memory for malloc, and an end.
 *
 * All of dom0's services run on one CPU and give up their turn nowhere inside the library, so its
 * locks stay empty. Interrupt handlers do not call it.
 */
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0/services.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"

/* The heap grows page by page over addresses of its own. */
#define HEAP_START 0xffffc90000000000UL
#define HEAP_MAX   (1UL << 30)

static unsigned long heap_end = HEAP_START, mapped_end = HEAP_START;

static bool grow_page(void)
{
    void *page = page_alloc();

    if (page == NULL)
        return false;
    if (!arch_page_map(mapped_end, arch_page_number(page), ARCH_PAGE_WRITE)) {
        page_free(page);
        return false;
    }
    mapped_end += PAGE_SIZE;
    return true;
}

static void shrink_page(void)
{
    mapped_end -= PAGE_SIZE;
    page_free(arch_page_address(arch_page_unmap(mapped_end)));
}

unsigned long heap_pages(void)
{
    return (mapped_end - HEAP_START) / PAGE_SIZE;
}

void *sbrk(ptrdiff_t change)
{
    unsigned long old = heap_end, end = heap_end + (unsigned long)change;

    if (end < HEAP_START || end > HEAP_START + HEAP_MAX)
        goto none;
    while (mapped_end < end)
        if (!grow_page())
            goto none;
    while (mapped_end >= end + PAGE_SIZE)
        shrink_page();
    heap_end = end;
    return (void *)old;
none:
    errno = ENOMEM;
    return (void *)-1;
}

void __malloc_lock(struct _reent *reent)
{
    (void)reent;
}

void __malloc_unlock(struct _reent *reent)
{
    (void)reent;
}

/* The library's streams want files below them. Nobody opens one here: services write to sessions. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define NO_FILES(declaration)                                                                      \
    declaration                                                                                    \
    {                                                                                              \
        errno = ENOSYS;                                                                            \
        return -1;                                                                                 \
    }

NO_FILES(int close(int file))
NO_FILES(int fstat(int file, struct stat *status))
NO_FILES(int isatty(int file))
NO_FILES(off_t lseek(int file, off_t offset, int whence))
NO_FILES(_READ_WRITE_RETURN_TYPE read(int file, void *to, size_t size))
NO_FILES(_READ_WRITE_RETURN_TYPE write(int file, const void *from, size_t size))

void abort(void)
{
    panic("a service called abort");
}
