/*
 * RAMinate: the tiers of memory-backend-container
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/error-report.h"
#include "exec/ramblock.h"
#include "backends/raminate/container-internal.h"
#include "backends/raminate/tier.h"
#include "hw/raminate/kvm.h"

static gint compare_offset(gconstpointer a, gconstpointer b)
{
    const Child *child_a = a, *child_b = b;

    return child_a->tier.offset < child_b->tier.offset ? -1 : 1;
}

static gint compare_rank(gconstpointer a, gconstpointer b)
{
    const RaminateTier *tier_a = a, *tier_b = b;

    return tier_a->rank < tier_b->rank ? -1 : 1;
}

/* Returns: false with @errp set if both can't be in one container. */
static bool check_pair(HostMemoryBackendContainer *container,
                       const RaminateTier *tier, bool has_rank,
                       const Child *child, Error **errp)
{
    const char *id = container_id(container);
    const RaminateTier *other = &child->tier;

    if (tier->offset < other->offset + other->size &&
        other->offset < tier->offset + tier->size) {
        error_setg(errp, "%s '%s': range 0x%" PRIx64 " to 0x%" PRIx64
                   " overlaps that of '%s', 0x%" PRIx64 " to 0x%" PRIx64
                   ", in container '%s'; change offset or size", tier->type,
                   tier->id, tier->offset, tier->offset + tier->size - 1,
                   other->id, other->offset, other->offset + other->size - 1,
                   id);
    } else if (has_rank && child->has_rank && tier->rank == other->rank) {
        error_setg(errp, "%s '%s': tier %u of container '%s' is '%s' already; "
                   "give it another rank", tier->type, tier->id, tier->rank,
                   id, other->id);
    } else if ((tier->node == RAMINATE_NO_NODE) !=
               (other->node == RAMINATE_NO_NODE)) {
        error_setg(errp, "%s '%s': container '%s' has '%s', a %s; its tiers "
                   "must all be ranges or all be NUMA nodes", tier->type,
                   tier->id, id, other->id, other->type);
    } else if (tier->node != RAMINATE_NO_NODE && tier->node == other->node) {
        error_setg(errp, "%s '%s': node %d is the tier '%s' of container '%s' "
                   "already; give it another node, or make that tier larger",
                   tier->type, tier->id, tier->node, other->id, id);
    } else {
        return true;
    }
    return false;
}

static bool check_tier(HostMemoryBackendContainer *container,
                       const RaminateTier *tier, bool has_rank, Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(container);
    const char *id = container_id(container);

    if (!QEMU_IS_ALIGNED(tier->offset, RAMINATE_PAGE_SIZE)) {
        error_setg(errp, "%s '%s': offset 0x%" PRIx64 " is not a multiple of "
                   "the page size, 0x%llx", tier->type, tier->id, tier->offset,
                   RAMINATE_PAGE_SIZE);
        return false;
    }
    if (tier->offset > backend->size ||
        tier->size > backend->size - tier->offset) {
        error_setg(errp, "%s '%s': range of 0x%" PRIx64 " bytes from 0x%"
                   PRIx64 " is beyond container '%s' of 0x%" PRIx64 " bytes; "
                   "make the container larger, or size or offset smaller",
                   tier->type, tier->id, tier->size, tier->offset, id,
                   backend->size);
        return false;
    }
    if (container->children->len == RAMINATE_MAX_TIERS) {
        error_setg(errp, "%s '%s': container '%s' has %d tiers already, the "
                   "most there can be; use larger ones", tier->type, tier->id,
                   id, RAMINATE_MAX_TIERS);
        return false;
    }
    for (guint i = 0; i < container->children->len; i++) {
        if (!check_pair(container, tier, has_rank,
                        &g_array_index(container->children, Child, i), errp)) {
            return false;
        }
    }
    return true;
}

bool host_memory_container_has_node(HostMemoryBackendContainer *container,
                                    int node)
{
    for (guint i = 0; i < container->children->len; i++) {
        if (g_array_index(container->children, Child, i).tier.node == node) {
            return true;
        }
    }
    return false;
}

static bool container_is_covered(HostMemoryBackendContainer *container)
{
    uint64_t covered = 0;

    for (guint i = 0; i < container->children->len; i++) {
        covered += g_array_index(container->children, Child, i).tier.size;
    }
    return covered == MEMORY_BACKEND(container)->size;
}

/* Gives tiers without a rank the lowest ones left, in the order of offset. */
static void container_rank_tiers(HostMemoryBackendContainer *container)
{
    RaminateMemory *memory = &container->memory;
    DECLARE_BITMAP(taken, UINT8_MAX + 1) = { 0 };

    memory->nr_tiers = container->children->len;
    memory->tiers = g_new(RaminateTier, memory->nr_tiers);
    for (guint i = 0; i < container->children->len; i++) {
        const Child *child = &g_array_index(container->children, Child, i);

        if (child->has_rank) {
            set_bit(child->tier.rank, taken);
        }
    }
    for (guint i = 0; i < container->children->len; i++) {
        Child *child = &g_array_index(container->children, Child, i);

        if (!child->has_rank) {
            child->tier.rank = find_first_zero_bit(taken, UINT8_MAX + 1);
            set_bit(child->tier.rank, taken);
        }
        memory->tiers[i] = child->tier;
    }
    qsort(memory->tiers, memory->nr_tiers, sizeof(*memory->tiers),
          compare_rank);
}

/*
 * Some devices, /dev/zero for one, give each mapping memory of its own.
 * Returns: 1 if a new mapping of @tier shows the memory at @host, 0 if not, or
 * -errno.
 */
static int shows_same_memory(const RaminateTier *tier, uint8_t *host)
{
    volatile uint8_t *again = mmap(NULL, RAMINATE_PAGE_SIZE,
                                   PROT_READ | PROT_WRITE, MAP_SHARED,
                                   tier->fd, tier->phy_offset);
    volatile uint8_t *shown = host;
    uint8_t old = *shown;
    uint8_t other = ~old;
    bool same;

    if (again == MAP_FAILED) {
        return -errno;
    }
    *again = other;
    same = *shown == other;
    *again = old;
    same = same && *shown == old;
    munmap((void *)again, RAMINATE_PAGE_SIZE);
    return same;
}

/*
 * Makes all of the container a mere reservation again: a mapping keeps its file
 * open, hence the range locked, whatever becomes of the tier.
 */
static void container_unmap(HostMemoryBackendContainer *container)
{
    const RaminateMemory *memory = &container->memory;

    if (mmap(memory->host, memory->backend->size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)
        == MAP_FAILED) {
        warn_report("memory-backend-container '%s': can't unmap its tiers: %s",
                    memory->id, strerror(errno));
    }
}

/* Returns: false with @errp set if a range can't be a part of the container. */
static bool container_map_ranges(HostMemoryBackendContainer *container,
                                 Error **errp)
{
    RaminateMemory *memory = &container->memory;

    for (guint i = 0; i < container->children->len; i++) {
        const Child *child = &g_array_index(container->children, Child, i);
        const RaminateTier *tier = &child->tier;
        uint32_t first = tier->offset >> RAMINATE_PAGE_BITS;
        int ret = raminate_memory_map(memory, first, first,
                                      tier->size >> RAMINATE_PAGE_BITS);

        if (ret == 0) {
            ret = shows_same_memory(tier, raminate_memory_page(memory, first));
        }
        if (ret < 0) {
            error_setg_errno(errp, -ret, "%s '%s': can't map 0x%" PRIx64
                             " bytes from 0x%" PRIx64 " of %s into container "
                             "'%s'", tier->type, tier->id, tier->size,
                             tier->phy_offset, tier->mem_path, memory->id);
            return false;
        }
        if (ret == 0) {
            error_setg(errp, "%s '%s': %s has other memory for each mapping, "
                       "so that its pages can't move; use another file or "
                       "device", tier->type, tier->id, tier->mem_path);
            return false;
        }
    }
    return true;
}

static bool container_map(HostMemoryBackendContainer *container, Error **errp)
{
    return raminate_memory_has_nodes(&container->memory)
           ? container_map_nodes(container, errp)
           : container_map_ranges(container, errp);
}

/* Maps all tiers and brings the placer to life. */
static bool container_complete(HostMemoryBackendContainer *container,
                               Error **errp)
{
    RaminateMemory *memory = &container->memory;

    container_rank_tiers(container);
    if (!raminate_tiers_set_costs(memory, errp) ||
        !container_map(container, errp)) {
        goto fail;
    }
    if (raminate_placing_start(OBJECT(container), memory, errp)) {
        for (unsigned i = 0; i < memory->nr_tiers; i++) {
            if (memory->tiers[i].is_unpinnable) {
                /* All of the container: pages move. */
                qemu_ram_set_unpinnable(memory->backend->mr.ram_block);
            }
        }
        if (!raminate_memory_has_nodes(memory)) {
            container_begin_discard(container);
        }
        host_memory_backend_set_mapped(MEMORY_BACKEND(container), false);
        return true;
    }
fail:
    container_unmap(container);
    raminate_kvm_detach(memory);
    g_clear_pointer(&memory->tiers, g_free);
    memory->nr_tiers = 0;
    return false;
}

bool host_memory_container_add_tier(HostMemoryBackendContainer *container,
                                    Object *obj, const RaminateTier *tier,
                                    bool has_rank, Error **errp)
{
    Child child = { .obj = obj, .tier = *tier, .has_rank = has_rank };

    if (!check_tier(container, tier, has_rank, errp)) {
        return false;
    }
    g_array_append_val(container->children, child);
    g_array_sort(container->children, compare_offset);
    if (container_is_covered(container) &&
        !container_complete(container, errp)) {
        for (guint i = 0; i < container->children->len; i++) {
            if (g_array_index(container->children, Child, i).obj == obj) {
                g_array_remove_index(container->children, i);
                break;
            }
        }
        return false;
    }
    object_ref(obj);
    RAMINATE_TIER_GET_CLASS(obj)->set_used(obj, true);
    return true;
}

bool container_resize_claim(Object *obj, unsigned rank, uint64_t size,
                            Error **errp)
{
    HostMemoryBackendContainer *container = MEMORY_BACKEND_CONTAINER(obj);

    for (guint i = 0; i < container->children->len; i++) {
        const Child *child = &g_array_index(container->children, Child, i);

        if (child->tier.node == container->memory.tiers[rank].node) {
            return RAMINATE_TIER_GET_CLASS(child->obj)->resize_claim(
                child->obj, size, errp);
        }
    }
    g_assert_not_reached();
}
