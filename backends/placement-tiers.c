/*
 * RAMinate: the tiers of memory-placement
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "backends/raminate/memory-placement-internal.h"
#include "backends/raminate/nodes.h"

/* Returns: how much of @left is for a node, and in @budgets the next one's. */
static uint64_t next_budget(sizeList **budgets, uint64_t left)
{
    uint64_t size = *budgets ? (*budgets)->value : left;

    *budgets = *budgets ? (*budgets)->next : NULL;
    return size;
}

static bool has_node(void *opaque, int node)
{
    MemoryPlacement *placement = opaque;

    for (unsigned i = 0; i < placement->memory.nr_tiers; i++) {
        if (placement->tiers[i].node == node) {
            return true;
        }
    }
    return false;
}

/* Returns: false with @errp set if it is not what it may be. */
static bool check_budget(MemoryPlacement *placement, const char *of,
                         uint64_t size, uint64_t left, bool is_last,
                         Error **errp)
{
    if (!size || !QEMU_IS_ALIGNED(size, RAMINATE_PAGE_SIZE) || size > left ||
        (size == left && !is_last)) {
        error_setg(errp, "memory-placement '%s': budget 0x%" PRIx64 " of %s "
                   "must be a multiple of the page size, 0x%llx, and less "
                   "than 0x%" PRIx64 ", what is left of memdev '%s'",
                   placement_id(placement), size, of, RAMINATE_PAGE_SIZE, left,
                   placement->memdev);
        return false;
    }
    return true;
}

/*
 * Makes the next tier, of @node.
 * @left: bytes of the memory that are for this node and those that follow
 * Returns: false with @errp set if the node can't have so much.
 */
static bool add_tier(MemoryPlacement *placement, uint16_t node, uint64_t size,
                     uint64_t left, Error **errp)
{
    RaminateMemory *memory = &placement->memory;
    RaminateTier *tier = &placement->tiers[memory->nr_tiers];
    char **tier_id = &placement->tier_ids[memory->nr_tiers];

    *tier = (RaminateTier) {
        .type = TYPE_MEMORY_PLACEMENT,
        .id = placement_id(placement),  /* for messages, until it is one */
        .fd = -1,
        .node = node,
        .offset = memory->backend->size - left,
        .size = size,
        .rank = memory->nr_tiers,
    };
    if (!raminate_node_fill_tier(tier, errp)) {
        return false;
    }
    g_free(*tier_id);
    *tier_id = g_strdup_printf("node%u", node);
    tier->id = *tier_id;
    memory->nr_tiers++;
    return true;
}

/* Makes the next tier, of a node that was named.  As add_tier() */
static bool add_node(MemoryPlacement *placement, uint16_t node, uint64_t size,
                     uint64_t left, bool is_last, Error **errp)
{
    g_autofree char *of = g_strdup_printf("node %u", node);

    if (has_node(placement, node)) {
        error_setg(errp, "memory-placement '%s': node %u is named twice; name "
                   "each once, the fastest first", placement_id(placement),
                   node);
        return false;
    }
    return check_budget(placement, of, size, left, is_last, errp) &&
           add_tier(placement, node, size, left, errp);
}

/* Makes the next tier, of a node of @pool.  As add_tier() */
static bool add_pool(MemoryPlacement *placement, const char *pool,
                     uint64_t size, uint64_t left, bool is_last, Error **errp)
{
    RaminateNodeClaim **claim = &placement->claims[placement->memory.nr_tiers];
    g_autofree char *of = g_strdup_printf("pool '%s'", pool);
    int node;

    if (!check_budget(placement, of, size, left, is_last, errp)) {
        return false;
    }
    node = raminate_node_take_of_pool(OBJECT(placement), pool, size, has_node,
                                      placement, claim, errp);
    return node >= 0 && add_tier(placement, node, size, left, errp);
}

bool placement_fill_tiers(MemoryPlacement *placement, Error **errp)
{
    RaminateMemory *memory = &placement->memory;
    const char *id = placement_id(placement);
    sizeList *budgets = placement->budgets;
    uint16List *node = placement->nodes;
    strList *pool = placement->pools;
    uint64_t left = memory->backend->size;

    memory->nr_tiers = 0;
    while (node || pool) {
        uint64_t size = next_budget(&budgets, left);

        if (memory->nr_tiers == RAMINATE_MAX_TIERS) {
            error_setg(errp, "memory-placement '%s': more than %d nodes; name "
                       "fewer", id, RAMINATE_MAX_TIERS);
            return false;
        }
        if (node ? !add_node(placement, node->value, size, left, !node->next,
                             errp)
                 : !add_pool(placement, pool->value, size, left, !pool->next,
                             errp)) {
            return false;
        }
        left -= size;
        node = node ? node->next : NULL;
        pool = pool ? pool->next : NULL;
    }
    if (budgets || left || memory->nr_tiers < 2) {
        error_setg(errp, "memory-placement '%s': two or more nodes are needed, "
                   "the fastest first, and a budget for each but the last, "
                   "which has the rest", id);
        return false;
    }
    return true;
}

void placement_end_claims(MemoryPlacement *placement)
{
    for (unsigned i = 0; i < RAMINATE_MAX_TIERS; i++) {
        g_clear_pointer(&placement->claims[i], raminate_node_claim_free);
    }
}

bool placement_resize_claim(Object *obj, unsigned rank, uint64_t size,
                            Error **errp)
{
    MemoryPlacement *placement = MEMORY_PLACEMENT(obj);

    if (!raminate_node_claim_resize(placement->claims[rank], obj, size,
                                    errp)) {
        return false;
    }
    if (rank == 0) {
        placement->budgets->value = size;
    }
    return true;
}
