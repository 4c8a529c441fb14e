/*
 * RAMinate: a libvirt domain's XML, between ordinary and hybrid memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_POOL_DOMAIN_H
#define RAMINATE_POOL_DOMAIN_H

#include "args.h"

/* Where tools look for sockets */
#define DOMAIN_SOCKETS "/run/raminate/"

#define DOMAIN_ERROR (domain_error_quark())

GQuark domain_error_quark(void);

typedef struct DomainOptions {
    const RaminateInstance *instance;   /* NULL: back to ordinary memory */
    const char *id;                     /* of the container */
    const char *emulator;               /* NULL to leave it as it is */
    gboolean resize;                    /* to the type's size, if need be */
} DomainOptions;

/*
 * What is of another kind than memory stays as it is, to the letter but for
 * quotes and spaces within tags.
 * @warnings: gets what the user should look at, a line each
 * Returns: the new XML, or NULL if it can't be.
 */
char *domain_change(const char *xml, gsize size, const DomainOptions *options,
                    GPtrArray *warnings, GError **error);

#endif
