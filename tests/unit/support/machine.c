/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <xen/errno.h>
#include "domain/report.h"
#include "lib/check.h"
#include "machine/registers.h"
#include "memory/frame_alloc.h"
#include "sched/schedule.h"
#include "trace/log.h"
#include "trap/deliver.h"
#include "trap/privileged.h"

#define AREA_BYTES  (64UL << 20)
#define WINDOW_PTES (4U * MAX_VCPUS * 32U) /* of domains 0 to 3 */
#define GUEST_MAPS  16U

/* --- Processors and preemption --- */

unsigned nr_cpus = 4;
uint64_t cpus_online = 0xf;
bool machine_has_smap, machine_has_fsgsbase = true;
unsigned machine_phys_bits = 40;

_Thread_local unsigned fake_cpu;
bool fake_threads;
struct cpu fake_cpus[4] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 } };
static unsigned preempt_one_in;
uint64_t fake_seed = 1;
_Thread_local bool fake_interrupts = true;

uint64_t fake_random(void)
{
    /* splitmix64 */
    uint64_t z = (fake_seed += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

struct cpu *this_cpu(void)
{
    struct cpu *cpu = &fake_cpus[fake_cpu];

    if (preempt_one_in)
        cpu->work = fake_random() % preempt_one_in ? 0 : WORK_TIMERS;
    return cpu;
}

void fake_preempt(unsigned one_in)
{
    preempt_one_in = one_in;
    fake_cpus[fake_cpu].work = 0;
}

struct cpu *cpu_of(unsigned id)
{
    return &fake_cpus[id];
}

/* Between two steps of a processor: where there are several, another one comes in, one time in
 * eight. */
void fake_step(void)
{
    static _Thread_local uint32_t draws = 1;

    if (!fake_threads)
        return;
    draws = draws * 1664525 + 1013904223 + fake_cpu;
    if (draws >> 29 == 0)
        sched_yield();
}

void cpu_relax(void)
{
    if (!fake_threads)
        panic("waits for a lock that nobody gives back");
    sched_yield();
}

void cpu_kick(unsigned cpu)
{
    (void)cpu;
}

/* --- Memory --- */

static void *area(uint64_t at, int fill)
{
    void *p = mmap((void *)at, AREA_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

    if (p != (void *)at) {
        perror("mmap of the made-up machine");
        abort();
    }
    if (fill)
        memset(p, fill, AREA_BYTES / 32);
    return p;
}

/* The frame table's memory stands ready where it will be: what is asked for need only be scrubbed.
 */
uint64_t boot_pages_alloc(uint64_t bytes, uint64_t align)
{
    (void)align;
    return AREA_BYTES - bytes;
}

bool hypervisor_map(uint64_t va, uint64_t maddr, uint64_t bytes, unsigned flags)
{
    (void)va;
    (void)maddr;
    (void)bytes;
    (void)flags;
    return true;
}

static uint64_t window_ptes[WINDOW_PTES], other_pte = 0x123000;

uint64_t *hypervisor_pte(uint64_t va)
{
    uint64_t n = (va - WINDOW_BASE) / PAGE_SIZE;

    return va >= WINDOW_BASE && n < WINDOW_PTES ? &window_ptes[n] : &other_pte;
}

void fake_machine_start(uint64_t nr_frames)
{
    struct ram_range ram = { 0, nr_frames << PAGE_SHIFT };

    ASSERT(ram.end <= AREA_BYTES / 2);
    area(DIRECT_MAP_BASE, 0);
    area(FRAME_TABLE_BASE, 0);
    area(M2P_WRITABLE_BASE, 0xff);
    frame_table_boot(&ram, 1);
    frame_table_mark_ram(&ram, 1);
    frame_alloc_boot(&ram, 1);
}

/* Of frames' words: see fake/memory/frame.h. */
void (*fake_at_swap)(void);

/* --- TLBs and roots --- */

unsigned fake_flushes;
uint64_t fake_last_flush_mask, fake_last_flush_va;
void (*fake_at_flush)(void);
mfn_t fake_root;
static uint64_t tlb_clock = 1;

static const uint64_t our_entries[HYPERVISOR_SLOTS] = {
    0x1001, 0x2003, 0, 0, 0x3003, 0x4003, 0x5003
};

const uint64_t *root_hypervisor_entries(void)
{
    return our_entries;
}

void root_load(mfn_t root)
{
    fake_root = root;
}

/* The local APIC is ours. */
bool machine_keeps_frame(mfn_t m, bool to_write)
{
    (void)to_write;
    return m.v == FAKE_OUR_DEVICE;
}

void caches_flush_all(void)
{
}

void tlb_flush_all(void)
{
    tlb_flush_cpus(1UL << fake_cpu, 0);
}

void tlb_flush_cpus(uint64_t mask, uint64_t va)
{
    fake_flushes++;
    tlb_clock++;
    fake_last_flush_mask = mask;
    fake_last_flush_va = va;
    if (fake_at_flush)
        fake_at_flush();
}

void (*fake_at_clock)(void);

uint64_t tlb_clock_now(void)
{
    uint64_t now = tlb_clock;
    void (*fn)(void) = fake_at_clock;

    fake_at_clock = NULL;
    if (fn)
        fn();
    return now;
}

void tlb_flush_since(uint64_t mask, uint64_t stamp)
{
    if (stamp >= tlb_clock)
        tlb_flush_cpus(mask, 0);
}

void tlb_invalidate_page(uint64_t va)
{
    tlb_flush_cpus(1UL << fake_cpu, va);
}

void gdt_load(uint64_t base)
{
    (void)base;
}

void ldt_load(uint64_t base, unsigned entries)
{
    (void)base;
    (void)entries;
}

uint64_t gdt_reserved_page_entry(unsigned cpu)
{
    return 0x7000 + cpu;
}

/* --- Guest memory --- */

static struct {
    uint64_t va;
    uint8_t *memory;
    size_t size;
} guest_maps[GUEST_MAPS];
static unsigned nr_guest_maps;

void fake_guest_map(uint64_t va, void *memory, size_t size)
{
    ASSERT(nr_guest_maps < GUEST_MAPS);
    guest_maps[nr_guest_maps].va = va;
    guest_maps[nr_guest_maps].memory = memory;
    guest_maps[nr_guest_maps++].size = size;
}

static uint8_t *guest_byte(uint64_t va)
{
    for (unsigned i = nr_guest_maps; i-- > 0;) {
        if (va - guest_maps[i].va < guest_maps[i].size)
            return guest_maps[i].memory + (va - guest_maps[i].va);
    }
    return NULL;
}

void (*fake_meanwhile)(void);
uint64_t fake_read_only;

static void meanwhile(void)
{
    void (*fn)(void) = fake_meanwhile;

    fake_meanwhile = NULL;
    if (fn) {
        fn();
        fake_meanwhile = fn;
    }
}

bool guest_copy_in(void *dst, uint64_t src, size_t size)
{
    meanwhile();
    for (size_t i = 0; i < size; i++) {
        const uint8_t *from = guest_byte(src + i);
        if (!from)
            return false;
        ((uint8_t *)dst)[i] = *from;
    }
    return true;
}

bool guest_copy_out(uint64_t dst, const void *src, size_t size)
{
    meanwhile();
    for (size_t i = 0; i < size; i++) {
        uint8_t *to = guest_byte(dst + i);
        if (!to || (fake_read_only && dst + i - fake_read_only < PAGE_SIZE))
            return false;
        *to = ((const uint8_t *)src)[i];
    }
    return true;
}

bool guest_clear(uint64_t dst, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t *to = guest_byte(dst + i);
        if (!to)
            return false;
        *to = 0;
    }
    return true;
}

/* --- Time --- */

uint64_t tsc_khz = 1000000;
uint32_t tsc_mul = 0x80000000;
int8_t tsc_shift = 1;
uint64_t fake_time_ns, fake_tsc, fake_wallclock = 1000000000;
uint64_t fake_timer_ns[4] = { ~0UL, ~0UL, ~0UL, ~0UL };

uint64_t tsc_now(void)
{
    return fake_tsc;
}

uint64_t time_now(void)
{
    return fake_time_ns;
}

uint64_t time_of_tsc(uint64_t tsc)
{
    return tsc;
}

uint64_t wallclock_boot_ns(void)
{
    return fake_wallclock * 1000000000UL;
}

void timer_program(uint64_t when_ns)
{
    fake_timer_ns[fake_cpu] = when_ns;
}

/* --- FPU, devices, words --- */

size_t fpu_state_size(void)
{
    return 512;
}

void fpu_state_init(void *state)
{
    memset(state, 0, 512);
}

void fpu_state_take(void *state, const void *fxsave)
{
    memcpy(state, fxsave, 512);
}

void fpu_state_give(const void *state, void *fxsave)
{
    memcpy(fxsave, state, 512);
}

uint64_t fpu_xcr0_allowed(void)
{
    return XCR0_X87_SSE;
}

char fake_log[1U << 16];
static size_t log_used;

void fake_log_clear(void)
{
    log_used = 0;
    fake_log[0] = 0;
}

void (*fake_at_uart)(void);

void uart_put(char c)
{
    void (*fn)(void) = fake_at_uart;

    fake_at_uart = NULL;
    if (fn) {
        fn();
        fake_at_uart = fn;
    }
    if (log_used == sizeof(fake_log) - 1)
        log_used = 0;
    fake_log[log_used++] = c;
    fake_log[log_used] = 0;
}

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "%s", fake_log);
    fputs("panic: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    abort();
}

void assert_failed(const char *condition, const char *file, int line)
{
    panic("%s:%d: %s", file, line, condition);
}

/* --- The parts of the hypervisor that drive hardware all the time --- */

uint32_t fake_kicked, fake_polls_ended, fake_woken;
bool fake_shut_down;

void vcpu_kick(struct vcpu *v)
{
    __atomic_or_fetch(&fake_kicked, 1U << v->id, __ATOMIC_SEQ_CST);
}

void vcpu_wake(struct vcpu *v)
{
    fake_woken |= 1U << v->id;
}

void vcpu_poll_end(struct vcpu *v)
{
    v->polling = false;
    __atomic_or_fetch(&fake_polls_ended, 1U << v->id, __ATOMIC_SEQ_CST);
}

void vcpu_place(struct vcpu *v)
{
    v->cpu = v->id % nr_cpus;
}

void domain_shutdown(struct domain *d, unsigned reason)
{
    d->shut_down = true;
    d->shutdown_reason = reason;
    fake_shut_down = true;
}

void report_vcpu(struct vcpu *v, const struct cpu_user_regs *regs)
{
    (void)v;
    (void)regs;
}

long debug_register_set(struct vcpu *v, unsigned n, uint64_t value)
{
    if (n >= 6 && value >> 32)
        return -XEN_EINVAL;
    v->dr[n] = value;
    return 0;
}

void deliver_exception(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                       uint32_t error_code)
{
    (void)v;
    regs->entry_vector = vector;
    regs->error_code = error_code;
}

void deliver_page_fault(struct vcpu *v, struct cpu_user_regs *regs, uint64_t va,
                        uint32_t error_code)
{
    deliver_exception(v, regs, VECTOR_PF, error_code);
    v->info->arch.cr2 = va;
}

/* --- Stopping --- */

void (*fake_at_pause)(struct vcpu *v);

void vcpu_pause(struct vcpu *v)
{
    if (fake_at_pause)
        fake_at_pause(v);
    v->pause_count++;
}

void vcpu_down(struct vcpu *v)
{
    v->state = VCPU_DOWN;
}

void vcpu_unpause(struct vcpu *v)
{
    ASSERT(v->pause_count);
    v->pause_count--;
}

void domain_forget_roots(struct domain *d)
{
    d->paging.dirty_cpus = 0;
}

static void (*at_rest[8])(void);
static unsigned nr_at_rest;

void stop_machine_soon(void (*fn)(void))
{
    ASSERT(nr_at_rest < ARRAY_SIZE(at_rest));
    at_rest[nr_at_rest++] = fn;
}

void fake_rest(void)
{
    for (unsigned i = 0; i < nr_at_rest; i++)
        at_rest[i]();
    nr_at_rest = 0;
}

/* --- A domain --- */

void fake_switch_to(struct vcpu *v)
{
    fake_cpus[fake_cpu].current = v;
}

struct domain *fake_domain(domid_t id, unsigned nr_vcpus, uint64_t nr_frames, bool privileged)
{
    struct domain *d = domain_create(id, nr_vcpus, nr_frames, privileged);

    ASSERT(d);
    fake_switch_to(d->vcpus[0]);
    return d;
}
