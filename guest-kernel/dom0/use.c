/* SPDX-License-Identifier: MIT */
/*
 * What dom0 itself has in use, for commands that check that nothing was left.
 */
#include "dom0/consoles.h"
#include "dom0/services.h"
#include "kernel/page_alloc.h"
#include "toolstack/port.h"

/* newlib 3.3's own header says size_t where the library has int. */
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo mallinfo(void);

void port_use(struct port_use *use)
{
    struct mallinfo info = mallinfo();

    *use = (struct port_use){
        .pages = arch_machine.nr_pages - page_alloc_free_count() - heap_pages(),
        .heap_bytes = (uint64_t)(unsigned)info.uordblks - consoles_bytes(),
        .ports = ports_count(),
        .mappings = granted_count(),
    };
    store_use(use);
}
