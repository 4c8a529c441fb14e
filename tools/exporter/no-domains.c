/*
 * RAMinate: the VMs that libvirt runs, in a build without libvirt
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <gio/gio.h>

#include "domains.h"

Domains *domains_new(const char *uri, const char *emulator, unsigned timeout,
                     GError **error)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "this "
                "raminate-exporter was built without libvirt; install "
                "libvirt-dev, and build it again");
    return NULL;
}

/* There are none, so nobody calls what follows. */

void domains_free(Domains *domains)
{
}

const char *domains_uri(const Domains *domains)
{
    return NULL;
}

void domains_find(Domains *domains, unsigned patience, DomainsDone *done,
                  void *opaque)
{
}

void domains_cancel(Domains *domains)
{
}
