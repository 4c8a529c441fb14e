/*
 * RAMinate: what QEMU says of a container, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_INFO_H
#define RAMINATE_INFO_H

#include <json-glib/json-glib.h>

/* More than QEMU has, but not whatever a server may say. */
#define INFO_MAX_CONTAINERS 64
#define INFO_MAX_TIERS 16
#define INFO_MAX_BUCKETS 65536
#define INFO_MAX_ENERGIES 8
#define INFO_MAX_STRING 4096

#define INFO_ERROR (info_error_quark())

GQuark info_error_quark(void);

typedef struct TierInfo {
    char *id;
    guint64 rank;
    char *mem_path;
    guint64 phy_offset;
    guint64 size;
    guint64 pages;
    guint64 written;
    guint64 total_written;
} TierInfo;

/* Nanoseconds */
typedef struct TimesInfo {
    guint64 count;
    guint64 last;
    guint64 mean;
    guint64 p50;
    guint64 p90;
    guint64 p99;
    guint64 max;
    guint64 total;
} TimesInfo;

/* Estimates in joules */
typedef struct EnergyInfo {
    guint64 slow_write_cost;    /* times that of a fast one */
    double dram_only;
    double unmoved;             /* had no page been moved */
    double placed;
} EnergyInfo;

typedef struct ContainerInfo {
    char *id;
    guint64 size;
    guint64 page_size;
    char *state;
    char *held_because;         /* or NULL */
    char *policy;
    char *sampler;
    char *sampler_reason;       /* or NULL */
    char *mover;
    char *mover_reason;         /* or NULL */
    guint64 scan_period;
    guint64 swap_period;
    guint64 life_time;
    guint64 max_swaps;
    guint64 reverse_window;
    guint64 max_cpu;            /* per cent; 0 for no bound */
    guint64 fault_budget;       /* in a second; 0 for no bound */
    unsigned nr_tiers;
    TierInfo tiers[INFO_MAX_TIERS];     /* the fastest first */
    guint64 memory;
    guint64 scans;
    guint64 scans_put_off;
    double slow_share_last;     /* per cent; less than 0 if not known */
    guint64 batches;
    guint64 batches_given_up;
    guint64 swaps;
    guint64 swaps_failed;
    guint64 swaps_busy;
    guint64 swaps_no_room;
    guint64 swaps_reversed;
    guint64 swaps_held;
    guint64 pages_failed;
    guint64 pages_astray;
    guint64 pages_adopted;
    guint64 pages_resized;
    guint64 pages_to_resize;
    guint64 watch_faults;
    guint64 huge_pages;         /* bytes; 0 if not known */
    guint64 huge_splits;
    guint64 huge_collapses;
    guint64 huge_moves;
    gint64 slow_writes_saved;   /* pages; less than 0 if it did harm */
    guint64 slow_writes_by_swaps;
    unsigned nr_energies;
    EnergyInfo energies[INFO_MAX_ENERGIES];
    guint64 mappings;
    guint64 mappings_limit;     /* 0 if there is none */
    TimesInfo scan_time;
    TimesInfo batch_time;
    TimesInfo pause_time;
    TimesInfo main_loop_time;
    TimesInfo cpu_time;
} ContainerInfo;

void container_info_free(ContainerInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerInfo, container_info_free)

/* Returns: what query-raminate returned, ContainerInfo; or NULL. */
GPtrArray *container_info_parse(JsonNode *node, GError **error);

/* Sums over all scans: of all tiers, and of all but the fastest. */
guint64 container_info_written(const ContainerInfo *info);
guint64 container_info_written_slow(const ContainerInfo *info);

/*
 * Returns: part of the slow writes that moving pages has saved, the writes of
 * swaps taken off; less than 0 if it did harm, 0 if there were none.
 */
double container_info_saved(const ContainerInfo *info);

typedef struct MapBucket {
    guint8 heat;
    guint8 hottest;
    guint8 slow_tier;           /* most of the pages not in the fastest */
    float fast;                 /* part of the pages in the fastest tier */
} MapBucket;

typedef struct MapInfo {
    guint64 pages;
    guint64 pages_per_bucket;
    unsigned nr_tiers;
    char *tiers[INFO_MAX_TIERS];
    unsigned nr_buckets;
    MapBucket *buckets;
} MapInfo;

void map_info_free(MapInfo *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MapInfo, map_info_free)

/* Returns: what query-raminate-map returned; or NULL. */
MapInfo *map_info_parse(JsonNode *node, GError **error);

#endif
