/*
 * RAMinate: what a libvirt domain's XML has, before it is changed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOL_DOMAIN_LOOK_H
#define RAMINATE_POOL_DOMAIN_LOOK_H

#include <glib.h>

typedef struct DomainLook {
    char *name;
    guint64 memory;             /* bytes; 0 if it doesn't say */
    gboolean has_emulator;
    gboolean has_commandline;
    gboolean has_namespace;     /* that of <qemu:commandline> */
    gboolean needs_namespace;   /* for other things than memory */
    GPtrArray *args;            /* values of <qemu:arg>, in order */
    gboolean *ours;             /* for each of them: whether it is of memory */
    GPtrArray *refusals;        /* why it can't have hybrid memory */
    GPtrArray *range_refusals;  /* the same, if that is of ranges */
    GPtrArray *vhost;           /* parts that stop the mover mmap */
} DomainLook;

/* Returns: NULL if it is no domain's XML. */
DomainLook *domain_look(const char *xml, gsize size, GError **error);

void domain_look_free(DomainLook *look);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomainLook, domain_look_free)

#endif
