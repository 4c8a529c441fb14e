/*
 * RAMinate: QEMU's options for a VM of an instance type
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "args.h"

guint64 args_size(const RaminateInstance *instance)
{
    guint64 size = 0;
    unsigned i;

    for (i = 0; i < instance->parts->len; i++) {
        size += g_array_index(instance->parts, RaminatePoolPart, i).size;
    }
    return size;
}

GPtrArray *args_words(const RaminateInstance *instance, const char *id)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    guint64 offset = 0;
    unsigned i;

    g_ptr_array_add(words, g_strdup("-machine"));
    g_ptr_array_add(words, g_strdup_printf("memory-backend=%s", id));
    g_ptr_array_add(words, g_strdup("-object"));
    g_ptr_array_add(words,
                    g_strdup_printf("memory-backend-container,id=%s,size=%"
                                    G_GUINT64_FORMAT "k", id,
                                    args_size(instance) / 1024));
    for (i = 0; i < instance->parts->len; i++) {
        const RaminatePoolPart *part = &g_array_index(instance->parts,
                                                      RaminatePoolPart, i);

        g_ptr_array_add(words, g_strdup("-object"));
        g_ptr_array_add(words,
            g_strdup_printf("memory-backend-%s,id=%s-%s,size=%"
                            G_GUINT64_FORMAT "k,offset=%" G_GUINT64_FORMAT
                            "k,pool=%s,parent=%s",
                            raminate_pool_has_nodes(part->pool) ? "node"
                                                                : "devmem",
                            id, part->pool->name, part->size / 1024,
                            offset / 1024, part->pool->name, id));
        offset += part->size;
    }
    return words;
}
