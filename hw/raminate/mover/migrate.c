/*
 * RAMinate: the mover that has the host's kernel migrate pages between nodes
 *
 * move_pages(2) copies a page and puts the copy in its place while the guest
 * runs on; whoever touches it meanwhile waits for that page alone.  Tiers are
 * nodes, and frames the kernel's: of an exchange, the page that gives up its
 * place goes first, so that there is room for the other.
 *
 * The kernel moves the whole of a huge page, whichever of its pages is asked
 * for.  A page that is to move alone is taken out of it first; two regions that
 * change places stay in one piece, for a third of the cost.
 *
 * The kernel complains in its log about a node that it has no room on, with a
 * backtrace; so it is not asked to move pages to one that is nearly full.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/lockable.h"
#include "hw/raminate/engine/huge-plan.h"
#include "hw/raminate/mover/migrate-internal.h"
#include <numa.h>
#include <numaif.h>

/* A page that is still under way is asked for so often. */
#define TRIES 3

/*
 * Returns: of how many free bytes on @node the kernel begins to make more, and
 * of which it keeps some for itself; 0 if it doesn't say.
 */
static uint64_t read_reserve(int node)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    uint64_t pages = 0;
    bool is_it = false;

    if (!g_file_get_contents("/proc/zoneinfo", &text, NULL, NULL)) {
        return 0;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        unsigned value;

        if (sscanf(*line, "Node %u, zone", &value) == 1) {
            is_it = value == node;
        } else if (is_it && sscanf(*line, " high %u", &value) == 1) {
            pages += value;
        }
    }
    return pages * qemu_real_host_page_size();
}

bool migrate_has_room(const MigrateMover *mover, unsigned tier, size_t nr)
{
    long long unused = 0;

    if (numa_node_size64(mover->parent.memory->tiers[tier].node,
                         &unused) < 0) {
        /* It has gone offline, unless /sys is out of sight. */
        return access("/sys/devices/system/node", F_OK) < 0;
    }
    return unused >= mover->reserve[tier] + (nr << RAMINATE_PAGE_BITS);
}

static RaminateMover *migrate_open(RaminateMemory *memory, Error **errp)
{
    MigrateMover *mover = g_new0(MigrateMover, 1);

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        mover->reserve[i] = read_reserve(memory->tiers[i].node);
    }

    mover->parent.ops = &raminate_mover_migrate;
    mover->parent.memory = memory;
    migrate_tend_init(mover);
    return &mover->parent;
}

static void migrate_close(RaminateMover *parent)
{
    MigrateMover *mover = container_of(parent, MigrateMover, parent);

    migrate_tend_end(mover);
    g_free(mover);
}

void migrate_add_page(MigrateCall *call, const RaminateMemory *memory,
                      uint32_t page, int node)
{
    call->addrs[call->nr] = raminate_memory_page(memory, page);
    call->nodes[call->nr] = node;
    call->status[call->nr++] = -EAGAIN;
}

int migrate_find_pages(MigrateCall *call)
{
    return move_pages(0, call->nr, call->addrs, NULL, call->status, 0) < 0
           ? -errno : 0;
}

bool migrate_is_there(const MigrateCall *call, size_t i)
{
    return call->status[i] == call->nodes[i] || call->status[i] == -ENOENT ||
           call->status[i] == -EFAULT;
}

/* One system call.  Returns: as move_call(). */
static int move_once(MigrateCall *call, bool *again)
{
    int moved[MIGRATE_CALL_PAGES];
    bool all_there = true;
    int ret = move_pages(0, call->nr, call->addrs, call->nodes, call->status,
                         MPOL_MF_MOVE) < 0 ? -errno : 0;

    *again = false;
    /* A node that has gone offline has no room, until it is there again. */
    if (ret == -ENODEV) {
        ret = -ENOMEM;
    }
    /* It ends at the first page for which there is no room. */
    if (ret < 0 && ret != -ENOMEM) {
        return ret;
    }
    memcpy(moved, call->status, sizeof(moved));
    for (size_t i = 0; i < call->nr; i++) {
        all_there &= moved[i] == call->nodes[i];
    }
    if (all_there || migrate_find_pages(call) < 0) {
        return 0;
    }
    for (size_t i = 0; i < call->nr; i++) {
        if (!migrate_is_there(call, i)) {
            *again |= !ret && (moved[i] == -EBUSY || moved[i] == -EAGAIN);
            call->status[i] = ret < 0 ? ret : moved[i] < 0 ? moved[i] : -EBUSY;
        }
    }
    return 0;
}

/*
 * Moves pages.  While the kernel has one under way, for us or of its own
 * accord, it says that there is none, or that it is busy, of others of a huge
 * page as well; so it is asked again before it is believed.
 * Returns: 0, or -errno if the system call has failed.
 */
static int move_call(MigrateCall *call)
{
    bool again = call->nr;
    int ret = 0;

    for (unsigned i = 0; again && i < TRIES && ret == 0; i++) {
        ret = move_once(call, &again);
    }
    return ret;
}

/* Takes pages out of the huge pages that they are in. */
static void split(const MigrateCall *call)
{
    g_autoptr(GHashTable) regions = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < call->nr; i++) {
        uintptr_t region = (uintptr_t)call->addrs[i] / RAMINATE_REGION_SIZE;

        /*
         * It only says that the page is not used; but Linux splits a huge page
         * of which that is said of a part (madvise_cold_or_pageout_pte_range()
         * of 6.12).  Memory that is locked stays whole, and moves so.
         */
        if (g_hash_table_add(regions, (gpointer)region)) {
            madvise(call->addrs[i], RAMINATE_PAGE_SIZE, MADV_COLD);
        }
    }
}

/* At once, since the kernel puts huge pages together again as it likes. */
int migrate_split_and_move(MigrateCall *call)
{
    split(call);
    return move_call(call);
}

/* Which of the two pages of a move leaves the faster tier. */
static uint32_t page_down(const RaminateMemory *memory,
                          const RaminateMove *move)
{
    return raminate_placement_tier(memory->placement, move->page) <
           raminate_placement_tier(memory->placement, move->with)
           ? move->page : move->with;
}

static uint32_t page_up(const RaminateMemory *memory, const RaminateMove *move)
{
    return page_down(memory, move) == move->page ? move->with : move->page;
}

int migrate_node_of(const RaminateMemory *memory, uint32_t page)
{
    return memory->tiers[raminate_placement_tier(memory->placement,
                                                 page)].node;
}

/* @up: whether the pages that leave the slower tier move, or the others */
static void fill_call(MigrateCall *call, const RaminateMemory *memory,
                      const RaminateMove *moves, size_t nr, bool up)
{
    call->nr = 0;
    for (size_t i = 0; i < nr; i++) {
        uint32_t from_fast = page_down(memory, &moves[i]);
        uint32_t from_slow = page_up(memory, &moves[i]);

        migrate_add_page(call, memory, up ? from_slow : from_fast,
                         migrate_node_of(memory, up ? from_fast : from_slow));
    }
}

/* Puts @call's pages of moves that were not made in full back. */
static void undo(MigrateCall *call, const RaminateMemory *memory,
                 const RaminateMove *moves, size_t nr)
{
    call->nr = 0;
    for (size_t i = 0; i < nr; i++) {
        if (moves[i].status == RAMINATE_MOVE_FAILED) {
            uint32_t down = page_down(memory, &moves[i]);

            migrate_add_page(call, memory, down, migrate_node_of(memory, down));
        }
    }
    /* Those that don't, because the node is full, are found astray later. */
    move_call(call);
}

/*
 * Moves those of @moves that are pending, as many as fit into a call.
 * @whole: they are of two regions, which stay in one piece if they are
 */
static int exchange_some(const RaminateMemory *memory, RaminateMove *moves,
                         size_t nr, bool whole)
{
    int (*move)(MigrateCall *call) = whole ? move_call : migrate_split_and_move;
    g_autofree MigrateCall *downs = g_new(MigrateCall, 1);
    g_autofree MigrateCall *ups = g_new(MigrateCall, 1);
    bool failed = false;
    int ret;

    fill_call(downs, memory, moves, nr, false);
    fill_call(ups, memory, moves, nr, true);
    ret = move(downs);
    if (ret < 0) {
        return ret;
    }
    for (size_t i = 0; i < nr; i++) {
        if (!migrate_is_there(downs, i)) {
            /* There is no room for the other one: it is to stay. */
            ups->nodes[i] = migrate_node_of(memory, page_up(memory, &moves[i]));
        }
    }
    ret = move(ups);
    for (size_t i = 0; i < nr; i++) {
        if (ret == 0 && migrate_is_there(downs, i) &&
            migrate_is_there(ups, i)) {
            moves[i].status = RAMINATE_MOVE_DONE;
            raminate_memory_exchanged(memory, moves[i].page, moves[i].with);
        } else {
            moves[i].status = RAMINATE_MOVE_FAILED;
            moves[i].error = ret < 0 ? -ret
                             : !migrate_is_there(downs, i) ? -downs->status[i]
                                                   : -ups->status[i];
            failed = true;
        }
    }
    if (failed) {
        undo(downs, memory, moves, nr);
    }
    return ret;
}

static bool migrate_begin(RaminateMover *mover, Error **errp)
{
    return true;
}

static uint64_t migrate_end(RaminateMover *mover)
{
    return 0;
}

static unsigned tier_down(const RaminateMemory *memory,
                          const RaminateMove *move)
{
    return MAX(raminate_placement_tier(memory->placement, move->page),
               raminate_placement_tier(memory->placement, move->with));
}

/* Whether the two pages only change places in the placement. */
static bool is_level(const RaminateMemory *memory, const RaminateMove *move)
{
    return migrate_node_of(memory, move->page) ==
           migrate_node_of(memory, move->with);
}

/*
 * Returns: how many moves from the first on go down to the same tier, as many
 * as fit into a call.
 */
static size_t same_down(const RaminateMemory *memory,
                        const RaminateMove *moves, size_t nr)
{
    size_t n = 1;

    while (n < MIN(nr, MIGRATE_CALL_PAGES) && !is_level(memory, &moves[n]) &&
           tier_down(memory, &moves[n]) == tier_down(memory, &moves[0])) {
        n++;
    }
    return n;
}

/*
 * Whether the first moves exchange two regions, each of which is in one tier:
 * only then all of a huge page is to go where one of its pages is.
 */
static bool is_whole(const RaminateMemory *memory, const RaminateMove *moves,
                     size_t nr)
{
    const RaminatePlacement *placement = memory->placement;

    if (!raminate_is_whole_region(moves, nr)) {
        return false;
    }
    for (size_t i = 1; i < RAMINATE_REGION_PAGES; i++) {
        if (raminate_placement_tier(placement, moves[i].page) !=
            raminate_placement_tier(placement, moves[0].page) ||
            raminate_placement_tier(placement, moves[i].with) !=
            raminate_placement_tier(placement, moves[0].with)) {
            return false;
        }
    }
    return true;
}

void migrate_no_room(RaminateMove *moves, size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        moves[i].status = RAMINATE_MOVE_FAILED;
        moves[i].error = ENOMEM;
    }
}

RaminateExchangeResult migrate_call_failed(const RaminateMemory *memory,
                                          int ret, Error **errp)
{
    error_setg_errno(errp, -ret, "%s '%s': the host's kernel can't move pages",
                     memory->type, memory->id);
    return ret == -EINTR ? RAMINATE_EXCHANGE_REFUSED
                         : RAMINATE_EXCHANGE_BROKEN;
}

static RaminateExchangeResult migrate_exchange(RaminateMover *parent,
                                               RaminateMove *moves, size_t nr,
                                               int64_t deadline, Error **errp)
{
    MigrateMover *mover = container_of(parent, MigrateMover, parent);
    const RaminateMemory *memory = parent->memory;
    size_t n;

    for (size_t i = 0; i < nr; i += n) {
        bool whole;
        int ret = 0;

        if (is_level(memory, &moves[i])) {
            moves[i].status = RAMINATE_MOVE_DONE;
            raminate_memory_exchanged(memory, moves[i].page, moves[i].with);
            n = 1;
            continue;
        }
        whole = is_whole(memory, &moves[i], nr - i);
        n = whole ? RAMINATE_REGION_PAGES
                  : same_down(memory, &moves[i], nr - i);
        if (migrate_has_room(mover, tier_down(memory, &moves[i]), n)) {
            ret = exchange_some(memory, &moves[i], n, whole);
        } else {
            migrate_no_room(&moves[i], n);
        }
        if (ret < 0) {
            return migrate_call_failed(memory, ret, errp);
        }
    }
    return RAMINATE_EXCHANGE_OK;
}

/* It makes none. */
static uint32_t migrate_mappings(const RaminateMover *mover, uint32_t *limit)
{
    *limit = 0;
    return mover->memory->nr_tiers;
}

const RaminateMoverOps raminate_mover_migrate = {
    .part = {
        .type = RAMINATE_MOVER_TYPE_MIGRATE,
        .backings = RAMINATE_OF_NODES,
    },
    .open = migrate_open,
    .close = migrate_close,
    .begin = migrate_begin,
    .exchange = migrate_exchange,
    .end = migrate_end,
    .give = migrate_give,
    .tend = migrate_tend,
    .mappings = migrate_mappings,
};
