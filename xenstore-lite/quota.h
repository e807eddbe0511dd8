/* SPDX-License-Identifier: MIT */
/* What one domain may have at most. */
#ifndef XENSTORE_LITE_QUOTA_H
#define XENSTORE_LITE_QUOTA_H

#include "store.h"

void quota_defaults(struct store_config *config);
/* May the domain have `wanted` of it? If not, says so in the log: the first time, then each time
 * that the count of refusals doubled. dom0 may. */
bool quota_allows(struct store *store, struct store_domain *domain, enum store_quota quota,
                  uint64_t wanted);
/* The refusal alone. */
void quota_refuse(struct store *store, struct store_domain *domain, enum store_quota quota,
                  uint64_t wanted);

#endif
