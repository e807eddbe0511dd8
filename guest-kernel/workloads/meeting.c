/* SPDX-License-Identifier: MIT */
/*
 * Promise: guests that know nothing of each other but a place in the store find each other there,
 * share pages by grants and take turns by events, and every byte arrives.
 *
 * Who is there writes its number below the place (meet=PATH). When all are there (peers=N others),
 * each takes the next higher number as its neighbour, the highest the lowest one. It grants its
 * neighbour pages; the neighbour maps them; then both fill all pages in turn, and each checks what
 * the other wrote. So every guest grants to one and maps from another at the same time.
 *
 *     <place>/<domain>/port, refs   of the granter: its port, its references
 *     <place>/<domain>/done         "1": it has unmapped its neighbour's pages
 *
 * ABI: <xen/grant_table.h>, <xen/event_channel.h>, <xen/io/xs_wire.h>
 */
#include "arch/pv/pv.h"
#include "drivers/front/grant.h"
#include "drivers/front/port.h"
#include "drivers/front/xenbus.h"
#include "kernel/cmdline.h"
#include "kernel/page_alloc.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "workloads/list.h"
#include "workloads/workload.h"

#define NR_PAGES  16u
#define NR_ROUNDS 8u
#define GUESTS_MAX 64u
#define PATH_SIZE 128
#define WAIT_NS   120000000000ULL
#define WORDS     (PAGE_SIZE / sizeof(uint64_t))

/* The first word of the first page: whose turn it is. Even: the granter's. */
#define TURN(pages) ((volatile uint64_t *)(pages)[0])

static const bool timed_out = true; /* for the text of a check that failed */
static struct xs xs; /* of the main thread, which does all but the sharing */
static struct doorbell changed;
static domid_t self, before, after;

static void path_of(char *path, domid_t domid, const char *key)
{
    ksnprintf(path, PATH_SIZE, "%s/%u%s%s", cmdline.meet, domid, key[0] != 0 ? "/" : "", key);
}

/* ---- finding each other ---- */

static domid_t parse_number(const char *name)
{
    unsigned domid = 0;

    for (; *name >= '0' && *name <= '9' && domid < DOMID_FIRST_RESERVED; name++)
        domid = domid * 10 + (unsigned)(*name - '0');
    return *name == 0 ? (domid_t)domid : 0;
}

/* Those who are there; 0 if the place cannot be read. */
static unsigned list_guests(domid_t *guests)
{
    unsigned count = 0;

    if (xs_directory(&xs, cmdline.meet) != NULL)
        return 0;
    for (const char *name = xs.reply; name < xs.reply + xs.reply_size; name += strlen(name) + 1)
        if (count < GUESTS_MAX && parse_number(name) != 0)
            guests[count++] = parse_number(name);
    return count;
}

static void choose_neighbours(const domid_t *guests, unsigned count)
{
    domid_t lowest = self, highest = self;

    before = after = 0;
    for (unsigned i = 0; i < count; i++) {
        lowest = guests[i] < lowest ? guests[i] : lowest;
        highest = guests[i] > highest ? guests[i] : highest;
        if (guests[i] > self && (after == 0 || guests[i] < after))
            after = guests[i];
        if (guests[i] < self && guests[i] > before)
            before = guests[i];
    }
    after = after == 0 ? lowest : after;
    before = before == 0 ? highest : before;
}

static bool find_others(void)
{
    uint64_t end = arch_clock_ns() + WAIT_NS;
    domid_t guests[GUESTS_MAX];
    unsigned count;

    while ((count = list_guests(guests)) < cmdline.peers + 1)
        if (!doorbell_wait_until(&changed, end) && arch_clock_ns() >= end)
            break;
    choose_neighbours(guests, count);
    return CHECK_EQ(count, cmdline.peers + 1);
}

/* Others may read what is ours; so may they what is below it. */
static bool arrive(void)
{
    char path[PATH_SIZE], permissions[16];
    uint64_t number;

    if (!CHECK(xs_read_number(&xs, "domid", &number) == NULL))
        return false;
    self = (domid_t)number;
    path_of(path, self, "");
    ksnprintf(permissions, sizeof(permissions), "r%u", self);
    return CHECK(xs_watch(&xs, cmdline.meet, "meeting") == NULL) && CHECK(xs_write(&xs, path, "") == NULL) &&
           CHECK(xs_set_permissions(&xs, path, permissions) == NULL);
}

/* Waits until a key of another is there. */
static bool await(domid_t domid, const char *key, char *value, size_t size)
{
    uint64_t end = arch_clock_ns() + WAIT_NS;
    char path[PATH_SIZE];

    path_of(path, domid, key);
    while (xs_read(&xs, path, value, size) != NULL) {
        if (!doorbell_wait_until(&changed, end) && arch_clock_ns() >= end) {
            check_context("(waiting for %s)", path);
            return CHECK_EQ(timed_out, false);
        }
    }
    return true;
}

/* ---- pages ---- */

/* No two of guest, round, page and word give the same number, so that nothing old or misplaced looks right. */
static uint64_t pattern(domid_t writer, unsigned round, unsigned page, unsigned word)
{
    return (uint64_t)writer << 48 | (uint64_t)round << 32 | (uint64_t)page << 16 | word;
}

/* The first word of all is the turn. */
static void fill(uint64_t **pages, domid_t writer, unsigned round)
{
    for (unsigned page = 0; page < NR_PAGES; page++)
        for (unsigned word = page == 0; word < WORDS; word++)
            pages[page][word] = pattern(writer, round, page, word);
}

static bool verify(uint64_t **pages, domid_t writer, unsigned round)
{
    for (unsigned page = 0; page < NR_PAGES; page++)
        for (unsigned word = page == 0; word < WORDS; word++)
            if (pages[page][word] != pattern(writer, round, page, word)) {
                check_context("(written by %u, round %u, page %u, word %u)", writer, round, page, word);
                return CHECK_EQ(pages[page][word], pattern(writer, round, page, word));
            }
    return true;
}

struct side {
    uint64_t *pages[NR_PAGES];
    uint32_t refs[NR_PAGES], handles[NR_PAGES];
    long port;
    struct doorbell bell;
    domid_t other;
    bool well;
};

static bool await_turn(struct side *side, uint64_t turn)
{
    uint64_t end = arch_clock_ns() + WAIT_NS;

    while (__atomic_load_n(TURN(side->pages), __ATOMIC_ACQUIRE) != turn)
        if (!doorbell_wait_until(&side->bell, end) && arch_clock_ns() >= end)
            return CHECK_EQ(timed_out, false);
    return true;
}

static void pass_turn(struct side *side, uint64_t turn)
{
    __atomic_store_n(TURN(side->pages), turn, __ATOMIC_RELEASE);
    port_notify(side->port);
}

/* ---- the granter ---- */

static struct side given, taken;

static bool give_pages(struct side *side)
{
    for (unsigned i = 0; i < NR_PAGES; i++) {
        long ref;

        side->pages[i] = page_alloc();
        if (!CHECK(side->pages[i] != NULL))
            return false;
        memset(side->pages[i], 0, PAGE_SIZE);
        ref = grant_give(side->other, side->pages[i], false);
        if (!CHECK(ref > 0))
            return false;
        side->refs[i] = (uint32_t)ref;
    }
    side->port = port_alloc(side->other);
    if (!CHECK(side->port > 0))
        return false;
    port_listen(side->port, NULL, &side->bell);
    return true;
}

/* The port comes last: who sees it sees all. */
static bool announce(const struct side *side)
{
    char path[PATH_SIZE], refs[NR_PAGES * 8] = "";
    size_t used = 0;

    for (unsigned i = 0; i < NR_PAGES; i++)
        used += ksnprintf(refs + used, sizeof(refs) - used, "%u ", side->refs[i]);
    path_of(path, self, "refs");
    if (!CHECK(xs_write(&xs, path, refs) == NULL))
        return false;
    path_of(path, self, "port");
    return CHECK(xs_write_number(&xs, path, (uint64_t)side->port) == NULL);
}

static void play_granter(void *argument)
{
    struct side *side = argument;

    for (unsigned round = 0; round < NR_ROUNDS; round++) {
        fill(side->pages, self, round);
        pass_turn(side, 2 * round + 1);
        if (!await_turn(side, 2 * round + 2) || !verify(side->pages, side->other, round))
            return;
    }
    side->well = true;
}

static void take_back(struct side *side)
{
    for (unsigned i = 0; i < NR_PAGES; i++)
        if (CHECK(grant_end(side->refs[i])))
            page_free(side->pages[i]);
    port_leave(side->port);
}

/* ---- the user ---- */

static bool map_pages(struct side *side)
{
    char port[16], refs[NR_PAGES * 8], *at = refs;

    if (!await(side->other, "port", port, sizeof(port)) || !await(side->other, "refs", refs, sizeof(refs)))
        return false;
    for (unsigned i = 0; i < NR_PAGES; i++) {
        char *end = at;

        while (*end != ' ' && *end != 0)
            end++;
        *end = 0;
        side->pages[i] = granted_map(side->other, parse_number(at), &side->handles[i]);
        if (!CHECK(side->pages[i] != NULL))
            return false;
        at = end + 1;
    }
    side->port = port_join(side->other, parse_number(port), NULL, &side->bell);
    return CHECK(side->port > 0);
}

static void play_user(void *argument)
{
    struct side *side = argument;

    for (unsigned round = 0; round < NR_ROUNDS; round++) {
        if (!await_turn(side, 2 * round + 1) || !verify(side->pages, side->other, round))
            return;
        fill(side->pages, self, round);
        pass_turn(side, 2 * round + 2);
    }
    side->well = true;
}

static void unmap_pages(struct side *side)
{
    char path[PATH_SIZE];

    for (unsigned i = 0; i < NR_PAGES; i++)
        granted_unmap(side->pages[i], side->handles[i]);
    port_leave(side->port);
    path_of(path, self, "done");
    CHECK(xs_write(&xs, path, "1") == NULL);
}

/* ---- both ---- */

static void share(void)
{
    static struct thread granter, user;
    char done[4];

    given.other = after;
    taken.other = before;
    if (!give_pages(&given) || !announce(&given) || !map_pages(&taken))
        return;
    if (!CHECK(thread_create(&granter, play_granter, &given)) || !CHECK(thread_create(&user, play_user, &taken)))
        return;
    thread_join(&granter);
    thread_join(&user);
    CHECK(given.well);
    CHECK(taken.well);
    unmap_pages(&taken);
    if (await(after, "done", done, sizeof(done)))
        take_back(&given);
}

void workload_meeting(void)
{
    if (cmdline.meet == NULL || cmdline.peers == 0) {
        workload_skip("no place to meet: meet=PATH peers=N tell it");
        return;
    }
    if (!CHECK(xenbus_open(&xs)))
        return;
    xenbus_on_change(&changed);
    if (arrive() && find_others())
        share();
}
