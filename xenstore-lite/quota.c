/* SPDX-License-Identifier: MIT */
/* Quotas: their names and defaults. */
#include "quota.h"

static const struct {
    const char *name;
    uint32_t usual;
} quotas[STORE_NR_QUOTAS] = {
    [STORE_QUOTA_NODES] = { "nodes", 1000 },
    [STORE_QUOTA_NODE_SIZE] = { "node-size", 2048 },
    [STORE_QUOTA_PERMISSIONS] = { "permissions", 5 },
    [STORE_QUOTA_WATCHES] = { "watches", 128 },
    [STORE_QUOTA_TRANSACTIONS] = { "transactions", 10 },
    [STORE_QUOTA_TRANSACTION_NODES] = { "transaction-nodes", 1024 },
    [STORE_QUOTA_TRANSACTION_BYTES] = { "transaction-bytes", 1U << 20 },
    [STORE_QUOTA_PATH_LENGTH] = { "path-length", XENSTORE_REL_PATH_MAX },
    [STORE_QUOTA_EVENT_BYTES] = { "event-bytes", 64U << 10 },
    [STORE_QUOTA_EVENT_BYTES_DOM0] = { "event-bytes-dom0", 4U << 20 },
    [STORE_QUOTA_OUTSTANDING] = { "outstanding", 1 },
};

const char *store_quota_name(enum store_quota quota)
{
    return quotas[quota].name;
}

void quota_defaults(struct store_config *config)
{
    for (unsigned i = 0; i < STORE_NR_QUOTAS; i++)
        if (!config->quota[i])
            config->quota[i] = quotas[i].usual;
    config->quota[STORE_QUOTA_OUTSTANDING] = quotas[STORE_QUOTA_OUTSTANDING].usual;
}

void quota_refuse(struct store *store, struct store_domain *domain, enum store_quota quota,
                  uint64_t wanted)
{
    uint32_t times = ++domain->refusals[quota];

    if ((times & (times - 1)) == 0)
        store_log(store, "d%u: quota %s: %llu wanted, %u allowed (refused %u times)", domain->id,
                  quotas[quota].name, (unsigned long long)wanted, store->config.quota[quota],
                  times);
}

bool quota_allows(struct store *store, struct store_domain *domain, enum store_quota quota,
                  uint64_t wanted)
{
    if (domain->privileged || wanted <= store->config.quota[quota])
        return true;
    quota_refuse(store, domain, quota, wanted);
    return false;
}
