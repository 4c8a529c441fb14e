/*
 * RAMinate: a map of where a guest's pages are and how hot they are
 *
 * Each page that was moved or written counts, which takes long in a large
 * guest.  So the map is made in steps, between which the main loop does what
 * else there is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "block/aio.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "hw/raminate/placer-internal.h"

#define DEFAULT_BUCKETS 256
#define MAX_BUCKETS 65536

/* For so long the main loop is held in one piece. */
#define PIECE_NS (500 * SCALE_US)

/* After so many pages, at most, it looks at the clock. */
#define STEP_PAGES (64 * RAMINATE_REGION_PAGES)

/* What has been counted of a bucket */
typedef struct Bucket {
    uint32_t first;             /* page */
    uint32_t nr;
    uint32_t tiers[RAMINATE_MAX_TIERS];
    uint64_t heat;              /* of all of them */
    unsigned hottest;
} Bucket;

typedef struct MapWork {
    RaminateMap *map;
    RaminateMapBucketList **tail;
    unsigned nr_tiers;
    Bucket bucket;              /* the next one */
} MapWork;

static void begin(MapWork *work, const RaminatePlacer *placer,
                  uint32_t buckets)
{
    uint32_t nr_pages = raminate_placer_pages(placer);
    RaminateMap *map = g_new0(RaminateMap, 1);
    strList **tail = &map->tiers;

    map->id = g_strdup(placer->memory->id);
    map->pages = nr_pages;
    /* In 64 bits: there can be nearly 2^32 pages. */
    map->pages_per_bucket = DIV_ROUND_UP((uint64_t)nr_pages,
                                         MIN(buckets, nr_pages));
    for (unsigned i = 0; i < placer->memory->nr_tiers; i++) {
        QAPI_LIST_APPEND(tail, g_strdup(placer->memory->tiers[i].id));
    }
    *work = (MapWork) {
        .map = map,
        .tail = &map->buckets,
        .nr_tiers = placer->memory->nr_tiers,
    };
}

static void end_bucket(MapWork *work)
{
    const Bucket *bucket = &work->bucket;
    RaminateMapBucket *info = g_new0(RaminateMapBucket, 1);
    uint32List **tail = &info->tiers;

    for (unsigned i = 0; i < work->nr_tiers; i++) {
        QAPI_LIST_APPEND(tail, bucket->tiers[i]);
    }
    info->heat = bucket->heat / bucket->nr;
    info->hottest = bucket->hottest;
    QAPI_LIST_APPEND(work->tail, info);
    work->bucket = (Bucket) { .first = bucket->first + bucket->nr };
}

/* Counts some pages of a bucket.  Called with the placer's lock held. */
static void count_step(MapWork *work, const RaminatePlacer *placer)
{
    Bucket *bucket = &work->bucket;
    uint32_t first = bucket->first + bucket->nr;
    uint32_t size = MIN(work->map->pages_per_bucket,
                        work->map->pages - bucket->first);
    uint32_t nr = MIN(size - bucket->nr, STEP_PAGES);

    raminate_placement_count(placer->memory->placement, first, first + nr,
                             bucket->tiers);
    bucket->heat += raminate_heat_sum(raminate_engine_heat(placer->engine),
                                      first, first + nr, &bucket->hottest);
    bucket->nr += nr;
    if (bucket->nr == size) {
        end_bucket(work);
    }
}

/* Returns: whether the map is complete. */
static bool count_piece(MapWork *work, RaminatePlacer *placer)
{
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    raminate_placer_lock(placer);
    while (work->bucket.first < work->map->pages &&
           qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start < PIECE_NS) {
        count_step(work, placer);
    }
    raminate_placer_unlock(placer);
    raminate_placer_note_main_loop(placer, start);
    return work->bucket.first == work->map->pages;
}

/* Lets the main loop do what else there is. */
static void coroutine_fn let_others(void)
{
    aio_co_schedule(qemu_get_aio_context(), qemu_coroutine_self());
    qemu_coroutine_yield();
}

RaminateMap *coroutine_fn
qmp_query_raminate_map(const char *id, bool has_buckets, uint32_t buckets,
                       Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);
    MapWork work;

    if (!placer) {
        return NULL;
    }
    if (!has_buckets) {
        buckets = DEFAULT_BUCKETS;
    }
    if (buckets < 1 || buckets > MAX_BUCKETS) {
        error_setg(errp, "%s '%s': buckets must be 1 to "
                   "%d, not %" PRIu32, raminate_placer_type(placer), id,
                   MAX_BUCKETS, buckets);
        return NULL;
    }
    begin(&work, placer, buckets);
    while (!count_piece(&work, placer)) {
        let_others();
        placer = raminate_placer_find(id, NULL);
        if (!placer || raminate_placer_pages(placer) != work.map->pages ||
            placer->memory->nr_tiers != work.nr_tiers) {
            error_setg(errp, "'%s' was removed while its map was made", id);
            qapi_free_RaminateMap(work.map);
            return NULL;
        }
    }
    return work.map;
}
