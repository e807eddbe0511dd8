/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_SHUTDOWN_H
#define DOMAIN_SHUTDOWN_H

#include "paging/page_type.h"

extern bool shutdown_audits;        /* command line: run the auditor when dom0 stops */
extern bool shutdown_never_reboots; /* command line: noreboot */

#endif
