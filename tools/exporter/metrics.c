/*
 * RAMinate: figures of VMs in the text format of Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/version.h"
#include "metrics.h"

#define MAX_LABEL 256           /* bytes of a label's value */

/* What the labels of a container's samples are, once for all of them. */
typedef struct Labelled {
    const ContainerInfo *info;
    char *labels;
} Labelled;

typedef struct Metric {
    const char *name;
    const char *type;
    const char *help;
    /* One of these */
    size_t offset;
    guint64 (*get)(const ContainerInfo *info);
    double scale;               /* 0: an integer */
} Metric;

static char *label_value(const char *text)
{
    GString *value = g_string_new(NULL);
    const char *p;

    for (p = text; *p && p - text < MAX_LABEL; p = g_utf8_next_char(p)) {
        if (*p == '\\' || *p == '"') {
            g_string_append_c(value, '\\');
        }
        if (*p == '\n') {
            g_string_append(value, "\\n");
        } else {
            g_string_append_unichar(value, g_utf8_get_char(p));
        }
    }
    return g_string_free(value, FALSE);
}

static void append_label(GString *text, const char *name, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    g_autofree char *escaped = label_value(valid);

    g_string_append_printf(text, "%s%s=\"%s\"", text->len ? "," : "", name,
                           escaped);
}

static void append_head(GString *out, const char *name, const char *type,
                        const char *help)
{
    g_string_append_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                           name, type);
}

/* VMs */

static void append_vms(GString *out, const GPtrArray *vms)
{
    unsigned i;

    append_head(out, "raminate_vm_up", "gauge",
                "Whether the VM at the socket has answered.");
    for (i = 0; i < vms->len; i++) {
        const Vm *vm = g_ptr_array_index(vms, i);
        g_autoptr(GString) labels = g_string_new(NULL);

        append_label(labels, "socket", vm->path);
        g_string_append_printf(out, "raminate_vm_up{%s} %d\n", labels->str,
                               !vm->error);
    }
    append_head(out, "raminate_vm_info", "gauge",
                "Name of the VM at the socket; the value is 1.");
    for (i = 0; i < vms->len; i++) {
        const Vm *vm = g_ptr_array_index(vms, i);
        g_autoptr(GString) labels = g_string_new(NULL);

        if (!vm->error) {
            append_label(labels, "socket", vm->path);
            append_label(labels, "vm", vm->name);
            g_string_append_printf(out, "raminate_vm_info{%s} 1\n",
                                   labels->str);
        }
    }
}

/* Containers */

static GArray *label_containers(const GPtrArray *vms)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Labelled));
    unsigned i, j;

    for (i = 0; i < vms->len; i++) {
        const Vm *vm = g_ptr_array_index(vms, i);

        for (j = 0; !vm->error && j < vm->containers->len; j++) {
            GString *labels = g_string_new(NULL);
            Labelled one = { .info = g_ptr_array_index(vm->containers, j) };

            append_label(labels, "socket", vm->path);
            append_label(labels, "vm", vm->name);
            append_label(labels, "container", one.info->id);
            one.labels = g_string_free(labels, FALSE);
            g_array_append_val(all, one);
        }
    }
    return all;
}

static void append_container_info(GString *out, const GArray *all)
{
    unsigned i;

    append_head(out, "raminate_container_info", "gauge", "Policy, sampler and "
                "mover in force; the value is 1.");
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);
        g_autoptr(GString) labels = g_string_new(one->labels);

        append_label(labels, "policy", one->info->policy);
        append_label(labels, "sampler", one->info->sampler);
        append_label(labels, "mover", one->info->mover);
        g_string_append_printf(out, "raminate_container_info{%s} 1\n",
                               labels->str);
    }
}

static void append_states(GString *out, const GArray *all)
{
    static const char *const states[] = {
        "unused", "off", "waiting", "running", "held",
    };
    unsigned i, j;

    append_head(out, "raminate_container_state", "gauge",
                "1 for the state that the placer is in, 0 for the others.");
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);

        for (j = 0; j < G_N_ELEMENTS(states); j++) {
            g_string_append_printf(out, "raminate_container_state{%s,state=\""
                                   "%s\"} %d\n", one->labels, states[j],
                                   strcmp(one->info->state, states[j]) == 0);
        }
    }
}

static guint64 get_metadata(const ContainerInfo *info)
{
    return info->memory;
}

#define SECONDS_PER_NS 0.000000001
#define FIELD(name) offsetof(ContainerInfo, name)

static const Metric metrics[] = {
    { "raminate_container_size_bytes", "gauge",
      "Size of the container.", FIELD(size), NULL, 0 },
    { "raminate_page_size_bytes", "gauge",
      "Size of a page.", FIELD(page_size), NULL, 0 },
    { "raminate_metadata_bytes", "gauge",
      "Host memory taken to keep track of the pages.", 0, get_metadata, 0 },
    { "raminate_scan_period_seconds", "gauge",
      "Setting: time from scan to scan.", FIELD(scan_period), NULL, 0.001 },
    { "raminate_swap_period_seconds", "gauge",
      "Setting: time from batch to batch.", FIELD(swap_period), NULL, 0.001 },
    { "raminate_life_time_seconds", "gauge",
      "Setting: time for which a write keeps a page hot.",
      FIELD(life_time), NULL, 0.001 },
    { "raminate_reverse_window_seconds", "gauge",
      "Setting: time within which a page that moves back counts as reversed.",
      FIELD(reverse_window), NULL, 0.001 },
    { "raminate_max_swaps", "gauge",
      "Setting: most pairs of pages exchanged in a batch.",
      FIELD(max_swaps), NULL, 0 },
    { "raminate_max_cpu_ratio", "gauge",
      "Setting: most processor time that the placer takes, 1 for all of one "
      "processor; 0 for no bound.", FIELD(max_cpu), NULL, 0.01 },
    { "raminate_fault_budget", "gauge",
      "Setting: most faults a second that the guest takes because its pages "
      "are watched; 0 for no bound.", FIELD(fault_budget), NULL, 0 },
    { "raminate_scans_total", "counter",
      "Scans made.", FIELD(scans), NULL, 0 },
    { "raminate_put_off_scans_total", "counter",
      "Scans that came late because the placer had taken its processor time.",
      FIELD(scans_put_off), NULL, 0 },
    { "raminate_written_pages_total", "counter",
      "Pages found written, summed over all scans.",
      0, container_info_written, 0 },
    { "raminate_slow_written_pages_total", "counter",
      "Pages found written that were not in the fastest tier.",
      0, container_info_written_slow, 0 },
    { "raminate_batches_total", "counter",
      "Batches of exchanges made.", FIELD(batches), NULL, 0 },
    { "raminate_given_up_batches_total", "counter",
      "Batches put off because guest memory could not be made to stand still.",
      FIELD(batches_given_up), NULL, 0 },
    { "raminate_swaps_total", "counter",
      "Pairs of pages exchanged.", FIELD(swaps), NULL, 0 },
    { "raminate_failed_swaps_total", "counter",
      "Pairs of pages that could not be exchanged.",
      FIELD(swaps_failed), NULL, 0 },
    { "raminate_busy_swaps_total", "counter",
      "Failed ones of which a page was in use, or pinned by a device.",
      FIELD(swaps_busy), NULL, 0 },
    { "raminate_no_room_swaps_total", "counter",
      "Failed ones for which there was no memory, on the node among others.",
      FIELD(swaps_no_room), NULL, 0 },
    { "raminate_reversed_swaps_total", "counter",
      "Exchanges that moved a page back soon after it had been moved.",
      FIELD(swaps_reversed), NULL, 0 },
    { "raminate_held_swaps_total", "counter",
      "Pairs of pages not tried for lack of host mappings.",
      FIELD(swaps_held), NULL, 0 },
    { "raminate_failed_pages_total", "counter",
      "Pages whose memory was found to have failed.",
      FIELD(pages_failed), NULL, 0 },
    { "raminate_astray_pages_total", "counter",
      "Pages found on other nodes than they were to be on, and brought back.",
      FIELD(pages_astray), NULL, 0 },
    { "raminate_adopted_pages_total", "counter",
      "Pages that do not stay where they belong, left to the tier they are in.",
      FIELD(pages_adopted), NULL, 0 },
    { "raminate_resized_pages_total", "counter",
      "Pages that went to another tier alone, so that the fastest has its size.",
      FIELD(pages_resized), NULL, 0 },
    { "raminate_pages_to_resize", "gauge",
      "Pages that are still to, until the fastest tier has its size.",
      FIELD(pages_to_resize), NULL, 0 },
    { "raminate_watch_faults_total", "counter",
      "Faults that the guest took because its pages were watched.",
      FIELD(watch_faults), NULL, 0 },
    { "raminate_huge_page_bytes", "gauge",
      "Guest memory that is in huge pages of a node; 0 if that is not known.",
      FIELD(huge_pages), NULL, 0 },
    { "raminate_split_huge_pages_total", "counter",
      "Huge pages that were found split.", FIELD(huge_splits), NULL, 0 },
    { "raminate_collapsed_huge_pages_total", "counter",
      "Regions of which a huge page was made again.",
      FIELD(huge_collapses), NULL, 0 },
    { "raminate_moved_huge_pages_total", "counter",
      "Huge pages that exchanges have moved in one piece.",
      FIELD(huge_moves), NULL, 0 },
    { "raminate_swap_slow_written_pages_total", "counter",
      "Pages that exchanges wrote to slower tiers.",
      FIELD(slow_writes_by_swaps), NULL, 0 },
    { "raminate_mappings", "gauge",
      "Host mappings that show the placement.", FIELD(mappings), NULL, 0 },
    { "raminate_mappings_limit", "gauge",
      "Most host mappings that the mover makes; 0 if it needs none.",
      FIELD(mappings_limit), NULL, 0 },
};

static void append_value(GString *out, guint64 value, double scale)
{
    if (scale) {
        g_string_append_printf(out, " %.9g\n", value * scale);
    } else {
        g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", value);
    }
}

static void append_metric(GString *out, const GArray *all,
                          const Metric *metric)
{
    unsigned i;

    append_head(out, metric->name, metric->type, metric->help);
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);
        const char *info = (const char *)one->info;

        g_string_append_printf(out, "%s{%s}", metric->name, one->labels);
        append_value(out, metric->get
                          ? metric->get(one->info)
                          : *(const guint64 *)(info + metric->offset),
                     metric->scale);
    }
}

/* What it brings */

static void append_saved(GString *out, const GArray *all)
{
    static const char name[] = "raminate_saved_slow_written_pages";
    unsigned i;

    append_head(out, name, "gauge", "Estimate: pages that would have been "
                "found written in slower tiers had none moved, less those "
                "that were. Negative if moving did harm.");
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);

        g_string_append_printf(out, "%s{%s} %" G_GINT64_FORMAT "\n", name,
                               one->labels, one->info->slow_writes_saved);
    }
}

static void append_energies(GString *out, const GArray *all)
{
    static const char name[] = "raminate_energy_joules_total";
    unsigned i, j, k;

    append_head(out, name, "counter", "Estimate of the energy that guest RAM "
                "took, if a write to slower tiers costs so many times as "
                "much: with pages moved, with none moved, with fast memory "
                "alone.");
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);

        for (j = 0; j < one->info->nr_energies; j++) {
            const EnergyInfo *energy = &one->info->energies[j];
            const struct {
                const char *placement;
                double joules;
            } estimates[] = {
                { "placed", energy->placed },
                { "unmoved", energy->unmoved },
                { "dram-only", energy->dram_only },
            };

            for (k = 0; k < G_N_ELEMENTS(estimates); k++) {
                char joules[G_ASCII_DTOSTR_BUF_SIZE];

                g_ascii_dtostr(joules, sizeof(joules), estimates[k].joules);
                g_string_append_printf(out, "%s{%s,slow_write_cost=\"%"
                                       G_GUINT64_FORMAT "\",placement=\"%s\""
                                       "} %s\n", name, one->labels,
                                       energy->slow_write_cost,
                                       estimates[k].placement, joules);
            }
        }
    }
}

/* Times */

static void append_times(GString *out, const GArray *all, const char *name,
                         const char *help, size_t offset)
{
    unsigned i, j;

    append_head(out, name, "summary", help);
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);
        const TimesInfo *times =
            (const TimesInfo *)((const char *)one->info + offset);
        const struct {
            const char *quantile;
            guint64 ns;
        } quantiles[] = {
            { "0.5", times->p50 },
            { "0.9", times->p90 },
            { "0.99", times->p99 },
            { "1", times->max },
        };

        for (j = 0; j < G_N_ELEMENTS(quantiles); j++) {
            g_string_append_printf(out, "%s{%s,quantile=\"%s\"}", name,
                                   one->labels, quantiles[j].quantile);
            append_value(out, quantiles[j].ns, SECONDS_PER_NS);
        }
        g_string_append_printf(out, "%s_sum{%s}", name, one->labels);
        append_value(out, times->total, SECONDS_PER_NS);
        g_string_append_printf(out, "%s_count{%s}", name, one->labels);
        append_value(out, times->count, 0);
    }
}

/* Tiers */

static const struct {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
} tier_metrics[] = {
    { "raminate_tier_size_bytes", "gauge",
      "Size of the tier.", offsetof(TierInfo, size) },
    { "raminate_tier_pages", "gauge",
      "Pages that are in the tier.", offsetof(TierInfo, pages) },
    { "raminate_tier_last_written_pages", "gauge",
      "Pages of the tier that the last scan found written.",
      offsetof(TierInfo, written) },
    { "raminate_tier_written_pages_total", "counter",
      "Pages of the tier found written, summed over all scans.",
      offsetof(TierInfo, total_written) },
};

static void append_tiers(GString *out, const GArray *all, unsigned metric)
{
    unsigned i, j;

    append_head(out, tier_metrics[metric].name, tier_metrics[metric].type,
                tier_metrics[metric].help);
    for (i = 0; i < all->len; i++) {
        const Labelled *one = &g_array_index(all, Labelled, i);

        for (j = 0; j < one->info->nr_tiers; j++) {
            const TierInfo *tier = &one->info->tiers[j];
            g_autoptr(GString) labels = g_string_new(one->labels);

            append_label(labels, "tier", tier->id);
            g_string_append_printf(out, "%s{%s,rank=\"%" G_GUINT64_FORMAT
                                   "\"}", tier_metrics[metric].name,
                                   labels->str, tier->rank);
            append_value(out, *(const guint64 *)
                              ((const char *)tier +
                               tier_metrics[metric].offset), 0);
        }
    }
}

static void append_own(GString *out, const MetricsOwn *own)
{
    append_head(out, "raminate_build_info", "gauge",
                "Version of the exporter; the value is 1.");
    g_string_append_printf(out, "raminate_build_info{version=\"%s\"} 1\n",
                           raminate_version);
    append_head(out, "raminate_exporter_sockets", "gauge",
                "Sockets and domains found.");
    g_string_append_printf(out, "raminate_exporter_sockets %u\n",
                           own->sockets);
    append_head(out, "raminate_exporter_left_out_sockets", "gauge",
                "Sockets and domains not asked, because there are too many.");
    g_string_append_printf(out, "raminate_exporter_left_out_sockets %u\n",
                           own->left_out);
    append_head(out, "raminate_exporter_collect_duration_seconds", "gauge",
                "Time that it took to ask all VMs.");
    g_string_append_printf(out, "raminate_exporter_collect_duration_seconds "
                           "%.6f\n", own->seconds);
    append_head(out, "raminate_libvirt_up", "gauge",
                "Whether libvirt has given the domains that run.");
    if (own->libvirt) {
        g_autoptr(GString) labels = g_string_new(NULL);

        append_label(labels, "uri", own->libvirt);
        g_string_append_printf(out, "raminate_libvirt_up{%s} %d\n",
                               labels->str, own->libvirt_answers);
    }
}

char *metrics_format(const GPtrArray *vms, const MetricsOwn *own)
{
    g_autoptr(GArray) all = label_containers(vms);
    GString *out = g_string_new(NULL);
    unsigned i;

    append_own(out, own);
    append_vms(out, vms);
    append_container_info(out, all);
    append_states(out, all);
    for (i = 0; i < G_N_ELEMENTS(metrics); i++) {
        append_metric(out, all, &metrics[i]);
    }
    append_saved(out, all);
    append_energies(out, all);
    append_times(out, all, "raminate_scan_duration_seconds",
                 "Time taken by scans since the guest's start.",
                 offsetof(ContainerInfo, scan_time));
    append_times(out, all, "raminate_batch_duration_seconds",
                 "Time taken by batches since the guest's start.",
                 offsetof(ContainerInfo, batch_time));
    append_times(out, all, "raminate_pause_duration_seconds",
                 "Time for which batches paused the vCPUs since the guest's "
                 "start.", offsetof(ContainerInfo, pause_time));
    append_times(out, all, "raminate_main_loop_duration_seconds",
                 "Time for which scans and batches held QEMU's main loop since "
                 "the guest's start.",
                 offsetof(ContainerInfo, main_loop_time));
    append_times(out, all, "raminate_cpu_duration_seconds",
                 "Processor time that scans, second looks and batches took "
                 "since the guest's start.",
                 offsetof(ContainerInfo, cpu_time));
    for (i = 0; i < G_N_ELEMENTS(tier_metrics); i++) {
        append_tiers(out, all, i);
    }
    for (i = 0; i < all->len; i++) {
        g_free(g_array_index(all, Labelled, i).labels);
    }
    return g_string_free(out, FALSE);
}
