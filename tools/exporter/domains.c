/*
 * RAMinate: find the VMs that libvirt runs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <gio/gio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "domain-monitor.h"
#include "domains.h"
#include "emulators.h"

struct Domains {
    unsigned references;        /* one for a search; of the main loop */
    char *uri;
    Emulators *emulators;
    virConnectPtr connection;   /* of the search that goes on, or NULL */
    unsigned timeout;
    DomainsDone *done;          /* NULL if nobody waits */
    void *opaque;
    guint timer;
    gboolean is_searching;      /* maybe for nobody any more */
};

/* Everything that fails is reported by our own words. */
static void keep_quiet(void *opaque, virErrorPtr error)
{
}

Domains *domains_new(const char *uri, const char *emulator, unsigned timeout,
                     GError **error)
{
    Domains *domains;

    if (virInitialize() < 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    "libvirt can't start: %s", virGetLastErrorMessage());
        return NULL;
    }
    virSetErrorFunc(NULL, keep_quiet);
    domains = g_new0(Domains, 1);
    domains->references = 1;
    domains->uri = g_strdup(uri);
    domains->emulators = emulators_new(emulator);
    domains->timeout = timeout;
    return domains;
}

static void domains_unref(Domains *domains)
{
    /* To close the connection would wait for libvirt; the process ends. */
    if (--domains->references == 0) {
        emulators_unref(domains->emulators);
        g_free(domains->uri);
        g_free(domains);
    }
}

void domains_free(Domains *domains)
{
    domains_cancel(domains);
    domains_unref(domains);
}

const char *domains_uri(const Domains *domains)
{
    return domains->uri;
}

/* In the thread of a search */

/* Returns: whether there is a connection that works. */
static gboolean connect_to_libvirt(Domains *domains)
{
    if (domains->connection && virConnectIsAlive(domains->connection) != 1) {
        g_clear_pointer(&domains->connection, virConnectClose);
    }
    if (!domains->connection) {
        domains->connection = virConnectOpen(domains->uri);
    }
    return domains->connection != NULL;
}

/* Gives the task a GPtrArray of DomainMonitor. */
static void search(GTask *task, gpointer source, gpointer opaque,
                   GCancellable *cancellable)
{
    Domains *domains = opaque;
    GPtrArray *monitors;
    virDomainPtr *all;
    int nr = -1;
    int i;

    if (connect_to_libvirt(domains)) {
        nr = virConnectListAllDomains(domains->connection, &all,
                                      VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    }
    if (nr < 0) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED,
                                "libvirt at '%s': %s", domains->uri,
                                virGetLastErrorMessage());
        return;
    }
    monitors = g_ptr_array_new_with_free_func(
        (GDestroyNotify)domain_monitor_unref);
    emulators_look(domains->emulators, all, nr);
    for (i = 0; i < nr; i++) {
        if (emulators_has(domains->emulators, all[i])) {
            g_ptr_array_add(monitors, domain_monitor_new(all[i]));
        }
        virDomainFree(all[i]);
    }
    free(all);
    g_task_return_pointer(task, monitors, (GDestroyNotify)g_ptr_array_unref);
}

/* In the main loop */

static void finish(Domains *domains, GPtrArray *vms, const GError *error)
{
    DomainsDone *done = domains->done;

    domains_cancel(domains);
    done(vms, error, domains->opaque);
}

static void searched(GObject *source, GAsyncResult *result, gpointer opaque)
{
    Domains *domains = opaque;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) monitors =
        g_task_propagate_pointer(G_TASK(result), &error);
    GPtrArray *vms = NULL;
    unsigned i;

    domains->is_searching = FALSE;
    if (domains->done) {
        if (monitors) {
            vms = g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
        }
        for (i = 0; monitors && i < monitors->len; i++) {
            g_ptr_array_add(vms,
                            domain_monitor_vm(g_ptr_array_index(monitors, i),
                                              domains->timeout));
        }
        finish(domains, vms, error);
    }
    domains_unref(domains);
}

static gboolean search_is_late(gpointer opaque)
{
    Domains *domains = opaque;
    g_autoptr(GError) error =
        g_error_new(G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "libvirt at '%s' does "
                    "not answer; is libvirtd well?", domains_uri(domains));

    domains->timer = 0;
    finish(domains, NULL, error);
    return G_SOURCE_REMOVE;
}

void domains_find(Domains *domains, unsigned patience, DomainsDone *done,
                  void *opaque)
{
    g_autoptr(GTask) task = NULL;

    domains->done = done;
    domains->opaque = opaque;
    /* One that was given up may still go on; then this one waits in vain. */
    domains->timer = g_timeout_add(patience, search_is_late, domains);
    if (domains->is_searching) {
        return;
    }
    domains->is_searching = TRUE;
    domains->references++;
    task = g_task_new(NULL, NULL, searched, domains);
    g_task_set_task_data(task, domains, NULL);
    g_task_run_in_thread(task, search);
}

void domains_cancel(Domains *domains)
{
    domains->done = NULL;
    if (domains->timer) {
        g_source_remove(domains->timer);
        domains->timer = 0;
    }
}
