/*
 * RAMinate: the claims of memory-backend-node on nodes of a pool
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "backends/raminate/node-claims.h"
#include "backends/raminate/nodes.h"
#include "backends/raminate/sys-lock.h"

struct RaminateNodeClaim {
    int fd;
    int node;
    uint64_t size;              /* of all ranges */
    GArray *ranges;             /* RaminateRange: those that are locked */
};

/* A tier that looks for a node. */
typedef struct Search {
    Object *obj;
    const RaminatePool *pool;
    uint64_t size;
    bool (*has_node)(void *opaque, int node);
    void *opaque;
    GString *found;             /* what each node has, for an error */
    Error *unusable;            /* of the first node that can't be used */
    unsigned nr_usable;
    bool needs_free;            /* as much as is to be claimed */
    RaminateNodeClaim *claim;
} Search;

/* If not, it places memory that is there already. */
static bool is_tier(Object *obj)
{
    return object_dynamic_cast(obj, TYPE_RAMINATE_TIER);
}

/* Claims */

/*
 * Finds the first range from @start to @end that no other has locked.
 * Returns: its size, or 0 if there is none; @start is where it begins.
 */
static uint64_t find_gap(int fd, uint64_t *start, uint64_t end)
{
    uint64_t stop = end;
    RaminateRange locked;

    /* Of several locks, any may be found, so look again before each. */
    while (*start < stop &&
           raminate_find_lock(fd, *start, stop - *start, &locked)) {
        if (locked.start > *start) {
            stop = locked.start;
        } else {
            *start = locked.start + locked.size;
            stop = end;
        }
    }
    return *start < stop ? stop - *start : 0;
}

/* Returns: how much of a node of @total bytes no other has claimed. */
static uint64_t unclaimed(int fd, uint64_t total)
{
    uint64_t left = 0;
    uint64_t start = 0;
    uint64_t gap;

    while ((gap = find_gap(fd, &start, total))) {
        left += gap;
        start += gap;
    }
    return left;
}

static RaminateNodeClaim *claim_new(int fd, int node)
{
    RaminateNodeClaim *claim = g_new0(RaminateNodeClaim, 1);

    claim->fd = fd;
    claim->node = node;
    claim->ranges = g_array_new(false, false, sizeof(RaminateRange));
    return claim;
}

void raminate_node_claim_free(RaminateNodeClaim *claim)
{
    if (claim) {
        raminate_sys_lock_close(claim->fd);
        g_array_free(claim->ranges, true);
        g_free(claim);
    }
}

/* Gives back what is more than @size. */
static void claim_less(RaminateNodeClaim *claim, uint64_t size)
{
    while (claim->size > size) {
        guint last = claim->ranges->len - 1;
        RaminateRange *range = &g_array_index(claim->ranges, RaminateRange,
                                              last);
        uint64_t less = MIN(claim->size - size, range->size);

        range->size -= less;
        claim->size -= less;
        qemu_unlock_fd(claim->fd, range->start + range->size, less);
        if (!range->size) {
            g_array_set_size(claim->ranges, last);
        }
    }
}

/*
 * Claims as much more of a node of @total bytes as makes @size, in pieces where
 * need be.
 * @others: another open file of the node, which sees what is claimed already
 * Returns: 0, -ENOSPC if others were quicker, or another -errno; then it is as
 * it was.
 */
static int claim_more(RaminateNodeClaim *claim, int others, uint64_t size,
                      uint64_t total)
{
    uint64_t before = claim->size;
    RaminateRange range = { 0 };
    int ret = 0;

    while (claim->size < size &&
           (range.size = find_gap(others, &range.start, total))) {
        range.size = MIN(range.size, size - claim->size);
        ret = raminate_sys_lock(claim->fd, range.start, range.size);
        if (ret == 0) {
            g_array_append_val(claim->ranges, range);
            claim->size += range.size;
            range.start += range.size;
        } else if (ret != -EAGAIN) {
            break;
        }
    }
    ret = ret < 0 && ret != -EAGAIN ? ret
          : claim->size < size ? -ENOSPC : 0;
    if (ret < 0) {
        claim_less(claim, before);
    }
    return ret;
}

/* Nodes */

static void warn_of_claims(const Search *search, int node, int error)
{
    warn_report("%s '%s': can't lock " RAMINATE_NODE_FILE " (%s): make sure "
                "that VMs don't take more of the node than it has",
                object_get_typename(search->obj),
                raminate_tier_id(search->obj), node, strerror(error));
}

/* Returns: whether so much of the node can be had; then it is claimed. */
static bool take_node(Search *search, int node, const RaminateNode *found)
{
    g_autofree char *path = g_strdup_printf(RAMINATE_NODE_FILE, node);
    int fd = raminate_sys_lock_open(path);
    RaminateNodeClaim *claim = fd < 0 ? NULL : claim_new(fd, node);
    uint64_t free = search->needs_free ? found->free : found->size;
    uint64_t left = fd < 0 ? free : MIN(free, unclaimed(fd, found->size));
    int ret = left < search->size ? -ENOSPC
              : fd < 0 ? fd
              : claim_more(claim, fd, search->size, found->size);

    if (ret == 0) {
        search->claim = claim;
        return true;
    }
    raminate_node_claim_free(claim);
    if (ret != -ENOSPC) {
        warn_of_claims(search, node, -ret);
        return true;
    }
    g_string_append_printf(search->found, "%snode %d has 0x%" PRIx64,
                           search->found->len ? ", " : "", node, left);
    return false;
}

/* Returns: whether the node is one that can be had; then it is claimed. */
static bool try_node(Search *search, int node)
{
    const char *sep = search->found->len ? ", " : "";
    Error *error = NULL;
    RaminateNode found;

    if (!raminate_node_find(node, &found, &error)) {
        g_string_append_printf(search->found, "%snode %d can't be used", sep,
                               node);
        if (search->unusable) {
            error_free(error);
        } else {
            search->unusable = error;
        }
        return false;
    }
    search->nr_usable++;
    if (search->has_node(search->opaque, node)) {
        g_string_append_printf(search->found, "%snode %d is a tier already",
                               sep, node);
        return false;
    }
    return take_node(search, node, &found);
}

/* Returns: the node that was taken, or -1. */
static int try_all(Search *search)
{
    const GArray *nodes = search->pool->nodes;

    g_string_truncate(search->found, 0);
    g_clear_pointer(&search->unusable, error_free);
    search->nr_usable = 0;
    for (guint i = 0; i < nodes->len; i++) {
        int node = g_array_index(nodes, unsigned, i);

        if (try_node(search, node)) {
            return node;
        }
    }
    return -1;
}

static void report(Search *search, int node, Error **errp)
{
    const char *type = object_get_typename(search->obj);
    const char *id = raminate_tier_id(search->obj);
    const char *pool = search->pool->name;

    if (node >= 0) {
        if (search->unusable) {
            warn_report("%s '%s': pool '%s' has a node that is passed over: "
                        "%s", type, id, pool,
                        error_get_pretty(search->unusable));
        }
    } else if (!search->nr_usable) {
        error_setg(errp, "%s '%s': pool '%s' has no node that can be used: %s",
                   type, id, pool, error_get_pretty(search->unusable));
    } else {
        error_setg(errp, "%s '%s': no node of pool '%s' has 0x%" PRIx64
                   " bytes left: %s; make %s smaller, or see by raminate-pool "
                   "list who uses them", type, id, pool, search->size,
                   search->found->str,
                   is_tier(search->obj) ? "size" : "the budget");
    }
}

int raminate_node_take_of_pool(Object *obj, const char *name, uint64_t size,
                               bool (*has_node)(void *opaque, int node),
                               void *opaque, RaminateNodeClaim **claim,
                               Error **errp)
{
    g_autoptr(RaminatePools) pools = NULL;
    g_autoptr(GString) found = g_string_new("");
    Search search = {
        .obj = obj,
        .pool = raminate_tier_find_pool(obj, name, true, &pools, errp),
        .size = size,
        .has_node = has_node,
        .opaque = opaque,
        .found = found,
        .needs_free = true,
    };
    int node;

    if (!search.pool) {
        return -1;
    }
    node = try_all(&search);
    if (node < 0) {
        /* By objects of ours that were deleted but are not gone yet? */
        raminate_tier_wait_deleted();
        node = try_all(&search);
    }
    if (node < 0 && !is_tier(obj)) {
        /* Of what is in use, much may be the memory itself. */
        search.needs_free = false;
        node = try_all(&search);
    }
    report(&search, node, errp);
    g_clear_pointer(&search.unusable, error_free);
    *claim = search.claim;
    return node;
}

bool raminate_node_claim_resize(RaminateNodeClaim *claim, Object *obj,
                                uint64_t size, Error **errp)
{
    ERRP_GUARD();
    g_autofree char *path = NULL;
    RaminateNode found;
    uint64_t left;
    int others, ret;

    if (!claim || size <= claim->size) {
        if (claim) {
            claim_less(claim, size);
        }
        return true;
    }
    if (!raminate_node_find(claim->node, &found, errp)) {
        error_prepend(errp, "%s '%s': ", object_get_typename(obj),
                      raminate_tier_id(obj));
        return false;
    }
    path = g_strdup_printf(RAMINATE_NODE_FILE, claim->node);
    others = raminate_sys_lock_open(path);
    left = others < 0 ? 0 : unclaimed(others, found.size);
    ret = others < 0 ? others : claim_more(claim, others, size, found.size);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "%s '%s': can't claim 0x%" PRIx64
                         " bytes more of node %d, of which VMs have left 0x%"
                         PRIx64 "; see by raminate-pool list who uses it",
                         object_get_typename(obj), raminate_tier_id(obj),
                         size - claim->size, claim->node, left);
    }
    if (others >= 0) {
        close(others);
    }
    return ret == 0;
}
