/*
 * RAMinate: fast-budget, how much of a memory is to be in the fastest tier
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "backends/raminate/fast-budget.h"
#include "backends/raminate/nodes.h"

static RaminateTier *fastest(const RaminateMemory *memory)
{
    return &memory->tiers[0];
}

static RaminateTier *slowest(const RaminateMemory *memory)
{
    return &memory->tiers[memory->nr_tiers - 1];
}

/* Returns: false with @errp set if no such budget can be. */
static bool check(const RaminateMemory *memory, uint64_t size, Error **errp)
{
    uint64_t most;

    if (!raminate_memory_has_nodes(memory)) {
        error_setg(errp, "%s '%s': its tiers are ranges, whose sizes are "
                   "fixed; fast-budget is for tiers that are NUMA nodes",
                   memory->type, memory->id);
        return false;
    }
    if (memory->nr_tiers < 2) {
        error_setg(errp, "%s '%s': it has one tier, which has all of the "
                   "memory; fast-budget needs two", memory->type, memory->id);
        return false;
    }
    most = fastest(memory)->budget + slowest(memory)->budget -
           RAMINATE_PAGE_SIZE;
    if (!size || size > most || !QEMU_IS_ALIGNED(size, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "%s '%s': fast-budget 0x%" PRIx64 " must be a "
                   "multiple of the page size, 0x%llx, and 0x%" PRIx64
                   " at most, as the slowest tier keeps a page",
                   memory->type, memory->id, size, RAMINATE_PAGE_SIZE, most);
        return false;
    }
    return true;
}

/* Returns: false with @errp set if the fastest node hasn't so much. */
static bool check_free(const RaminatePlacing *placing, uint64_t size,
                       Error **errp)
{
    ERRP_GUARD();
    const RaminateMemory *memory = placing->memory;
    int node = fastest(memory)->node;
    uint64_t has = (uint64_t)raminate_placer_tier_pages(placing->placer, 0)
                   << RAMINATE_PAGE_BITS;
    RaminateNode found;

    if (size <= has) {
        return true;
    }
    if (!raminate_node_find(node, &found, errp)) {
        error_prepend(errp, "%s '%s': ", memory->type, memory->id);
        return false;
    }
    if (size - has > found.free) {
        error_setg(errp, "%s '%s': fast-budget 0x%" PRIx64 " needs 0x%" PRIx64
                   " bytes more of node %d, which has 0x%" PRIx64 " free; make "
                   "it smaller", memory->type, memory->id, size, size - has,
                   node, found.free);
        return false;
    }
    return true;
}

/* Has claims on pools be of so much.  The one that grows may fail. */
static bool claim(Object *obj, const RaminateMemory *memory, uint64_t fast,
                  uint64_t slow, Error **errp)
{
    bool (*resize)(Object *, unsigned, uint64_t, Error **) =
        RAMINATE_PLACING_GET_CLASS(obj)->resize_claim;
    unsigned last = memory->nr_tiers - 1;

    if (fast > fastest(memory)->budget) {
        return resize(obj, 0, fast, errp) && resize(obj, last, slow, errp);
    }
    return resize(obj, last, slow, errp) && resize(obj, 0, fast, errp);
}

bool raminate_fast_budget_set(Object *obj, RaminatePlacing *placing,
                              uint64_t size, Error **errp)
{
    const RaminateMemory *memory = placing->memory;
    uint64_t rest;

    if (!placing->placer) {
        error_setg(errp, "%s '%s': fast-budget is for changes while the memory "
                   "is there; until then, size says what is to be on a "
                   "memory-backend-node, and budgets on the nodes of a "
                   "memory-placement", object_get_typename(obj),
                   object_get_canonical_path_component(obj));
        return false;
    }
    if (!check(memory, size, errp) || !check_free(placing, size, errp)) {
        return false;
    }
    rest = fastest(memory)->budget + slowest(memory)->budget - size;
    if (!claim(obj, memory, size, rest, errp)) {
        return false;
    }
    fastest(memory)->budget = size;
    slowest(memory)->budget = rest;
    raminate_placer_set_fast_pages(placing->placer,
                                   size >> RAMINATE_PAGE_BITS);
    return true;
}

uint64_t raminate_fast_budget_get(const RaminatePlacing *placing)
{
    return placing->placer ? fastest(placing->memory)->budget : 0;
}
