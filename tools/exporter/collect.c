/*
 * RAMinate: ask all VMs for their figures
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <string.h>

#include "collect.h"
#include "metrics.h"

#define MAX_VMS 4096
#define MAX_PARALLEL 256
/* Prometheus gives up after ten seconds, unless told otherwise. */
#define DEADLINE_MS 8000
/* That of libvirt to say which domains there are */
#define DOMAINS_MS (DEADLINE_MS / 2)

struct Collector {
    char *const *patterns;
    Domains *domains;
    GError *domains_error;      /* of the last search, or NULL */
    unsigned timeout;
    CollectDone *done;
    void *opaque;
    GPtrArray *vms;             /* NULL when idle */
    unsigned left_out;
    unsigned begun;
    unsigned ended;
    guint deadline;
    guint next;
    gint64 start;
};

static gboolean collect_more(gpointer opaque);

Collector *collector_new(char *const *patterns, Domains *domains,
                         unsigned timeout, CollectDone *done, void *opaque)
{
    Collector *collector = g_new0(Collector, 1);

    collector->patterns = patterns;
    collector->domains = domains;
    collector->timeout = timeout;
    collector->done = done;
    collector->opaque = opaque;
    return collector;
}

static void collect_end(Collector *collector)
{
    if (collector->deadline) {
        g_source_remove(collector->deadline);
        collector->deadline = 0;
    }
    if (collector->next) {
        g_source_remove(collector->next);
        collector->next = 0;
    }
    if (collector->domains) {
        domains_cancel(collector->domains);
    }
    g_clear_pointer(&collector->vms, g_ptr_array_unref);
}

void collector_free(Collector *collector)
{
    collect_end(collector);
    g_clear_error(&collector->domains_error);
    g_free(collector);
}

gboolean collector_is_busy(const Collector *collector)
{
    return collector->vms != NULL;
}

static void collect_finish(Collector *collector)
{
    g_autoptr(GPtrArray) distinct = NULL;
    MetricsOwn own = {
        .seconds = (g_get_monotonic_time() - collector->start) / 1e6,
        .sockets = collector->vms->len + collector->left_out,
        .left_out = collector->left_out,
        .libvirt = collector->domains ? domains_uri(collector->domains)
                                      : NULL,
        .libvirt_answers = !collector->domains_error,
    };
    char *text;
    unsigned i;

    for (i = 0; i < collector->vms->len; i++) {
        Vm *vm = g_ptr_array_index(collector->vms, i);

        vm_disconnect(vm);
        if (!vm->containers && !vm->error) {
            vm->error = g_error_new(QMP_ERROR, QMP_ERROR_TIMEOUT,
                                    "there was no time to ask");
        }
    }
    distinct = vm_distinct(collector->vms);
    text = metrics_format(distinct, &own);
    collect_end(collector);
    collector->done(text, collector->opaque);
}

static gboolean collect_deadline(gpointer opaque)
{
    Collector *collector = opaque;

    collector->deadline = 0;
    collect_finish(collector);
    return G_SOURCE_REMOVE;
}

static void collect_answered(Vm *vm, const GError *error, void *opaque)
{
    Collector *collector = opaque;

    collector->ended++;
    if (!collector->next) {
        collector->next = g_idle_add(collect_more, collector);
    }
}

static gboolean collect_more(gpointer opaque)
{
    Collector *collector = opaque;

    collector->next = 0;
    while (collector->begun < collector->vms->len &&
           collector->begun - collector->ended < MAX_PARALLEL) {
        vm_refresh(g_ptr_array_index(collector->vms, collector->begun++),
                   collect_answered, collector);
    }
    if (collector->ended == collector->vms->len) {
        collect_finish(collector);
    }
    return G_SOURCE_REMOVE;
}

/* VMs: theirs become ours, as many as there is room for. */
static void collect_take(Collector *collector, GPtrArray *vms)
{
    unsigned room = MAX_VMS - MIN(MAX_VMS, collector->vms->len);

    if (vms->len > room) {
        collector->left_out += vms->len - room;
        g_ptr_array_remove_range(vms, room, vms->len - room);
    }
    g_ptr_array_extend_and_steal(collector->vms, vms);
}

/* Says each trouble once. */
static void collect_set_domains_error(Collector *collector,
                                      const GError *error)
{
    if (error && (!collector->domains_error ||
                  strcmp(error->message,
                         collector->domains_error->message) != 0)) {
        fprintf(stderr, "raminate-exporter: %s\n", error->message);
    }
    g_clear_error(&collector->domains_error);
    collector->domains_error = error ? g_error_copy(error) : NULL;
}

static void collect_found_domains(GPtrArray *vms, const GError *error,
                                  void *opaque)
{
    Collector *collector = opaque;

    if (vms) {
        collect_take(collector, vms);
    }
    collect_set_domains_error(collector, error);
    collector->next = g_idle_add(collect_more, collector);
}

static GPtrArray *collect_sockets(Collector *collector)
{
    g_autoptr(GPtrArray) paths = vm_find_sockets(collector->patterns);
    GPtrArray *vms = g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
    unsigned i;

    for (i = 0; i < paths->len; i++) {
        g_ptr_array_add(vms, vm_new(g_ptr_array_index(paths, i),
                                    collector->timeout));
    }
    return vms;
}

void collector_start(Collector *collector)
{
    collector->vms = g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
    collector->left_out = 0;
    collect_take(collector, collect_sockets(collector));
    collector->begun = 0;
    collector->ended = 0;
    collector->start = g_get_monotonic_time();
    collector->deadline = g_timeout_add(DEADLINE_MS, collect_deadline,
                                        collector);
    if (collector->domains) {
        domains_find(collector->domains, DOMAINS_MS, collect_found_domains,
                     collector);
    } else {
        collector->next = g_idle_add(collect_more, collector);
    }
}
