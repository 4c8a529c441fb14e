/*
 * RAMinate: why the Corked Multi Queue policy has a page where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cmq-internal.h"
#include "reasons.h"

/* All fast pages but those in queues with a memory are untouched. */
static uint32_t count_victims(const RaminatePolicy *p)
{
    uint32_t touched = p->nr_pages[CMQ_VICTIMS];

    for (unsigned level = 0; level < CMQ_LEVELS; level++) {
        touched += p->nr_pages[level] - p->nr_candidates[level];
    }
    return p->nr_pages[CMQ_VICTIMS] +
           (p->untouched_sank
            ? raminate_placement_fast_pages(p->placement) - touched : 0);
}

static uint32_t count_ahead(const RaminatePolicy *p, unsigned queue)
{
    uint32_t nr = 0;

    for (unsigned level = queue + 1; level < CMQ_LEVELS; level++) {
        nr += p->nr_candidates[level];
    }
    return nr;
}

static void say_found(const RaminatePolicy *p, RaminateReasons *reasons)
{
    const RaminateCmqFigures *figures = &reasons->cmq;

    if (!figures->found) {
        g_string_append_printf(reasons->why, "no scan has found it %s since it "
                               "came there",
                               raminate_reasons_found(p->counted));
        return;
    }
    g_string_append_printf(reasons->why, "scans found it %s %u %s, last ",
                           raminate_reasons_found(p->counted), figures->found,
                           figures->found == 1 ? "time"
                           : figures->found == CMQ_MAX_WRITES ? "times or more"
                           : "times");
    raminate_reasons_say_ms(reasons, figures->idle_ms);
    g_string_append(reasons->why, " ago");
}

static void say_queue(bool is_fast, RaminateReasons *reasons)
{
    const RaminateCmqFigures *figures = &reasons->cmq;

    if (figures->is_victim) {
        g_string_append(reasons->why, ", so that it is out of all queues, and "
                        "goes once a page of slow memory needs its frame");
    } else if (is_fast) {
        g_string_append_printf(reasons->why, ", so that it is in queue %u of 0 "
                               "to 7, and stays", figures->queue);
    } else if (figures->has_queue) {
        g_string_append_printf(reasons->why, ", so that it is in queue %u of 0 "
                               "to 7, and goes up after %u pages of higher "
                               "queues; %u pages of fast memory are out of all "
                               "queues to make room", figures->queue,
                               figures->ahead, figures->victims);
    } else {
        g_string_append(reasons->why, ", so that it is in no queue, and stays");
    }
}

void cmq_explain(const RaminatePolicy *p, int64_t now_ms, uint32_t page,
                 RaminateReasons *reasons)
{
    const CmqPage *entry = cmq_page(p, page);
    bool is_fast = cmq_is_fast(p, page);
    unsigned queue = cmq_queue(p, page);
    RaminateCmqFigures *figures = &reasons->cmq;

    figures->has_queue = queue < CMQ_LEVELS;
    figures->queue = figures->has_queue ? queue : 0;
    figures->is_victim = queue == CMQ_VICTIMS;
    figures->has_idle = entry;
    if (entry) {
        figures->found = entry->writes;
        figures->idle_ms = now_ms - p->start - cmq_last(p, page);
    }
    if (figures->has_queue && !is_fast) {
        figures->ahead = count_ahead(p, queue);
    }
    figures->victims = count_victims(p);
    say_found(p, reasons);
    say_queue(is_fast, reasons);
}
