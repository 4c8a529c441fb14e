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

/* What a search has in its thread, and what stays for the next one. */
typedef struct Link {
    gatomicrefcount references;
    char *uri;
    Emulators *emulators;
    virConnectPtr connection;   /* of the search that goes on, or NULL */
} Link;

struct Domains {
    Link *link;
    unsigned timeout;
    DomainsDone *done;          /* NULL if nobody waits */
    void *opaque;
    guint timer;
    gboolean is_searching;      /* maybe for nobody any more */
    gatomicrefcount references; /* one for a search */
};

static void link_unref(gpointer opaque)
{
    Link *link = opaque;

    /* To close the connection would wait for libvirt; the process ends. */
    if (g_atomic_ref_count_dec(&link->references)) {
        g_free(link->uri);
        emulators_unref(link->emulators);
        g_free(link);
    }
}

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
    domains->link = g_new0(Link, 1);
    g_atomic_ref_count_init(&domains->link->references);
    domains->link->uri = g_strdup(uri);
    domains->link->emulators = emulators_new(emulator);
    domains->timeout = timeout;
    g_atomic_ref_count_init(&domains->references);
    return domains;
}

static void domains_unref(Domains *domains)
{
    if (g_atomic_ref_count_dec(&domains->references)) {
        link_unref(domains->link);
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
    return domains->link->uri;
}

/* In the thread of a search */

/* Returns: whether there is a connection that works. */
static gboolean link_connect(Link *link)
{
    if (link->connection && virConnectIsAlive(link->connection) != 1) {
        g_clear_pointer(&link->connection, virConnectClose);
    }
    if (!link->connection) {
        link->connection = virConnectOpen(link->uri);
    }
    return link->connection != NULL;
}

/* Gives the task a GPtrArray of DomainMonitor. */
static void search(GTask *task, gpointer source, gpointer opaque,
                   GCancellable *cancellable)
{
    Link *link = opaque;
    GPtrArray *monitors;
    virDomainPtr *all;
    int nr = -1;
    int i;

    if (link_connect(link)) {
        nr = virConnectListAllDomains(link->connection, &all,
                                      VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    }
    if (nr < 0) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED,
                                "libvirt at '%s': %s", link->uri,
                                virGetLastErrorMessage());
        return;
    }
    monitors = g_ptr_array_new_with_free_func(
        (GDestroyNotify)domain_monitor_unref);
    emulators_look(link->emulators, all, nr);
    for (i = 0; i < nr; i++) {
        if (emulators_has(link->emulators, all[i])) {
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
    g_atomic_ref_count_inc(&domains->references);
    task = g_task_new(NULL, NULL, searched, domains);
    g_atomic_ref_count_inc(&domains->link->references);
    g_task_set_task_data(task, domains->link, link_unref);
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
