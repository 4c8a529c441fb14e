/*
 * RAMinate: the last move of each page that moved lately
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/moves.h"
#include "hw/raminate/engine/page-table.h"

/* So that nobody waits for long, however many there are */
#define FORGET_AT_ONCE 4096

typedef struct MovedPage {
    RaminatePastMove last;
    uint32_t page;
    GList link;                 /* in by_time; its data is this */
} MovedPage;

struct RaminateMoves {
    GHashTable *pages;          /* page number to its MovedPage */
    GQueue by_time;             /* all of them, the longest ago first */
};

RaminateMoves *raminate_moves_new(void)
{
    RaminateMoves *moves = g_new0(RaminateMoves, 1);

    moves->pages = raminate_page_table_new();
    g_queue_init(&moves->by_time);
    return moves;
}

void raminate_moves_free(RaminateMoves *moves)
{
    g_hash_table_destroy(moves->pages);
    g_free(moves);
}

static MovedPage *find_page(const RaminateMoves *moves, uint32_t page)
{
    return g_hash_table_lookup(moves->pages, GUINT_TO_POINTER(page));
}

void raminate_moves_forget(RaminateMoves *moves, int64_t window_ms,
                           int64_t now)
{
    for (unsigned i = 0; i < FORGET_AT_ONCE &&
         moves->by_time.length > RAMINATE_MOVES_KEPT; i++) {
        MovedPage *oldest = moves->by_time.head->data;

        if (oldest->last.ms >= now - window_ms) {
            break;
        }
        g_queue_unlink(&moves->by_time, &oldest->link);
        g_hash_table_remove(moves->pages, GUINT_TO_POINTER(oldest->page));
    }
}

bool raminate_moves_note(RaminateMoves *moves, int64_t window_ms,
                         uint32_t page, const RaminatePastMove *move)
{
    MovedPage *moved = find_page(moves, page);
    bool back = moved && moved->last.ms >= move->ms - window_ms &&
                moved->last.from == move->to;

    if (moved) {
        g_queue_unlink(&moves->by_time, &moved->link);
    } else {
        moved = g_new0(MovedPage, 1);
        moved->page = page;
        moved->link.data = moved;
        g_hash_table_insert(moves->pages, GUINT_TO_POINTER(page), moved);
    }
    moved->last = *move;
    g_queue_push_tail_link(&moves->by_time, &moved->link);
    raminate_moves_forget(moves, window_ms, move->ms);
    return back;
}

const RaminatePastMove *raminate_moves_last(const RaminateMoves *moves,
                                            uint32_t page)
{
    const MovedPage *moved = find_page(moves, page);

    return moved ? &moved->last : NULL;
}

size_t raminate_moves_latest(const RaminateMoves *moves,
                             RaminateLatestMove *pages, size_t max)
{
    size_t nr = 0;

    for (const GList *link = moves->by_time.tail; link && nr < max;
         link = link->prev) {
        const MovedPage *moved = link->data;

        pages[nr++] = (RaminateLatestMove) { moved->page, moved->last };
    }
    return nr;
}

size_t raminate_moves_memory(const RaminateMoves *moves)
{
    return raminate_page_table_memory(moves->pages, sizeof(MovedPage));
}
