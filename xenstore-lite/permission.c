/* SPDX-License-Identifier: MIT */
/* Permissions. */
#include "permission.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct perms *perms_alloc(uint32_t nr)
{
    struct perms *perms = malloc(sizeof(*perms) + nr * sizeof(struct perm));

    if (perms)
        *perms = (struct perms){ .references = 1, .nr = nr };
    return perms;
}

struct perms *perms_of_dom0(void)
{
    struct perms *perms = perms_alloc(1);

    if (perms)
        perms->entry[0] = (struct perm){ .domid = 0 };
    return perms;
}

struct perms *perms_get(struct perms *perms)
{
    perms->references++;
    return perms;
}

void perms_put(struct perms *perms)
{
    if (perms && --perms->references == 0)
        free(perms);
}

bool perm_is_live(const struct store *store, const struct perm *perm)
{
    return perm->incarnation == domain_incarnation(store, perm->domid);
}

struct perms *perms_inherit(const struct store *store, struct perms *parent,
                            const struct store_domain *maker)
{
    if (maker->privileged ||
        (parent->entry[0].domid == maker->id && perm_is_live(store, &parent->entry[0])))
        return perms_get(parent);
    struct perms *perms = perms_alloc(parent->nr);
    if (!perms)
        return NULL;
    memcpy(perms->entry, parent->entry, parent->nr * sizeof(struct perm));
    perms->entry[0].domid = maker->id;
    perms->entry[0].incarnation = domain_incarnation(store, maker->id);
    return perms;
}

static bool is_meant(const struct store *store, const struct perm *perm,
                     const struct store_domain *domain)
{
    if (perm->domid != domain->id && !(domain->target && perm->domid == domain->target->id))
        return false;
    return perm_is_live(store, perm);
}

unsigned perms_allow(const struct store *store, const struct perms *perms,
                     const struct store_domain *domain)
{
    if (domain->privileged || is_meant(store, &perms->entry[0], domain))
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    for (uint32_t i = 1; i < perms->nr; i++)
        if (is_meant(store, &perms->entry[i], domain))
            return perms->entry[i].bits;
    return perms->entry[0].bits;
}

struct store_domain *perms_owner(const struct store *store, const struct perms *perms)
{
    return perm_is_live(store, &perms->entry[0]) ? domain_find(store, perms->entry[0].domid) : NULL;
}

static const struct {
    char letter;
    uint16_t bits;
} letters[] = {
    { 'n', 0 }, { 'r', PERM_READ }, { 'w', PERM_WRITE }, { 'b', PERM_READ | PERM_WRITE }
};

static bool parse_one(const char *text, struct perm *perm)
{
    unsigned long domid = 0;
    size_t i, digits;

    for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].letter == text[0])
            break;
    if (i == sizeof(letters) / sizeof(letters[0]))
        return false;
    perm->bits = letters[i].bits;
    for (digits = 0; text[1 + digits] >= '0' && text[1 + digits] <= '9' && digits < 6; digits++)
        domid = domid * 10 + (unsigned long)(text[1 + digits] - '0');
    perm->domid = (domid_t)domid;
    return digits && !text[1 + digits] && domid < DOMID_FIRST_RESERVED;
}

/* Who dom0 names is known from then on, so that its death is noticed though it may never be
 * introduced. */
static bool meet(struct store *store, struct perm *perm, bool privileged)
{
    perm->incarnation = domain_incarnation(store, perm->domid);
    return !privileged || domain_get(store, perm->domid);
}

int perms_parse(struct store *store, const char *text, size_t size, bool privileged,
                struct perms **result)
{
    uint32_t nr = 0;

    if (!size || text[size - 1])
        return EINVAL;
    for (size_t i = 0; i < size; i++)
        nr += !text[i];
    struct perms *perms = perms_alloc(nr);
    if (!perms)
        return ENOMEM;
    for (uint32_t i = 0; i < nr; i++, text += strlen(text) + 1)
        if (!parse_one(text, &perms->entry[i])) {
            perms_put(perms);
            return EINVAL;
        }
    for (uint32_t i = 0; i < nr; i++)
        if (!meet(store, &perms->entry[i], privileged)) {
            perms_put(perms);
            return ENOMEM;
        }
    *result = perms;
    return 0;
}

static char letter_of(uint16_t bits)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].bits == bits)
            return letters[i].letter;
    return 'n';
}

size_t perms_format(const struct store *store, const struct perms *perms, char *text, size_t size)
{
    size_t used = 0;

    for (uint32_t i = 0; i < perms->nr; i++) {
        const struct perm *perm = &perms->entry[i];
        bool live = perm_is_live(store, perm);
        if (!live && i > 0)
            continue;
        int n = snprintf(text + used, size - used, "%c%u", letter_of(perm->bits),
                         live ? perm->domid : 0U);
        if (n < 0 || (size_t)n >= size - used)
            return 0;
        used += (size_t)n + 1;
    }
    return used;
}
