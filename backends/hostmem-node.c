/*
 * RAMinate: memory-backend-node, a NUMA node of the host as a tier
 *
 * It has no memory of its own: it says how many of its container's pages are to
 * be on which node.  The container maps them, see container-nodes.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "qom/object_interfaces.h"
#include "backends/raminate/node-claims.h"
#include "backends/raminate/nodes.h"

#define TYPE_MEMORY_BACKEND_NODE "memory-backend-node"
OBJECT_DECLARE_SIMPLE_TYPE(MemoryBackendNode, MEMORY_BACKEND_NODE)

/* All of it under the big lock */
struct MemoryBackendNode {
    Object parent_obj;

    RaminateTierProps tier;
    uint64_t size;              /* bytes of guest RAM that are to be there */
    bool has_node;
    uint16_t node;
    char *pool;                 /* that the node is taken from, or NULL */
    RaminateNodeClaim *claim;   /* on the node, or NULL */
    bool is_complete;
    bool is_used;               /* by a container */
};

static const char *node_id(MemoryBackendNode *node)
{
    return raminate_tier_id(OBJECT(node));
}

/* Life */

static bool node_check(MemoryBackendNode *node, Error **errp)
{
    const char *id = node_id(node);

    if (!node->tier.parent) {
        error_setg(errp, "memory-backend-node '%s' is a tier of a "
                   "memory-backend-container; set parent", id);
    } else if (!node->has_node && !node->pool) {
        error_setg(errp, "memory-backend-node '%s': node is missing; give the "
                   "number of a NUMA node of the host, or a pool", id);
    } else if (node->has_node && node->pool) {
        error_setg(errp, "memory-backend-node '%s': pool '%s' says which node "
                   "it is; leave out node, or pool", id, node->pool);
    } else if (!node->size) {
        error_setg(errp, "memory-backend-node '%s': size must not be 0; give "
                   "as much as is to be on the node", id);
    } else if (!QEMU_IS_ALIGNED(node->size, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "memory-backend-node '%s': size 0x%" PRIx64 " is not "
                   "a multiple of the page size, 0x%llx", id, node->size,
                   RAMINATE_PAGE_SIZE);
    } else {
        return true;
    }
    return false;
}

static bool container_has_node(void *opaque, int node)
{
    return host_memory_container_has_node(opaque, node);
}

/* Returns: false with @errp set if no node of the pool can be had. */
static bool node_take(MemoryBackendNode *node,
                      HostMemoryBackendContainer *container, Error **errp)
{
    int taken;

    if (!node->pool) {
        return true;
    }
    taken = raminate_node_take_of_pool(OBJECT(node), node->pool, node->size,
                                       container_has_node, container,
                                       &node->claim, errp);
    if (taken < 0) {
        return false;
    }
    node->node = taken;
    return true;
}

static void node_complete(UserCreatable *uc, Error **errp)
{
    MemoryBackendNode *node = MEMORY_BACKEND_NODE(uc);
    HostMemoryBackendContainer *container;
    RaminateTier tier;

    if (!node_check(node, errp) ||
        !raminate_tier_check_costs(OBJECT(uc), errp) ||
        !raminate_tier_find_parent(OBJECT(uc), &container, errp) ||
        !node_take(node, container, errp)) {
        return;
    }
    tier = raminate_tier_of_props(OBJECT(uc));
    tier.size = node->size;
    tier.node = node->node;
    if (raminate_node_fill_tier(&tier, errp)) {
        node->is_complete = true;
        host_memory_container_add_tier(container, OBJECT(uc), &tier,
                                       node->tier.has_rank, errp);
    }
}

/* A container that was deleted lets go of its tiers when RCU is through. */
static bool node_can_be_deleted(UserCreatable *uc)
{
    if (MEMORY_BACKEND_NODE(uc)->is_used) {
        raminate_tier_wait_deleted();
    }
    return !MEMORY_BACKEND_NODE(uc)->is_used;
}

static void node_finalize(Object *obj)
{
    MemoryBackendNode *node = MEMORY_BACKEND_NODE(obj);

    raminate_node_claim_free(node->claim);
    g_free(node->pool);
    raminate_tier_props_destroy(&node->tier);
}

/* As a tier */

static RaminateTierProps *node_tier_props(Object *obj)
{
    return &MEMORY_BACKEND_NODE(obj)->tier;
}

static bool node_is_fixed(Object *obj)
{
    return MEMORY_BACKEND_NODE(obj)->is_complete;
}

static void node_set_used(Object *obj, bool used)
{
    MEMORY_BACKEND_NODE(obj)->is_used = used;
}

static bool node_resize_claim(Object *obj, uint64_t size, Error **errp)
{
    MemoryBackendNode *node = MEMORY_BACKEND_NODE(obj);

    if (!raminate_node_claim_resize(node->claim, obj, size, errp)) {
        return false;
    }
    node->size = size;
    return true;
}

/* Properties */

static void node_get_size(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    visit_type_size(v, name, &MEMORY_BACKEND_NODE(obj)->size, errp);
}

static void node_set_size(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    uint64_t value;

    if (visit_type_size(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        MEMORY_BACKEND_NODE(obj)->size = value;
    }
}

static void node_get_node(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    visit_type_uint16(v, name, &MEMORY_BACKEND_NODE(obj)->node, errp);
}

static void node_set_node(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    MemoryBackendNode *node = MEMORY_BACKEND_NODE(obj);
    uint16_t value;

    if (visit_type_uint16(v, name, &value, errp) &&
        raminate_tier_check_early(obj, name, errp)) {
        node->node = value;
        node->has_node = true;
    }
}

static char *node_get_pool(Object *obj, Error **errp)
{
    return g_strdup(MEMORY_BACKEND_NODE(obj)->pool ?: "");
}

static void node_set_pool(Object *obj, const char *value, Error **errp)
{
    MemoryBackendNode *node = MEMORY_BACKEND_NODE(obj);

    if (raminate_tier_check_early(obj, "pool", errp)) {
        g_free(node->pool);
        node->pool = g_strdup(value);
    }
}

static void node_class_init(ObjectClass *oc, void *data)
{
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);
    RaminateTierClass *tc = RAMINATE_TIER_CLASS(oc);

    ucc->complete = node_complete;
    ucc->can_be_deleted = node_can_be_deleted;
    tc->props = node_tier_props;
    tc->is_fixed = node_is_fixed;
    tc->set_used = node_set_used;
    tc->resize_claim = node_resize_claim;

    object_class_property_add(oc, "size", "size", node_get_size, node_set_size,
                              NULL, NULL);
    object_class_property_set_description(oc, "size",
        "How much of the container's memory is to be on the node");
    object_class_property_add(oc, "node", "uint16", node_get_node,
                              node_set_node, NULL, NULL);
    object_class_property_set_description(oc, "node",
        "NUMA node of the host");
    object_class_property_add_str(oc, "pool", node_get_pool, node_set_pool);
    object_class_property_set_description(oc, "pool",
        "Pool that the node is taken from, in place of node");
    raminate_tier_add_properties(oc);
    /* Not as for ranges, of which the host knows nothing */
    object_class_property_set_description(oc, "read-cost",
        "What a read costs, relative to the costs of the other tiers "
        "(default: the node's latency, if the host knows it)");
    object_class_property_set_description(oc, "write-cost",
        "What a write costs, relative to the costs of the other tiers "
        "(default: the node's latency, if the host knows it)");
}

static const TypeInfo node_info = {
    .name = TYPE_MEMORY_BACKEND_NODE,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(MemoryBackendNode),
    .instance_finalize = node_finalize,
    .class_init = node_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_USER_CREATABLE },
        { TYPE_RAMINATE_TIER },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&node_info);
}

type_init(register_types)
