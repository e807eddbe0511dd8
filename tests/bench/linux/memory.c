/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: mapping, faults, protection. Files are of tmpfs and all their pages are there.
 * Anonymous memory asks for small pages: a paravirtual guest has no others, and the rows shall do
 * the same work everywhere.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_SIZE  (8UL << 20)
#define STRIDE     (64UL << 10) /* the kernel maps 16 pages around one of a file that is read */
#define TOUCHES    (FILE_SIZE / STRIDE)
#define ANON_PAGES 512UL
#define FEW_PAGES  64UL
#define TABLE_SPAN (2UL << 20) /* what one page table maps */

static int file = -1;

/* Room for the largest of what is mapped, found once. */
static char *find_room(void)
{
    uintptr_t room = (uintptr_t)mmap(NULL, FILE_SIZE + TABLE_SPAN, PROT_NONE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must((void *)room != MAP_FAILED && munmap((void *)room, FILE_SIZE + TABLE_SPAN) == 0,
         "finding room");
    return (char *)((room + TABLE_SPAN - 1) & ~(TABLE_SPAN - 1));
}

void *map(size_t size, int rights, int flags, int fd)
{
    static char *room;
    void *at;

    if (!room)
        room = find_room();
    at = mmap(room, size, rights, flags | MAP_FIXED_NOREPLACE, fd, 0);
    must(at == room, "mmap");
    if (fd < 0)
        madvise(at, size, MADV_NOHUGEPAGE); /* refused by a kernel that has no huge pages anyway */
    return at;
}

static void make_file(void)
{
    char *at;

    file = memfd_create("bench", 0);
    must(file >= 0 && ftruncate(file, FILE_SIZE) == 0, "making a file of 8 MiB");
    at = map(FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    memset(at, 1, FILE_SIZE);
    munmap(at, FILE_SIZE);
}

/* Mapped, written to at every 64 KiB, and unmapped. */
static uint64_t map_unmap(unsigned rounds)
{
    uint64_t begun = timed_begin();

    for (unsigned i = 0; i < rounds; i++) {
        char *at = map(FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
        for (size_t offset = 0; offset < FILE_SIZE; offset += STRIDE)
            at[offset] = 1;
        must(munmap(at, FILE_SIZE) == 0, "munmap");
    }
    return timed_end(begun);
}

/* ---- faults ---- */

static uint64_t fault_file(unsigned rounds)
{
    uint64_t took = 0;

    for (unsigned i = 0; i < rounds; i++) {
        volatile char *at = map(FILE_SIZE, PROT_READ, MAP_SHARED, file);
        uint64_t begun = timed_begin();
        for (size_t offset = 0; offset < FILE_SIZE; offset += STRIDE)
            (void)at[offset];
        took += timed_end(begun);
        must(munmap((void *)at, FILE_SIZE) == 0, "munmap");
    }
    return took;
}

static void touch(char *at, size_t nr_pages)
{
    for (size_t page = 0; page < nr_pages; page++)
        ((volatile char *)at)[page * PAGE] = 1;
}

static uint64_t fault_anonymous(unsigned rounds)
{
    uint64_t took = 0;

    for (unsigned i = 0; i < rounds; i++) {
        char *at = map(ANON_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        uint64_t begun = timed_begin();
        touch(at, ANON_PAGES);
        took += timed_end(begun);
        must(munmap(at, ANON_PAGES * PAGE) == 0, "munmap");
    }
    return took;
}

/* ---- protection ---- */

static char *few;

static void make_few_pages(void)
{
    few = map(FEW_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    touch(few, FEW_PAGES);
}

/* Written to before, so that their entries are as they were. */
static uint64_t protect(unsigned rounds)
{
    uint64_t took = 0;

    for (unsigned i = 0; i < rounds; i++) {
        bool well;
        uint64_t begun;
        touch(few, FEW_PAGES);
        begun = timed_begin();
        well = mprotect(few, FEW_PAGES * PAGE, PROT_READ) == 0 &&
               mprotect(few, FEW_PAGES * PAGE, PROT_READ | PROT_WRITE) == 0;
        took += timed_end(begun);
        must(well, "mprotect");
    }
    return took;
}

const struct row memory_rows[] = {
    { "mmap-8m", map_unmap, 2, 1, make_file, NULL },
    { "fault-file", fault_file, 2, TOUCHES, make_file, NULL },
    { "fault-anonymous", fault_anonymous, 1, ANON_PAGES, NULL, NULL },
    { "mprotect-64", protect, 20, 1, make_few_pages, NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
