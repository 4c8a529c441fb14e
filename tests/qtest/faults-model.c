/*
 * RAMinate: batches whose calls fail, and a model of what comes of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "faults-control.h"
#include "faults-model.h"

static void model_exchange(Model *model, uint32_t a, uint32_t b)
{
    uint32_t frame = model->frame[a];

    model->frame[a] = model->frame[b];
    model->frame[b] = frame;
}

void model_start(Model *model, const char *settings)
{
    raminate_faults_preload();
    model->qts = raminate_start(settings, "");
    raminate_faults_end_preload();
    raminate_wait_figure(model->qts, "scans", 1);
    model->done = model->failed = model->held = 0;
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        model->frame[page] = page;
        model->generation[page] = page % 5 != 0 || page == 30 ||
                                  page == 100;
        if (model->generation[page]) {
            raminate_write_page(model->qts, page, 1);
        }
    }
}

void set_monitor(const Model *model, bool on)
{
    qtest_qmp_assert_success(model->qts, "{ 'execute': 'qom-set',"
                             "  'arguments': { 'path': '/objects/c',"
                             "    'property': 'monitor', 'value': %i } }", on);
}

void wait_for_opening(const Model *model)
{
    uint64_t scans = raminate_figure(model->qts, "scans");
    bool opened = false;

    for (unsigned rounds = 0; !opened;) {
        QDict *info = raminate_query(model->qts, "c");

        opened = qdict_haskey(info, "held-because") ||
                 qdict_get_int(info, "scans") > scans;
        qobject_unref(info);
        raminate_wait(&rounds, "the placer");
    }
}

/* Waits until the mover that was there is no longer, nor its limit. */
static void wait_for_closing(const Model *model)
{
    bool closed = false;

    for (unsigned rounds = 0; !closed;) {
        QDict *info = raminate_query(model->qts, "c");

        closed = !qdict_haskey(info, "mappings-limit");
        qobject_unref(info);
        raminate_wait(&rounds, "the mover to go");
    }
}

void reopen_placer(const Model *model)
{
    set_monitor(model, false);
    raminate_wait_state(model->qts, "off");
    wait_for_closing(model);
    set_monitor(model, true);
    wait_for_opening(model);
}

static unsigned wrong_page(const Model *model, uint32_t page)
{
    uint32_t frame = model->frame[page];
    bool fast = frame < FAST_PAGES;
    uint64_t offset = fast ? (FAST_FIRST + frame) * PAGE_SIZE
                           : (SLOW_FIRST + frame - FAST_PAGES) * PAGE_SIZE;
    uint8_t wanted[PAGE_SIZE] = { 0 }, seen[PAGE_SIZE], kept[PAGE_SIZE];
    QDict *info = qtest_qmp_assert_success_ref(
        model->qts, "{ 'execute': 'query-raminate-page',"
        "  'arguments': { 'id': 'c', 'page': %u } }", page);
    unsigned wrong = 0;

    if (model->generation[page]) {
        raminate_fill_page(wanted, page, model->generation[page]);
    }
    qtest_memread(model->qts, (uint64_t)page * PAGE_SIZE, seen, PAGE_SIZE);
    raminate_read_file(fast ? "dram" : "nvm", offset, kept, PAGE_SIZE);
    wrong += memcmp(seen, wanted, PAGE_SIZE) != 0;
    wrong += memcmp(kept, wanted, PAGE_SIZE) != 0;
    wrong += !g_str_equal(qdict_get_str(info, "tier"), fast ? "fast" : "slow");
    wrong += qdict_get_int(info, "phy-offset") != offset;
    qobject_unref(info);
    return wrong;
}

unsigned wrong_pages(const Model *model, const uint32_t *pages,
                            unsigned nr)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < nr; i++) {
        wrong += wrong_page(model, pages ? pages[i] : i);
    }
    return wrong;
}

static unsigned wrong_figures(const Model *model)
{
    QDict *info = raminate_query(model->qts, "c");
    unsigned wrong = qdict_get_int(info, "swaps") != model->done;

    wrong += qdict_get_int(info, "swaps-failed") != model->failed;
    wrong += qdict_get_int(info, "swaps-held") != model->held;
    qobject_unref(info);
    return wrong;
}

static void count_result(Model *model, const QDict *result)
{
    if (!qdict_haskey(result, "error")) {
        model_exchange(model, qdict_get_int(result, "a"),
                       qdict_get_int(result, "b"));
        model->done++;
    } else if (g_str_has_prefix(qdict_get_str(result, "error"),
                                "the limit of host mappings is reached")) {
        model->held++;
    } else {
        model->failed++;
    }
}

bool run_batch(Model *model)
{
    QDict *response = raminate_swap_pages(model->qts, pairs,
                                          ARRAY_SIZE(pairs));
    QDict *results = qdict_get_qdict(response, "return");
    const QListEntry *entry;

    if (results) {
        QLIST_FOREACH_ENTRY(qdict_get_qlist(results, "results"), entry) {
            count_result(model, qobject_to(QDict, entry->value));
        }
    } else {
        g_assert_nonnull(strstr(qdict_get_str(qdict_get_qdict(response,
                                                              "error"),
                                              "desc"),
                                "the VM can't go on, start it anew"));
    }
    qobject_unref(response);
    return results;
}

void assert_kept(const Model *model)
{
    g_assert_cmpuint(wrong_pages(model, concerned, ARRAY_SIZE(concerned)), ==,
                     0);
    g_assert_cmpuint(wrong_figures(model), ==, 0);
}

static bool is_of_pair(uint32_t page, const RaminateTestPair *pair)
{
    return page == pair->a || page == pair->b;
}

static void assert_frame(const Model *model, uint32_t page)
{
    uint32_t frame = model->frame[page];
    bool fast = frame < FAST_PAGES;

    if (model->generation[page]) {
        raminate_assert_frame(fast ? "dram" : "nvm",
                              fast ? FAST_FIRST + frame
                                   : SLOW_FIRST + frame - FAST_PAGES,
                              page, model->generation[page]);
    }
}

void assert_lost(Model *model, bool written)
{
    QDict *info;
    uint64_t done;

    qtest_qmp_eventwait(model->qts, "STOP");
    info = raminate_query(model->qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "held");
    g_assert_true(qdict_haskey(info, "held-because"));
    g_assert_cmpuint(qdict_get_int(info, "swaps-failed"), ==,
                     model->failed + 1);
    /* Those before the pair that failed were exchanged. */
    done = qdict_get_int(info, "swaps") - model->done;
    qobject_unref(info);
    g_assert_cmpuint(done, <, ARRAY_SIZE(pairs));
    for (unsigned i = 0; i < done; i++) {
        model_exchange(model, pairs[i].a, pairs[i].b);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(concerned); i++) {
        if (!written || !is_of_pair(concerned[i], &pairs[done])) {
            assert_frame(model, concerned[i]);
        }
    }
    qtest_quit(model->qts);
}
