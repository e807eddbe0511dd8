#include "toolstack/config.h"
bool config_name_ok(const char *name) { return name[0] != 0; }
bool config_cpus_read(const char *text, uint64_t *cpus) { (void)text; *cpus = 1; return true; }
