/*
 * RAMinate: what all tiers of a memory-backend-container have in common
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TIER_H
#define RAMINATE_TIER_H

#include "qom/object.h"
#include "backends/raminate/hostmem-container.h"
#include "backends/raminate/pools.h"

#define TYPE_RAMINATE_TIER "raminate-tier"
typedef struct RaminateTierClass RaminateTierClass;
DECLARE_CLASS_CHECKERS(RaminateTierClass, RAMINATE_TIER, TYPE_RAMINATE_TIER)

/* The properties of the interface */
typedef struct RaminateTierProps {
    char *parent;               /* id of the container, or NULL */
    uint64_t offset;            /* in the container, in bytes */
    bool has_rank;
    uint8_t rank;
    RaminateCosts costs;
    unsigned costs_given;       /* RAMINATE_READ_COST and so on */
} RaminateTierProps;

struct RaminateTierClass {
    InterfaceClass parent;

    /* Returns: the object's properties, which are part of it. */
    RaminateTierProps *(*props)(Object *obj);

    /* Returns: whether it is too late to change any of them. */
    bool (*is_fixed)(Object *obj);

    /* Says whether a container uses it, so that it can't be deleted. */
    void (*set_used)(Object *obj, bool used);

    /*
     * Has its size, and its claim on a pool if there is one, be of @size bytes;
     * NULL if it can't change.
     * Returns: false with @errp set if the pool's node hasn't so much left;
     * never if it becomes less.
     */
    bool (*resize_claim)(Object *obj, uint64_t size, Error **errp);
};

/* Returns: id of @obj; NULL while it is in the making. */
static inline const char *raminate_tier_id(Object *obj)
{
    return object_get_canonical_path_component(obj);
}

/*
 * Returns: false with @errp set if it is too late to change the property
 * @name of @obj, a tier.
 */
bool raminate_tier_check_early(Object *obj, const char *name, Error **errp);

/*
 * Finds the container that @obj, a tier, is to be a part of.
 * @container: returns it; NULL if no parent is set
 * Returns: false with @errp set if there is none of that name, or a property
 * is set that only tiers of a container have.
 */
bool raminate_tier_find_parent(Object *obj,
                               HostMemoryBackendContainer **container,
                               Error **errp);

/*
 * Reads the file of pools, and finds the one that @obj, a tier, is to be of.
 * @of_nodes: whether that pool is to have nodes, not ranges
 * @pools: returned for the caller to free; what is returned is one of them
 * Returns: NULL with @errp set if there is no such pool.
 */
const RaminatePool *raminate_tier_find_pool(Object *obj, const char *name,
                                            bool of_nodes,
                                            RaminatePools **pools,
                                            Error **errp);

/* Returns: false with @errp set if a cost that was given is out of range. */
bool raminate_tier_check_costs(Object *obj, Error **errp);

/* Adds the properties to the class of a type that has the interface. */
void raminate_tier_add_properties(ObjectClass *oc);

/*
 * Waits until objects that were deleted are gone, and have let go of what they
 * had.  Under the big lock, which is given back meanwhile.
 */
void raminate_tier_wait_deleted(void);

/* Frees what @props point to. */
void raminate_tier_props_destroy(RaminateTierProps *props);

/*
 * Returns: a tier with all that @obj's properties say.  Its id is borrowed from
 * the object; the rest is for the caller to fill in.
 */
RaminateTier raminate_tier_of_props(Object *obj);

/*
 * Gives tiers, which are in order of rank, the costs that nobody gave.
 * Returns: false with @errp set if those that were given can't be.
 */
bool raminate_tiers_set_costs(RaminateMemory *memory, Error **errp);

#endif
