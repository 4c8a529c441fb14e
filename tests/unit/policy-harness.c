/*
 * RAMinate: a policy with a placement around it, for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdarg.h>

#include "policy-harness.h"

Harness *harness_new_tiers(const RaminatePolicyOps *ops,
                           uint32_t life_time_ms,
                           const RaminateFrameRange *ranges,
                           unsigned nr_tiers)
{
    Harness *h = g_new0(Harness, 1);
    RaminatePolicyConfig config = { .life_time_ms = life_time_ms };

    h->ops = ops;
    h->placement = raminate_placement_new(ranges, nr_tiers);
    config.placement = h->placement;
    h->policy = ops->create(&config);
    h->text = g_string_new(NULL);
    return h;
}

Harness *harness_new(const RaminatePolicyOps *ops, uint32_t life_time_ms,
                     uint32_t fast, uint32_t slow)
{
    RaminateFrameRange ranges[] = { { 0, fast }, { fast, slow } };

    return harness_new_tiers(ops, life_time_ms, ranges, 2);
}

void harness_free(Harness *h)
{
    h->ops->destroy(h->policy);
    raminate_placement_free(h->placement);
    g_string_free(h->text, TRUE);
    g_free(h);
}

void harness_scan(Harness *h, int64_t now_ms, ...)
{
    g_autoptr(GArray) pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    va_list list;
    int page;

    va_start(list, now_ms);
    while ((page = va_arg(list, int)) >= 0) {
        uint32_t number = page;

        g_array_append_val(pages, number);
    }
    va_end(list);
    h->ops->sample(h->policy, now_ms, (const uint32_t *)pages->data,
                   pages->len);
}

const char *harness_plan(Harness *h, int64_t now_ms, size_t max)
{
    g_assert_cmpuint(max, <=, HARNESS_MAX_PAIRS);
    h->nr_pairs = h->ops->plan(h->policy, now_ms, h->pairs, max);
    g_assert_cmpuint(h->nr_pairs, <=, max);

    g_string_truncate(h->text, 0);
    for (size_t i = 0; i < h->nr_pairs; i++) {
        g_string_append_printf(h->text, "%s%u>%u", i ? " " : "",
                               h->pairs[i].promote, h->pairs[i].demote);
    }
    return h->text->str;
}

const char *harness_move(Harness *h, int64_t now_ms, size_t max)
{
    const char *text = harness_plan(h, now_ms, max);

    for (size_t i = 0; i < h->nr_pairs; i++) {
        harness_swap(h, now_ms, h->pairs[i].promote, h->pairs[i].demote);
    }
    return text;
}

void harness_swap(Harness *h, int64_t now_ms, uint32_t a, uint32_t b)
{
    raminate_placement_swap(h->placement, a, b);
    h->ops->swapped(h->policy, now_ms, a, b);
}
