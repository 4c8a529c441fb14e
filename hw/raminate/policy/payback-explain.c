/*
 * RAMinate: why the payback policy has a page where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "payback-internal.h"
#include "reasons.h"

/*
 * Returns: the border that a page of @tier would be brought up across first, or
 * if there is none, the one that keeps it there; nr_tiers if nothing does.
 */
static unsigned border_of(const RaminatePolicy *p, unsigned tier)
{
    for (unsigned i = 0; i < tier; i++) {
        if (p->borders[i].behind <= tier) {
            return i;
        }
    }
    return tier + 1 < p->nr_tiers && p->borders[tier].behind < p->nr_tiers
           ? tier : p->nr_tiers;
}

static void set_figures(const RaminatePolicy *p, unsigned state,
                        RaminatePaybackFigures *figures)
{
    const PaybackBorder *border = &p->borders[figures->tier];

    figures->chance = p->model.chance[state];
    figures->lines = border->write_worth * p->model.saving[state] +
                     border->read_worth * p->model.read_saving[state];
    figures->price = border->price;
    figures->worth = border->advantage[state];
    figures->move_cost = border->swap_cost;
    figures->horizon = 1 / (1 - p->model.patience);
}

static void say(const RaminatePolicy *p, bool is_there,
                RaminateReasons *reasons)
{
    const RaminatePaybackFigures *figures = &reasons->payback;

    g_string_append_printf(
        reasons->why, "in %s it %s %.4g lines a scan from being %s in slower "
        "memory, in a frame that is worth %.4g a scan to other pages; %.4g "
        "lines are expected of that over %.0f scans, ",
        reasons->tiers[figures->tier], is_there ? "keeps" : "would keep",
        figures->lines, raminate_reasons_found(p->counted), figures->price,
        figures->worth, figures->horizon);
    if (is_there) {
        g_string_append_printf(reasons->why, "so that it stays until another "
                               "page is worth %.4g more, the cost of a move",
                               figures->move_cost);
    } else if (figures->worth > figures->move_cost) {
        g_string_append_printf(reasons->why, "more than the %.4g that a move "
                               "costs, so that it goes up once a page there "
                               "is worth so much less", figures->move_cost);
    } else {
        g_string_append_printf(reasons->why, "no more than the %.4g that a "
                               "move costs, so that it stays",
                               figures->move_cost);
    }
}

/* Figures are those of the last plan, for what the page's history is now. */
void payback_explain(const RaminatePolicy *p, int64_t now_ms, uint32_t page,
                     RaminateReasons *reasons)
{
    const PaybackPage *entry = payback_lists_get(&p->lists, page);
    unsigned tier = raminate_placement_tier(p->placement, page);
    RaminatePaybackFigures *figures = &reasons->payback;

    (void)now_ms;
    figures->tier = border_of(p, tier);
    figures->has_tier = figures->tier < p->nr_tiers;
    figures->planned = p->model.patience > 0;
    figures->has_scans_ago = entry && entry->last;
    if (figures->has_scans_ago) {
        figures->scans_ago = p->lists.scan - entry->last;
    }
    if (!figures->has_tier) {
        g_string_append(reasons->why, "its tier costs the same as the others, "
                        "so that no move pays");
    } else if (!figures->planned) {
        g_string_append(reasons->why, "payback has not planned yet");
    } else {
        set_figures(p, payback_lists_state(&p->lists, entry), figures);
        say(p, figures->tier == tier, reasons);
    }
}
