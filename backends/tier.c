/*
 * RAMinate: what all tiers of a memory-backend-container have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/tier.h"

static RaminateTierProps *props_of(Object *obj)
{
    return RAMINATE_TIER_GET_CLASS(obj)->props(obj);
}

bool raminate_tier_check_early(Object *obj, const char *name, Error **errp)
{
    if (RAMINATE_TIER_GET_CLASS(obj)->is_fixed(obj)) {
        error_setg(errp, "%s '%s': %s can't be changed; delete the object and "
                   "create it again", object_get_typename(obj),
                   raminate_tier_id(obj), name);
        return false;
    }
    return true;
}

/* Properties */

static char *tier_get_parent(Object *obj, Error **errp)
{
    return g_strdup(props_of(obj)->parent ?: "");
}

static void tier_set_parent(Object *obj, const char *value, Error **errp)
{
    RaminateTierProps *props = props_of(obj);

    if (raminate_tier_check_early(obj, "parent", errp)) {
        g_free(props->parent);
        props->parent = g_strdup(value);
    }
}

static void tier_get_offset(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    visit_type_size(v, name, &props_of(obj)->offset, errp);
}

static void tier_set_offset(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint64_t value;

    if (visit_type_size(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        props_of(obj)->offset = value;
    }
}

static void tier_get_rank(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    visit_type_uint8(v, name, &props_of(obj)->rank, errp);
}

static void tier_set_rank(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    RaminateTierProps *props = props_of(obj);
    uint8_t value;

    if (visit_type_uint8(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        props->rank = value;
        props->has_rank = true;
    }
}

/* A cost of the tier, a uint32_t at @offset */
typedef struct TierCost {
    const char *name;
    size_t offset;              /* in RaminateCosts */
    uint32_t min;
    const char *description;
} TierCost;

static const TierCost tier_costs[] = {
    { "read-cost", offsetof(RaminateCosts, read), 1,
      "What a read costs, relative to the costs of the other tiers "
      "(default: as in the next faster tier; 1 in the fastest)" },
    { "write-cost", offsetof(RaminateCosts, write), 1,
      "What a write costs, relative to the costs of the other tiers "
      "(default: 1 in the fastest tier, 5 in the next)" },
    { "idle-power", offsetof(RaminateCosts, idle), 0,
      "What the memory takes while idle, in milliwatts a GiB "
      "(default: 125 in the fastest tier, 0 in others)" },
};
QEMU_BUILD_BUG_ON(BIT(ARRAY_SIZE(tier_costs)) - 1 != RAMINATE_ALL_COSTS);

static uint32_t *tier_cost(Object *obj, const TierCost *cost)
{
    return (uint32_t *)((char *)&props_of(obj)->costs + cost->offset);
}

static void tier_get_cost(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    uint32_t value = *tier_cost(obj, opaque);

    visit_type_uint32(v, name, &value, errp);
}

static void tier_set_cost(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    const TierCost *cost = opaque;
    uint32_t value;

    if (visit_type_uint32(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        *tier_cost(obj, cost) = value;
        props_of(obj)->costs_given |= BIT(cost - tier_costs);
    }
}

bool raminate_tier_check_costs(Object *obj, Error **errp)
{
    for (unsigned i = 0; i < ARRAY_SIZE(tier_costs); i++) {
        const TierCost *cost = &tier_costs[i];
        uint32_t value = *tier_cost(obj, cost);

        if ((props_of(obj)->costs_given & BIT(i)) &&
            (value < cost->min || value > RAMINATE_MAX_COST)) {
            error_setg(errp, "%s '%s': %s must be %" PRIu32 " to %d, not %"
                       PRIu32, object_get_typename(obj), raminate_tier_id(obj),
                       cost->name, cost->min, RAMINATE_MAX_COST, value);
            return false;
        }
    }
    return true;
}

void raminate_tier_add_properties(ObjectClass *oc)
{
    object_class_property_add_str(oc, "parent", tier_get_parent,
                                  tier_set_parent);
    object_class_property_set_description(oc, "parent",
        "memory-backend-container that the memory is a tier of");
    object_class_property_add(oc, "offset", "size", tier_get_offset,
                              tier_set_offset, NULL, NULL);
    object_class_property_set_description(oc, "offset",
        "Where in the container the memory is at first (default: 0)");
    object_class_property_add(oc, "tier", "uint8", tier_get_rank,
                              tier_set_rank, NULL, NULL);
    object_class_property_set_description(oc, "tier",
        "Rank of the tier in the container, the fastest is the lowest "
        "(default: by offset)");
    for (unsigned i = 0; i < ARRAY_SIZE(tier_costs); i++) {
        const TierCost *cost = &tier_costs[i];

        object_class_property_add(oc, cost->name, "uint32", tier_get_cost,
                                  tier_set_cost, NULL, (void *)cost);
        object_class_property_set_description(oc, cost->name,
                                              cost->description);
    }
}

void raminate_tier_wait_deleted(void)
{
    /*
     * Memory that was mapped is kept by views of the address space.  RCU frees
     * what a virtio device has cached of its rings, by that the last view that
     * it kept, and that in turn by RCU.
     */
    drain_call_rcu();
    drain_call_rcu();
}

void raminate_tier_props_destroy(RaminateTierProps *props)
{
    g_free(props->parent);
}

/* Being part of a container */

/* Returns: the name of a property that only tiers have and is set, or NULL. */
static const char *given_for_parent(const RaminateTierProps *props)
{
    return props->offset ? "offset"
           : props->has_rank ? "tier"
           : props->costs_given ? tier_costs[ctz32(props->costs_given)].name
           : NULL;
}

bool raminate_tier_find_parent(Object *obj,
                               HostMemoryBackendContainer **container,
                               Error **errp)
{
    const RaminateTierProps *props = props_of(obj);
    const char *type = object_get_typename(obj);
    const char *id = raminate_tier_id(obj);
    Object *parent;

    *container = NULL;
    if (!props->parent) {
        const char *given = given_for_parent(props);

        if (given) {
            error_setg(errp, "%s '%s': %s is for a range in a container; set "
                       "parent as well", type, id, given);
            return false;
        }
        return true;
    }
    parent = object_resolve_path_component(object_get_objects_root(),
                                           props->parent);
    if (!parent) {
        error_setg(errp, "%s '%s': there is no parent '%s'; create the "
                   "memory-backend-container before its tiers", type, id,
                   props->parent);
        return false;
    }
    *container = (HostMemoryBackendContainer *)
        object_dynamic_cast(parent, TYPE_MEMORY_BACKEND_CONTAINER);
    if (!*container) {
        error_setg(errp, "%s '%s': parent '%s' is a %s; it must be a "
                   "memory-backend-container", type, id, props->parent,
                   object_get_typename(parent));
        return false;
    }
    return true;
}

const RaminatePool *raminate_tier_find_pool(Object *obj, const char *name,
                                            bool of_nodes,
                                            RaminatePools **pools,
                                            Error **errp)
{
    const char *type = object_get_typename(obj);
    const char *id = raminate_tier_id(obj);
    g_autoptr(GError) error = NULL;
    const RaminatePool *pool = NULL;

    *pools = raminate_pools_load(&error);
    if (*pools) {
        pool = raminate_pools_find(*pools, name, &error);
    }
    if (!pool) {
        error_setg(errp, "%s '%s': %s", type, id, error->message);
    } else if (raminate_pool_has_nodes(pool) != of_nodes) {
        error_setg(errp, "%s '%s': pool '%s' is made of %s; use %s", type, id,
                   name, of_nodes ? "ranges" : "NUMA nodes",
                   !object_dynamic_cast(obj, TYPE_RAMINATE_TIER)
                   ? "a pool of NUMA nodes"
                   : of_nodes ? "memory-backend-devmem"
                              : "memory-backend-node");
        pool = NULL;
    }
    return pool;
}

RaminateTier raminate_tier_of_props(Object *obj)
{
    const RaminateTierProps *props = props_of(obj);

    return (RaminateTier) {
        .id = raminate_tier_id(obj),
        .type = object_get_typename(obj),
        .fd = -1,
        .node = RAMINATE_NO_NODE,
        .offset = props->offset,
        .rank = props->rank,
        .costs = props->costs,
        .costs_given = props->costs_given,
    };
}

/*
 * A line of a node of which nothing is known costs so many times what it does on
 * the next faster node: about what CXL memory takes, beside a socket's own.
 */
#define NODE_COST 3

bool raminate_tiers_set_costs(RaminateMemory *memory, Error **errp)
{
    const RaminateTier *faster = NULL;

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        RaminateTier *tier = &memory->tiers[i];
        RaminateCosts usual =
            raminate_layout_default_costs(faster ? &faster->costs : NULL);

        if (faster && tier->node != RAMINATE_NO_NODE) {
            usual.read = faster->costs.read * NODE_COST;
            usual.write = faster->costs.write * NODE_COST;
        }
        if (!(tier->costs_given & RAMINATE_READ_COST)) {
            tier->costs.read = usual.read;
        }
        if (!(tier->costs_given & RAMINATE_WRITE_COST)) {
            tier->costs.write = usual.write;
        }
        if (!(tier->costs_given & RAMINATE_IDLE_POWER)) {
            tier->costs.idle = usual.idle;
        }
        if (faster && tier->costs.write < faster->costs.write) {
            error_setg(errp, "%s '%s': write-cost %u is less than %u, that of "
                       "the faster tier '%s'; raise it, or change the order by "
                       "tier", tier->type, tier->id, tier->costs.write,
                       faster->costs.write, faster->id);
            return false;
        }
        faster = tier;
    }
    return true;
}

static const TypeInfo tier_info = {
    .name = TYPE_RAMINATE_TIER,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(RaminateTierClass),
};

static void register_types(void)
{
    type_register_static(&tier_info);
}

type_init(register_types)
