/* SPDX-License-Identifier: MIT */
#include "machine/boot_cpu.h"
#include "machine/machine.h"
#include "trace/log.h"

void smap_decide(void)
{
    if (machine_has_smap)
        log_line(LOG_INFO, "SMAP is there, and stays off");
    machine_has_smap = false;
}
