/*
 * RAMinate: the choice of a sampler or mover
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/part.h"

bool raminate_part_suits(const RaminatePart *part,
                         const RaminateMemory *memory)
{
    return part->backings & (raminate_memory_has_nodes(memory)
                             ? RAMINATE_OF_NODES : RAMINATE_OF_RANGES);
}

unsigned raminate_part_kinds(const RaminatePart *part,
                             const RaminateMemory *memory)
{
    return part->tells ? part->tells(memory) : part->kinds;
}

bool raminate_part_is_for_auto(const RaminatePart *part, unsigned failed,
                               const RaminateMemory *memory)
{
    return !(failed & BIT(part->type)) && raminate_part_suits(part, memory) &&
           (!part->serves || part->serves(memory));
}

/* Returns: whether @part works here, and tells one of @kinds. */
static bool part_fits(const RaminatePart *part, unsigned kinds,
                      const RaminateMemory *memory, Error **errp)
{
    if (!raminate_part_suits(part, memory)) {
        error_setg(errp, "it is for tiers that are %s, and '%s' is a %s",
                   part->backings & RAMINATE_OF_NODES
                   ? "NUMA nodes (memory-backend-node)"
                   : "ranges (memory-backend-devmem)",
                   memory->tiers[0].id, memory->tiers[0].type);
        return false;
    }
    if (kinds && !(part->kinds & kinds)) {
        error_setg(errp, "it doesn't find pages that were %s, by which the "
                   "policy goes; choose another policy",
                   kinds & RAMINATE_WRITTEN ? "written" : "read");
        return false;
    }
    return !part->probe || part->probe(memory, errp);
}

const RaminatePart *raminate_part_choose(const RaminatePart *const *parts,
                                         int type, unsigned kinds,
                                         unsigned failed,
                                         const RaminateMemory *memory,
                                         char **reason, Error **errp)
{
    Error *err = NULL;

    *reason = NULL;
    for (; *parts; parts++) {
        if (type == RAMINATE_PART_AUTO
            ? !raminate_part_is_for_auto(*parts, failed, memory)
            : type != (*parts)->type) {
            continue;
        }
        error_free(err);
        err = NULL;
        if (part_fits(*parts, kinds, memory, &err)) {
            return *parts;
        }
        if (!*reason) {
            *reason = g_strdup(error_get_pretty(err));
        }
    }
    g_clear_pointer(reason, g_free);
    if (!err) {
        error_setg(&err, "this QEMU was built without it");
    }
    error_propagate(errp, err);
    return NULL;
}
