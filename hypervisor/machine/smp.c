/* SPDX-License-Identifier: MIT */
/* The other processors: starting them, and having work done on them. */
#include "machine/smp.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/apic.h"
#include "machine/boot_cpu.h"
#include "machine/descriptors.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "machine/registers.h"
#include "trace/log.h"

#define START_TIMEOUT_NS 2000000000UL

extern const uint8_t ap_start[], ap_start_end[];
extern uint8_t ap_start_stack[]; /* words in the copied code are found by their distance from it */
extern uint32_t ap_wanted;       /* APIC id of the one that may come up now, or AP_NOBODY */

unsigned nr_cpus = 1;
uint64_t cpus_online = 1;

/* One call at a time: whoever wants the next one waits with interrupts on, and serves this one. */
static struct {
    uint32_t busy;
    void (*fn)(void *arg);
    void *arg;
    uint64_t waiting; /* processors that have not run it */
} call;

static void run_call(void)
{
    uint64_t self = 1UL << this_cpu()->id;

    if (!(__atomic_load_n(&call.waiting, __ATOMIC_ACQUIRE) & self))
        return;
    call.fn(call.arg);
    __atomic_and_fetch(&call.waiting, ~self, __ATOMIC_RELEASE);
}

void smp_call_interrupt(void)
{
    run_call();
}

void cpus_call(uint64_t mask, void (*fn)(void *arg), void *arg)
{
    uint64_t self = 1UL << this_cpu()->id;
    uint64_t others = mask & cpus_online & ~self;

    if (others) {
        ASSERT(interrupts_are_on());
        while (__atomic_exchange_n(&call.busy, 1, __ATOMIC_ACQUIRE))
            cpu_relax();
        call.fn = fn;
        call.arg = arg;
        __atomic_store_n(&call.waiting, others, __ATOMIC_RELEASE);
        for (uint64_t m = others; m; m &= m - 1)
            apic_send(cpu_of((unsigned)__builtin_ctzl(m))->apic_id, APIC_VECTOR_CALL);
    }
    if (mask & self) {
        irq_state_t state = interrupts_save();
        fn(arg);
        interrupts_restore(state);
    }
    if (others) {
        while (__atomic_load_n(&call.waiting, __ATOMIC_ACQUIRE))
            cpu_relax();
        __atomic_store_n(&call.busy, 0, __ATOMIC_RELEASE);
    }
}

static void flush_caches(void *arg)
{
    (void)arg;
    __asm__ volatile("wbinvd" ::: "memory");
}

void caches_flush_all(void)
{
    cpus_call(cpus_online, flush_caches, NULL);
}

void cpu_kick(unsigned id)
{
    if (id != this_cpu()->id)
        apic_send(cpu_of(id)->apic_id, APIC_VECTOR_KICK);
}

/* First C code of a started processor, on its own stack, still with the boot tables' root. */
void secondary_entry(void)
{
    struct cpu *cpu = this_cpu();

    cpu_setup();
    __atomic_or_fetch(&cpus_online, 1UL << cpu->id, __ATOMIC_SEQ_CST);
    secondary_start();
}

enum start { STARTED, ABSENT, DIED };

static bool comes_online(unsigned id)
{
    for (uint64_t end = time_now() + START_TIMEOUT_NS; time_now() < end;) {
        if (READ_ONCE(cpus_online) >> id & 1)
            return true;
        cpu_relax();
    }
    return false;
}

static enum start start_one(unsigned id, uint64_t page)
{
    uint64_t *stack = maddr_to_virt(page + (uint64_t)(ap_start_stack - ap_start));
    uint32_t apic = cpu_of(id)->apic_id, wanted = apic;

    *stack = CPU_AREA_BASE + (uint64_t)id * CPU_AREA_SIZE + CPU_STRUCT;
    __atomic_store_n(&ap_wanted, wanted, __ATOMIC_SEQ_CST);
    apic_start_processor(apic, (unsigned)(page >> PAGE_SHIFT));
    if (comes_online(id))
        return STARTED;
    /* From now on it is not wanted any more, and the next one may have its id and its stack. */
    if (__atomic_compare_exchange_n(&ap_wanted, &wanted, AP_NOBODY, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        apic_reset_processor(apic);
        return ABSENT;
    }
    /* It came at the last moment, and is on its way here. */
    if (comes_online(id))
        return STARTED;
    apic_reset_processor(apic);
    __atomic_and_fetch(&cpus_online, ~(1UL << id), __ATOMIC_SEQ_CST);
    return DIED;
}

void smp_start(const struct acpi_topology *topology, uint64_t low_page)
{
    unsigned self = apic_id();

    if (topology->ignored_processors)
        log_line(LOG_WARNING, "%u processors are more than %u and stay off",
                 topology->ignored_processors, NR_CPUS);
    if (!low_page) {
        log_line(LOG_WARNING, "no free page below 1 MiB to start other processors from");
        return;
    }
    memcpy(maddr_to_virt(low_page), ap_start, (size_t)(ap_start_end - ap_start));
    unsigned made = 1; /* areas: one that nobody came for is there for the next */
    for (unsigned i = 0; i < topology->nr_processors; i++) {
        if (topology->apic_ids[i] == self)
            continue;
        if (made == nr_cpus)
            cpu_area_create(made++, topology->apic_ids[i]);
        cpu_of(nr_cpus)->apic_id = topology->apic_ids[i];
        enum start came = start_one(nr_cpus, low_page);
        if (came == STARTED) {
            nr_cpus++;
            continue;
        }
        log_line(LOG_ERROR, "processor with APIC id %u %s", topology->apic_ids[i],
                 came == ABSENT ? "does not start" : "died as it started: no more are tried");
        if (came == DIED)
            break; /* what it did to its area is not known */
    }
}
