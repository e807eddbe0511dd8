/* SPDX-License-Identifier: MIT */
/*
 * What happens at boot, in order. Begins on a small stack in the image, with the first 4 GiB mapped by
 * the tables of head.S; ends in dom0.
 */
#include "boot/cmdline.h"
#include "boot/multiboot.h"
#include "boot/ram.h"
#include "domain/build.h"
#include "domain/shutdown.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/acpi.h"
#include "machine/apic.h"
#include "machine/boot_cpu.h"
#include "machine/clock.h"
#include "machine/descriptors.h"
#include "machine/host_map.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "machine/registers.h"
#include "machine/smp.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "sched/schedule.h"
#include "trace/log.h"

#define LOW_END       (1UL << 20)
#define BOOT_MAPPED   (4UL << 30)
#define RANGES_MAX    96U
#define MEMORY_MIN    (48UL << 20) /* below it nothing useful can be built */
#define KEPT_MIN      (8UL << 20)  /* of free memory, for ourselves */

uint64_t hypervisor_root;

static struct boot_info info;
static struct boot_options options;
static struct acpi_topology topology;
static struct ram_range ram[RANGES_MAX], unused[RANGES_MAX];
static unsigned nr_ram, nr_unused;
static uint64_t low_page;
static bool frames_ready;

extern const uint8_t image_start[], text_end[], rodata_end[], image_end[];

uint64_t machine_page_alloc(void)
{
    void *page;

    if (!frames_ready)
        return boot_pages_alloc(PAGE_SIZE, PAGE_SIZE);
    page = heap_alloc(PAGE_SIZE);
    return page ? virt_to_mfn(page).v << PAGE_SHIFT : 0;
}

static const void *map_boot(uint64_t maddr, uint64_t size)
{
    return maddr + size > BOOT_MAPPED || maddr + size < maddr ? NULL : maddr_to_virt(maddr);
}

static void complain(const char *word, const char *what)
{
    log_line(LOG_WARNING, "command line: \"%s\" is ignored: %s", word, what);
}

static void read_boot_info(uint32_t magic, uint64_t at)
{
    const char *wrong = boot_info_read(magic, at, map_boot, &info);

    cmdline_parse(info.words, &options, complain);
    uart_boot(options.com1_baud);
    if (!options.console_com1)
        uart_off();
    machine_debug_exit_port = options.debug_exit;
    if (wrong)
        panic("boot information: %s. Start with GRUB (multiboot2) or QEMU's -kernel", wrong);
    log_level = (enum log_level)options.loglvl;
    log_guest_level = (enum log_level)options.guest_loglvl;
    shutdown_audits = options.audit;
    shutdown_never_reboots = options.noreboot;
    string_copy(boot_words, info.words, sizeof(boot_words));
    if (info.ignored_modules)
        log_line(LOG_WARNING, "%u modules more than %u are ignored", info.ignored_modules,
                 BOOT_MODULES_MAX);
    if (info.ignored_regions)
        log_line(LOG_WARNING, "%u regions of memory more than %u: the smallest RAM is left unused",
                 info.ignored_regions, BOOT_REGIONS_MAX);
    if (!info.nr_modules)
        panic("no dom0 kernel: give one as the first module (QEMU: -initrd \"KERNEL ARGS\", GRUB: "
              "module2 KERNEL ARGS)");
}

/* --- Memory ------------------------------------------------------------------------------------- */

static void cut_unused(uint64_t start, uint64_t end)
{
    if (!ranges_cut(unused, &nr_unused, RANGES_MAX, ROUND_DOWN(start, PAGE_SIZE), ROUND_UP(end, PAGE_SIZE)))
        panic("the memory map has too many pieces");
}

static void find_ram(void)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < info.nr_regions; i++)
        host_map_add(info.regions[i].start, info.regions[i].size, info.regions[i].type);
    if (!ram_find(info.regions, info.nr_regions, DIRECT_MAP_SIZE, ram, &nr_ram, RANGES_MAX / 2))
        panic("the memory map has too many pieces");
    for (unsigned i = 0; i < nr_ram; i++) {
        total += ram[i].end - ram[i].start;
        if (!low_page && ram[i].start <= 0x8000 && ram[i].end >= 0x9000)
            low_page = 0x8000;
    }
    if (total < MEMORY_MIN)
        panic("this machine has %lu MiB of memory: give it at least %lu", total >> 20,
              MEMORY_MIN >> 20);
    memcpy(unused, ram, sizeof(ram));
    nr_unused = nr_ram;
    cut_unused(0, LOW_END); /* firmware's, and where processors start */
    cut_unused((uint64_t)image_start - IMAGE_OFFSET, (uint64_t)image_end - IMAGE_OFFSET);
    for (unsigned i = 0; i < info.nr_modules; i++)
        cut_unused(info.modules[i].start, info.modules[i].end);
    boot_pages_start(unused, &nr_unused, RANGES_MAX);
}

static void map_or_panic(uint64_t va, uint64_t maddr, uint64_t bytes, unsigned flags)
{
    if (!hypervisor_map(va, maddr, bytes, flags))
        panic("not enough memory for page tables: give the machine more");
}

/* RAM, with our image's frames as restricted in the direct map as they are at home. */
static void map_direct(void)
{
    uint64_t image = (uint64_t)image_start - IMAGE_OFFSET;
    uint64_t image_ro_end = (uint64_t)rodata_end - IMAGE_OFFSET;

    for (unsigned i = 0; i < nr_ram; i++) {
        uint64_t start = ram[i].start, end = ram[i].end;
        if (start <= image && image_ro_end <= end) {
            map_or_panic(DIRECT_MAP_BASE + start, start, image - start, MAP_WRITE);
            map_or_panic(DIRECT_MAP_BASE + image, image, image_ro_end - image, 0);
            start = image_ro_end;
        }
        map_or_panic(DIRECT_MAP_BASE + start, start, end - start, MAP_WRITE);
    }
}

static void map_image(void)
{
    uint64_t text = (uint64_t)image_start, rodata = (uint64_t)text_end, data = (uint64_t)rodata_end;

    map_or_panic(text, text - IMAGE_OFFSET, rodata - text, MAP_EXEC);
    map_or_panic(rodata, rodata - IMAGE_OFFSET, data - rodata, 0);
    map_or_panic(data, data - IMAGE_OFFSET, (uint64_t)image_end - data, MAP_WRITE);
}

/* On the first processor's own stack and our own tables. */
static void start_on_own_stack(void) __attribute__((noreturn));

static void build_own_space(void)
{
    hypervisor_tables_create();
    hypervisor_root = root_of_hypervisor().v << PAGE_SHIFT;
    map_direct();
    map_image();
    cr3_write(hypervisor_root); /* the stack that we are on is part of the image */
    frame_table_boot(ram, nr_ram);
    m2p_boot();
    apic_map(&topology);
    cpu_area_create(0, 0);
    continue_on_stack(CPU_AREA_BASE + CPU_STRUCT, start_on_own_stack);
}

/* --- dom0 --------------------------------------------------------------------------------------- */

static uint64_t dom0_pages(void)
{
    uint64_t free = frames_free(), kept = MAX(free / 16, KEPT_MIN >> PAGE_SHIFT);

    if (free <= kept)
        panic("%lu KiB of memory are free: too little for dom0; give the machine more", free * 4);
    if (!options.dom0_mem)
        return free - kept;
    if (options.dom0_mem >> PAGE_SHIFT > free - kept)
        panic("dom0_mem asks for %lu MiB, but only %lu are free: lower it, or give the machine more",
              options.dom0_mem >> 20, (free - kept) >> (20 - PAGE_SHIFT));
    return options.dom0_mem >> PAGE_SHIFT;
}

static struct build_module module(unsigned n)
{
    if (n >= info.nr_modules)
        return (struct build_module){ 0 };
    return (struct build_module){ maddr_to_virt(info.modules[n].start),
                                  info.modules[n].end - info.modules[n].start,
                                  info.modules[n].words };
}

static void start_dom0(void)
{
    struct build_module kernel = module(0), initrd = module(1);
    unsigned vcpus = options.dom0_max_vcpus ? options.dom0_max_vcpus : MIN(nr_cpus, MAX_VCPUS);

    dom0 = domain_create(0, vcpus, ~0UL, true);
    if (!dom0)
        panic("not enough memory for dom0");
    /* Its vCPUs wait in their queues until this processor is done with building. */
    uint64_t pages = dom0_pages();
    const char *wrong = build_dom0(dom0, pages, &kernel, &initrd);
    if (wrong)
        panic("dom0 kernel: %s", wrong);
    dom0->memory.max_pages = MAX(dom0->memory.nr_pages, pages);
    log_line(LOG_INFO, "dom0 has %lu MiB and %u vcpus", pages >> (20 - PAGE_SHIFT), vcpus);
}

static void give_modules_back(void)
{
    for (unsigned i = 0; i < info.nr_modules; i++) {
        uint64_t start = ROUND_DOWN(info.modules[i].start, PAGE_SIZE);
        uint64_t end = ROUND_UP(info.modules[i].end, PAGE_SIZE);
        for (uint64_t at = start; at < end; at += PAGE_SIZE) {
            if (mfn_is_ram(mfn_of_maddr(at)) && at >= LOW_END)
                frame_free(mfn_of_maddr(at), 0);
        }
    }
}

/* --- In order ----------------------------------------------------------------------------------- */

static void start_on_own_stack(void)
{
    cpu_setup();
    frame_table_mark_ram(ram, nr_ram);
    frame_alloc_boot(unused, nr_unused);
    frames_ready = true;
    this_cpu()->apic_id = apic_id();
    clock_boot();
    log_line(LOG_INFO, "%lu MiB of memory, %lu MiB free; TSC %lu.%03lu MHz",
             frames_total() >> (20 - PAGE_SHIFT), frames_free() >> (20 - PAGE_SHIFT), tsc_khz / 1000,
             tsc_khz % 1000);
    smap_decide();
    schedule_boot();
    interrupts_on();
    smp_start(&topology, low_page);
    apic_uart_route(&topology);
    log_line(LOG_INFO, "%u processors run", nr_cpus);
    wallclock_boot();
    start_dom0();
    give_modules_back();
    log_in_background();
    interrupts_off();
    cpu_request_work(this_cpu(), WORK_SCHEDULE);
    idle_loop();
}

void hypervisor_start(uint32_t magic, uint32_t boot_info);
void hypervisor_start(uint32_t magic, uint32_t boot_info)
{
    idt_boot();
    uart_boot(0);
    read_boot_info(magic, boot_info);
    log_line(LOG_INFO, "Tenon, a hypervisor for paravirtualized guests (Xen 4.17's PV ABI)");
    cpu_check_features(options.global_pages);
    acpi_read(info.rsdp, &topology);
    find_ram();
    build_own_space();
}

void secondary_start(void)
{
    cpu_request_work(this_cpu(), WORK_SCHEDULE);
    idle_loop();
}
