/*
 * RAMinate: moves are remembered, and those that go back are told
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>

#include "hw/raminate/engine/moves.h"

#define WINDOW_MS 1000

/* Moves @page from tier @from to tier @to. */
static bool note(RaminateMoves *moves, int64_t ms, uint32_t page,
                 unsigned from, unsigned to)
{
    RaminatePastMove move = { .ms = ms, .from = from, .to = to };

    return raminate_moves_note(moves, WINDOW_MS, page, &move);
}

static void test_back_within_window(void)
{
    RaminateMoves *moves = raminate_moves_new();

    g_assert_false(note(moves, 5000, 7, 1, 0));
    g_assert_false(note(moves, 5100, 8, 0, 1));
    g_assert_true(note(moves, 6000, 7, 0, 1));
    g_assert_true(note(moves, 7000, 7, 1, 0));
    g_assert_false(note(moves, 8001, 7, 0, 1));
    raminate_moves_free(moves);
}

static void test_on_to_another_tier(void)
{
    RaminateMoves *moves = raminate_moves_new();

    g_assert_false(note(moves, 0, 7, 2, 1));
    g_assert_false(note(moves, 10, 7, 1, 0));
    g_assert_true(note(moves, 20, 7, 0, 1));
    raminate_moves_free(moves);
}

static void test_latest_moves(void)
{
    RaminateMoves *moves = raminate_moves_new();
    RaminateLatestMove latest[3];

    g_assert_cmpuint(raminate_moves_latest(moves, latest, 3), ==, 0);
    note(moves, 1, 7, 1, 0);
    note(moves, 2, 8, 0, 1);
    note(moves, 3, 9, 1, 0);
    note(moves, 4, 7, 0, 2);
    g_assert_cmpuint(raminate_moves_latest(moves, latest, 3), ==, 3);
    g_assert_cmpuint(latest[0].page, ==, 7);
    g_assert_cmpuint(latest[0].move.to, ==, 2);
    g_assert_cmpint(latest[0].move.ms, ==, 4);
    g_assert_cmpuint(latest[1].page, ==, 9);
    g_assert_cmpuint(latest[2].page, ==, 8);
    g_assert_cmpuint(raminate_moves_latest(moves, latest, 2), ==, 2);
    g_assert_cmpuint(latest[1].page, ==, 9);
    raminate_moves_free(moves);
}

static void test_last_move(void)
{
    RaminateMoves *moves = raminate_moves_new();
    RaminatePastMove first = { .ms = 1, .policy = "cmq", .with = 9, .from = 1,
                           .heat = 200 };
    RaminatePastMove second = { .ms = 2, .with = 5, .to = 1 };
    const RaminatePastMove *last;

    g_assert_null(raminate_moves_last(moves, 0));
    raminate_moves_note(moves, WINDOW_MS, 0, &first);
    last = raminate_moves_last(moves, 0);
    g_assert_cmpint(last->ms, ==, 1);
    g_assert_cmpstr(last->policy, ==, "cmq");
    g_assert_cmpuint(last->with, ==, 9);
    g_assert_cmpuint(last->from, ==, 1);
    g_assert_cmpuint(last->to, ==, 0);
    g_assert_cmpuint(last->heat, ==, 200);
    raminate_moves_note(moves, WINDOW_MS, 0, &second);
    last = raminate_moves_last(moves, 0);
    g_assert_cmpint(last->ms, ==, 2);
    g_assert_null(last->policy);
    g_assert_null(raminate_moves_last(moves, 1));
    raminate_moves_free(moves);
}

/* Few are kept for ever; of many, those of the window, and the last ones. */
static void test_forgets_if_there_are_many(void)
{
    RaminateMoves *moves = raminate_moves_new();

    for (uint32_t page = 0; page < RAMINATE_MOVES_KEPT; page++) {
        note(moves, 0, page, 1, 0);
    }
    note(moves, 10 * WINDOW_MS, 0, 0, 1);
    g_assert_nonnull(raminate_moves_last(moves, 1));

    /* One too many: the one that moved longest ago */
    note(moves, 10 * WINDOW_MS, RAMINATE_MOVES_KEPT, 1, 0);
    g_assert_nonnull(raminate_moves_last(moves, 0));
    g_assert_null(raminate_moves_last(moves, 1));
    g_assert_nonnull(raminate_moves_last(moves, 2));
    raminate_moves_free(moves);
}

/* A burst is remembered for as long as the window, and forgotten by itself. */
static void test_forgets_while_nothing_moves(void)
{
    RaminateMoves *moves = raminate_moves_new();
    size_t few;

    for (uint32_t page = 0; page < RAMINATE_MOVES_KEPT; page++) {
        note(moves, 0, page, 1, 0);
    }
    few = raminate_moves_memory(moves);
    g_assert_cmpuint(few, >, RAMINATE_MOVES_KEPT * sizeof(RaminatePastMove));
    for (uint32_t page = 0; page < 8 * RAMINATE_MOVES_KEPT; page++) {
        note(moves, 1, page, 1, 0);
    }
    raminate_moves_forget(moves, WINDOW_MS, 1 + WINDOW_MS);
    g_assert_cmpuint(raminate_moves_memory(moves), ==, 8 * few);
    for (unsigned i = 0; i < 100; i++) {
        raminate_moves_forget(moves, WINDOW_MS, 2 + WINDOW_MS);
    }
    g_assert_cmpuint(raminate_moves_memory(moves), ==, few);
    g_assert_null(raminate_moves_last(moves, 0));
    g_assert_nonnull(raminate_moves_last(moves, 8 * RAMINATE_MOVES_KEPT - 1));
    raminate_moves_free(moves);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/moves/back-within-window", test_back_within_window);
    g_test_add_func("/moves/on-to-another-tier-is-not-back",
                    test_on_to_another_tier);
    g_test_add_func("/moves/last-move", test_last_move);
    g_test_add_func("/moves/forgets-if-there-are-many",
                    test_forgets_if_there_are_many);
    g_test_add_func("/moves/forgets-while-nothing-moves",
                    test_forgets_while_nothing_moves);
    g_test_add_func("/moves/latest", test_latest_moves);
    return g_test_run();
}
