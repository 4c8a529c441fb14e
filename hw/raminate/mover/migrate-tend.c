/*
 * RAMinate: looks for pages that are not on the node that they are to be on
 *
 * The kernel moves pages of its own accord (balancing, compaction, demotion
 * under pressure), as do other programs (migratepages), and a page that is
 * touched for the first time goes where there is room.  Such pages are brought
 * back; those that do not stay are left where they are, as whoever moves them
 * would win in the end, and each time costs a copy.  They count to the tier
 * that they are in then, and other pages make up for it.
 *
 * The kernel also moves pages when a device pins them for long, if they are in
 * movable memory (VFIO; check_and_migrate_movable_pages() of 6.12).  Those
 * can't be moved until the device is gone, so they are not tried all the time.
 *
 * All pages of part of the guest are looked at in turn.  What moves pages moves
 * many; so that it is soon found, a page of each region is, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/raminate/mover/migrate-internal.h"

/*
 * So many regions are looked at before each batch, for some 300,000
 * instructions each; more if many pages were astray, one a region in the mean,
 * but no more once enough of them were.
 */
#define MIN_REGIONS 4
#define MAX_REGIONS 1024
#define REGIONS_FACTOR 8
#define MAX_ASTRAY 16384

/* Of these, so many at once, all of whose pages may have to be moved */
#define PIECE_REGIONS 2

/* The regions are looked at in this order, which jumps about; a prime. */
#define REGION_STRIDE 2654435761u

/* A page of each region is looked at once in so long; another one each time. */
#define PROBE_ALL_MS 10000
#define PROBE_STRIDE 197        /* has no divisor in common with a region */

/* More regions wait for their turn. */
#define MAX_SUSPECTS MAX_REGIONS

/*
 * A page that was brought back so often in so long is left where it is; so is
 * one that the kernel was so often too busy to bring back.
 */
#define MAX_RETURNS 3
#define RETURNS_MS (10 * 60 * 1000)

/*
 * Where none of some pages could be moved, few are tried after a while, and
 * after twice as long each time: for each, the kernel takes the page from the
 * guest ten times (NR_MAX_MIGRATE_PAGES_RETRY of 6.12).
 */
#define MIN_STUCK_MS 1000
#define MAX_STUCK_MS (60 * 1000)
#define STUCK_PAGES 16

static int64_t get_ms(void)
{
    return qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
}

static uint32_t count_regions(const RaminateMemory *memory)
{
    return raminate_regions_count(
        raminate_placement_pages(memory->placement));
}

void migrate_tend_init(MigrateMover *mover)
{
    mover->regions = mover->left = MIN_REGIONS;
    mover->probed_ms = mover->returns_ms = get_ms();
    mover->suspects = g_array_new(false, false, sizeof(uint32_t));
}

void migrate_tend_end(MigrateMover *mover)
{
    g_array_free(mover->suspects, true);
    raminate_regions_free(mover->returns);
    raminate_regions_free(mover->failures);
}

static bool is_astray(const MigrateCall *call, size_t i)
{
    return call->status[i] >= 0 && call->status[i] != call->nodes[i];
}

/* Pages that don't stay */

static void forget_returns(MigrateMover *mover)
{
    int64_t now = get_ms();

    if (now - mover->returns_ms >= RETURNS_MS) {
        g_clear_pointer(&mover->returns, raminate_regions_free);
        g_clear_pointer(&mover->failures, raminate_regions_free);
        mover->returns_ms = now;
    }
}

/* @counts: of pages, of which there are @nr_pages; made if need be */
static void count_page(RaminateRegions **counts, uint32_t nr_pages,
                       uint32_t page)
{
    uint8_t *count;

    if (!*counts) {
        *counts = raminate_regions_new(nr_pages, sizeof(*count));
    }
    if (*counts) {
        count = raminate_regions_need(*counts, page);
        *count = MIN(*count + 1, MAX_RETURNS);
    }
}

/*
 * Notes what has become of a page of @call.
 * Returns: whether the kernel was too busy to move it.
 */
static bool note_return(MigrateMover *mover, const MigrateCall *call, size_t i)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t nr_pages = raminate_placement_pages(memory->placement);
    uint32_t page = ((uint8_t *)call->addrs[i] - memory->host) >>
                    RAMINATE_PAGE_BITS;
    bool busy = call->status[i] == -EBUSY || call->status[i] == -EAGAIN;

    if (call->status[i] == call->nodes[i]) {
        count_page(&mover->returns, nr_pages, page);
    } else if (busy) {
        count_page(&mover->failures, nr_pages, page);
    }
    return busy;
}

/* Returns: whether @page was counted as often as it can be. */
static bool is_often(const RaminateRegions *counts, uint32_t page)
{
    const uint8_t *count = counts ? raminate_regions_get(counts, page) : NULL;

    return count && *count == MAX_RETURNS;
}

/*
 * Returns: whether @page is left on @node, which has to be that of the fastest
 * or the slowest tier: pages go from the one to the other to make up for it.
 */
static bool leave(const RaminateMemory *memory, uint32_t page, int node,
                  GArray *left)
{
    unsigned last = memory->nr_tiers - 1;
    unsigned from = raminate_placement_tier(memory->placement, page);
    RaminateStray stray = { .page = page, .to = from ? 0 : last };

    if ((from && from != last) || memory->tiers[stray.to].node != node) {
        return false;
    }
    g_array_append_val(left, stray);
    return true;
}

/* Returns: whether @page, which is on @node, is to be brought back. */
static bool is_to_return(const MigrateMover *mover, uint32_t page, int node,
                         RaminateTended *tended)
{
    bool is_stuck = is_often(mover->failures, page);

    if (tended->may_leave &&
        (is_stuck || is_often(mover->returns, page)) &&
        leave(mover->parent.memory, page, node, tended->left)) {
        return false;
    }
    return !is_stuck;
}

/* Regions as a whole */

/* Adds those pages of @region to @astray that are to be brought back. */
static void look_at_region(MigrateMover *mover, uint32_t region,
                           MigrateCall *call, GArray *astray,
                           RaminateTended *tended)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t nr_pages = raminate_placement_pages(memory->placement);
    uint32_t first = region << RAMINATE_REGION_BITS;
    uint32_t end = MIN((uint64_t)first + RAMINATE_REGION_PAGES, nr_pages);

    call->nr = 0;
    for (uint32_t page = first; page < end; page++) {
        migrate_add_page(call, memory, page, migrate_node_of(memory, page));
    }
    if (migrate_find_pages(call) < 0) {
        return;
    }
    for (uint32_t page = first; page < end; page++) {
        size_t i = page - first;

        if (is_astray(call, i)) {
            tended->astray++;
            if (is_to_return(mover, page, call->status[i], tended)) {
                g_array_append_val(astray, page);
            }
        }
    }
}

/*
 * Moves the pages of @call to @tier.
 * Returns: false if there is no room, or if the kernel was too busy to move any
 * of them: then others are not worth a try for a while.
 */
static bool bring_some_back(MigrateMover *mover, MigrateCall *call,
                            unsigned tier)
{
    size_t nr_busy = 0;
    bool stuck;

    if (get_ms() < mover->stuck_until_ms ||
        !migrate_has_room(mover, tier, call->nr)) {
        return false;
    }
    if (mover->stuck_ms) {
        call->nr = MIN(call->nr, STUCK_PAGES);
    }
    migrate_split_and_move(call);
    for (size_t i = 0; i < call->nr; i++) {
        nr_busy += note_return(mover, call, i);
    }
    stuck = nr_busy == call->nr;
    call->nr = 0;
    mover->stuck_ms = !stuck ? 0
                      : mover->stuck_ms ? MIN(2 * mover->stuck_ms, MAX_STUCK_MS)
                      : MIN_STUCK_MS;
    mover->stuck_until_ms = get_ms() + mover->stuck_ms;
    return !stuck;
}

/* Brings those back that are to be in @tier. */
static void bring_back(MigrateMover *mover, const GArray *astray,
                       MigrateCall *call, unsigned tier)
{
    const RaminateMemory *memory = mover->parent.memory;

    call->nr = 0;
    for (guint i = 0; i < astray->len; i++) {
        uint32_t page = g_array_index(astray, uint32_t, i);

        if (raminate_placement_tier(memory->placement, page) == tier) {
            migrate_add_page(call, memory, page, memory->tiers[tier].node);
        }
        if ((call->nr == MIGRATE_CALL_PAGES ||
             (call->nr && i + 1 == astray->len)) &&
            !bring_some_back(mover, call, tier)) {
            return;
        }
    }
}

/* Returns: the region to look at next. */
static uint32_t next_region(MigrateMover *mover, uint32_t nr_regions)
{
    GArray *suspects = mover->suspects;
    uint32_t region;

    if (!suspects->len) {
        return mover->looked++ * REGION_STRIDE % nr_regions;
    }
    region = g_array_index(suspects, uint32_t, suspects->len - 1);
    g_array_set_size(suspects, suspects->len - 1);
    return region;
}

static void look_at_some(MigrateMover *mover, MigrateCall *call,
                         RaminateTended *tended)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t nr_regions = count_regions(memory);
    g_autoptr(GArray) astray = g_array_new(false, false, sizeof(uint32_t));
    uint32_t nr = MIN(MIN(mover->left, nr_regions), PIECE_REGIONS);

    for (uint32_t i = 0; i < nr; i++) {
        look_at_region(mover, next_region(mover, nr_regions), call, astray,
                       tended);
    }
    /* Whatever goes down makes room for what goes up. */
    for (unsigned tier = memory->nr_tiers; tier-- > 0;) {
        bring_back(mover, astray, call, tier);
    }
    mover->astray += astray->len + tended->left->len;
    mover->left -= nr;
}

/* A page of each region */

/* Begins anew, before a batch; the more often, the fewer regions. */
static void begin_probes(MigrateMover *mover)
{
    uint32_t nr_regions = count_regions(mover->parent.memory);
    int64_t now = get_ms();
    uint64_t due = (uint64_t)nr_regions * (now - mover->probed_ms) /
                   PROBE_ALL_MS;

    if (due) {
        mover->probes = MIN(due, nr_regions);
        mover->probed_ms = now;
    }
}

static void probe_some(MigrateMover *mover, MigrateCall *call)
{
    const RaminateMemory *memory = mover->parent.memory;
    uint32_t nr_pages = raminate_placement_pages(memory->placement);
    uint32_t nr_regions = count_regions(memory);
    uint32_t nr = MIN(mover->probes, MIGRATE_CALL_PAGES);
    uint64_t first = mover->probed;

    call->nr = 0;
    for (uint32_t i = 0; i < nr; i++, mover->probed++) {
        uint64_t offset = mover->probed / nr_regions * PROBE_STRIDE %
                          RAMINATE_REGION_PAGES;
        uint64_t page = mover->probed % nr_regions * RAMINATE_REGION_PAGES +
                        offset;

        page = MIN(page, nr_pages - 1);
        migrate_add_page(call, memory, page, migrate_node_of(memory, page));
    }
    mover->probes -= nr;
    if (migrate_find_pages(call) < 0) {
        return;
    }
    for (uint32_t i = 0; i < nr && mover->suspects->len < MAX_SUSPECTS; i++) {
        if (is_astray(call, i)) {
            uint32_t region = (first + i) % nr_regions;

            g_array_append_val(mover->suspects, region);
        }
    }
}

/* Returns: whether there is more to look at before the next batch. */
static bool has_more(MigrateMover *mover)
{
    uint32_t nr_regions = count_regions(mover->parent.memory);

    if (mover->probes || (mover->left && mover->astray < MAX_ASTRAY)) {
        return true;
    }
    mover->regions = mover->astray >= mover->regions
                     ? MIN(mover->regions * REGIONS_FACTOR, MAX_REGIONS)
                     : MAX(mover->regions / REGIONS_FACTOR, MIN_REGIONS);
    mover->left = MIN(MAX(mover->regions, mover->suspects->len), nr_regions);
    mover->astray = 0;
    return false;
}

void migrate_tend(RaminateMover *parent, RaminateTended *tended)
{
    MigrateMover *mover = container_of(parent, MigrateMover, parent);
    g_autofree MigrateCall *call = g_new(MigrateCall, 1);

    if (!mover->is_tending) {
        begin_probes(mover);
        forget_returns(mover);
    }
    tended->astray = 0;
    if (mover->probes) {
        probe_some(mover, call);
    } else {
        look_at_some(mover, call, tended);
    }
    tended->more = mover->is_tending = has_more(mover);
}
