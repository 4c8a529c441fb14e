/*
 * RAMinate: CMQ plans what a model of the paper plans
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cmq-start.h"

/*
 * The paper's rules once more, with plain lists and no thought of cost.  It
 * shares nothing with cmq.c but the choices at the top of that file.
 */
enum { MODEL_VICTIMS = 8, MODEL_QUEUES = 9 };

typedef struct ModelPage {
    uint64_t n;
    int64_t last;
} ModelPage;

typedef struct Model {
    const RaminatePlacement *placement;
    const RaminateBackoff *backoff;
    int64_t life_time;
    int64_t second;             /* when the queues were aged last */
    ModelPage *pages;
    GQueue queues[MODEL_QUEUES];
} Model;

static bool model_is_dram(const Model *m, uint32_t page)
{
    return raminate_placement_tier(m->placement, page) == 0;
}

static int model_queue_of(Model *m, uint32_t page)
{
    for (int i = 0; i < MODEL_QUEUES; i++) {
        if (g_queue_find(&m->queues[i], GUINT_TO_POINTER(page))) {
            return i;
        }
    }
    return -1;
}

static void model_move(Model *m, uint32_t page, int queue)
{
    for (int i = 0; i < MODEL_QUEUES; i++) {
        g_queue_remove(&m->queues[i], GUINT_TO_POINTER(page));
    }
    if (queue >= 0) {
        g_queue_push_tail(&m->queues[queue], GUINT_TO_POINTER(page));
    }
}

static void model_age(Model *m, int64_t now)
{
    for (; m->second + 1000 <= now; m->second += 1000) {
        int64_t second = m->second + 1000;

        for (int i = 0; i < 8; i++) {
            GQueue *queue = &m->queues[i];

            while (!g_queue_is_empty(queue)) {
                uint32_t head = GPOINTER_TO_UINT(g_queue_peek_head(queue));

                if (second - m->pages[head].last <= m->life_time) {
                    break;
                }
                if (i > 0) {
                    model_move(m, head, i - 1);
                } else if (model_is_dram(m, head)) {
                    model_move(m, head, MODEL_VICTIMS);
                } else {
                    model_move(m, head, -1);
                    m->pages[head].n = 0;
                }
            }
        }
    }
}

static void model_sample(Model *m, int64_t now, const uint32_t *pages,
                         size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        m->pages[pages[i]].last = now;
        m->pages[pages[i]].n++;
        model_move(m, pages[i], -1);
    }
    model_age(m, now);
    for (size_t i = 0; i < nr; i++) {
        int queue = 0;

        while (queue < 7 && m->pages[pages[i]].n >> (queue + 1)) {
            queue++;
        }
        model_move(m, pages[i], queue);
    }
}

static size_t model_plan(Model *m, int64_t now, RaminateMove *pairs,
                         size_t max)
{
    GList *victim;
    size_t nr = 0;

    model_age(m, now);
    victim = m->queues[MODEL_VICTIMS].head;
    for (int i = 7; i >= 0; i--) {
        for (GList *l = m->queues[i].tail; l; l = l->prev) {
            uint32_t page = GPOINTER_TO_UINT(l->data);

            if (nr == max) {
                return nr;
            }
            if (model_is_dram(m, page)) {
                continue;
            }
            if (raminate_backoff_holds(m->backoff, page)) {
                continue;
            }
            while (victim &&
                   raminate_backoff_holds(m->backoff,
                                          GPOINTER_TO_UINT(victim->data))) {
                victim = victim->next;
            }
            if (!victim) {
                return nr;
            }
            pairs[nr].page = page;
            pairs[nr].with = GPOINTER_TO_UINT(victim->data);
            victim = victim->next;
            nr++;
        }
    }
    return nr;
}

/* Before the placement changes: the roles are still what they were. */
static void model_swap(Model *m, int64_t now, uint32_t a, uint32_t b)
{
    uint32_t up = model_is_dram(m, a) ? b : a;
    uint32_t down = up == a ? b : a;
    int queue = model_queue_of(m, down);

    if (model_is_dram(m, a) == model_is_dram(m, b)) {
        return;
    }
    if (model_queue_of(m, up) < 0) {
        model_move(m, up, 0);
        m->pages[up].last = now;
    }
    if (queue == MODEL_VICTIMS) {
        model_move(m, down, -1);
        m->pages[down].n = 0;
    } else {
        model_move(m, down, queue);
    }
}

static void exchange(Harness *h, Model *m, int64_t now, uint32_t a,
                     uint32_t b)
{
    model_swap(m, now, a, b);
    harness_swap(h, now, a, b);
}

enum { MODEL_PAGES = 40 };

/* Eight pages are written often, and others take over at times. */
static size_t choose_written(uint32_t *written, int *hot)
{
    size_t nr = 0;

    if (g_test_rand_int_range(0, 200) == 0) {
        *hot = g_test_rand_int_range(0, MODEL_PAGES);
    }
    for (int page = 0; page < MODEL_PAGES; page++) {
        bool is_hot = (page + MODEL_PAGES - *hot) % MODEL_PAGES < 8;

        if (g_test_rand_int_range(0, 100) < (is_hot ? 80 : 3)) {
            written[nr++] = page;
        }
    }
    return nr;
}

/*
 * Both plan alike, now or soon; most of it is done.
 * Returns: the time of the plan.
 */
static int64_t compare_plans(Harness *h, Model *m, int64_t now)
{
    RaminateMove pairs[HARNESS_MAX_PAIRS];
    size_t max = g_test_rand_int_range(0, 12);
    size_t nr;

    now += g_test_rand_int_range(0, 3) * 700;
    harness_plan(h, now, max);
    nr = model_plan(m, now, pairs, max);
    g_assert_cmpuint(h->nr_pairs, ==, nr);
    for (size_t j = 0; j < nr; j++) {
        g_assert_cmpuint(h->pairs[j].page, ==, pairs[j].page);
        g_assert_cmpuint(h->pairs[j].with, ==, pairs[j].with);
    }
    for (size_t j = 0; j < nr; j++) {
        if (g_test_rand_int_range(0, 5)) {
            exchange(h, m, now, pairs[j].page, pairs[j].with);
        }
    }
    return now;
}

static void compare_with_model(int steps, int64_t longest_step)
{
    RaminateFrameRange ranges[] = { { 30, 10 }, { 0, 18 }, { 18, 12 } };
    Harness *h = harness_new_tiers(&raminate_policy_cmq, LIFE, ranges, 3);
    int64_t now = g_test_rand_int_range(0, 100000);
    Model m = {
        .placement = h->placement, .backoff = h->backoff, .life_time = LIFE,
        .second = now,
        .pages = g_new0(ModelPage, MODEL_PAGES),
    };
    int hot = 0;

    for (uint32_t page = 0; page < MODEL_PAGES; page++) {
        m.pages[page].last = now;
        if (model_is_dram(&m, page)) {
            model_move(&m, page, 0);
        }
    }
    harness_scan(h, now, -1);

    for (int i = 0; i < steps; i++) {
        uint32_t written[MODEL_PAGES];
        size_t nr;

        /* Mostly a scan a second, at times a longer or a shorter wait */
        now += g_test_rand_int_range(0, 4) ? 1000 :
               g_test_rand_int_range(0, longest_step);
        nr = choose_written(written, &hot);
        harness_sample(h, now, written, nr);
        model_sample(&m, now, written, nr);

        if (g_test_rand_int_range(0, 3) == 0) {
            now = compare_plans(h, &m, now);
        }
        if (g_test_rand_int_range(0, 20) == 0) {
            uint32_t a = g_test_rand_int_range(0, MODEL_PAGES);

            exchange(h, &m, now, a,
                     (a + g_test_rand_int_range(1, MODEL_PAGES)) %
                     MODEL_PAGES);
        }
        if (g_test_rand_int_range(0, 300) == 0) {
            m.life_time = g_test_rand_int_range(0, 10000);
            harness_set_life_time(h, m.life_time);
        }
    }

    for (int i = 0; i < MODEL_QUEUES; i++) {
        g_queue_clear(&m.queues[i]);
    }
    g_free(m.pages);
    harness_free(h);
}

static void test_model_steady(void)
{
    for (int i = 0; i < 20; i++) {
        compare_with_model(2000, 2000);
    }
}

static void test_model_jumps(void)
{
    for (int i = 0; i < 20; i++) {
        compare_with_model(1000, 100000);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cmq/plans-equal-the-model-scan-by-scan",
                    test_model_steady);
    g_test_add_func("/cmq/plans-equal-the-model-when-time-jumps",
                    test_model_jumps);
    return g_test_run();
}
