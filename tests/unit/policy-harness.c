/*
 * RAMinate: a policy with a placement around it, for unit tests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdarg.h>
#include <stdlib.h>

#include "found.h"
#include "policy-harness.h"

static void end_policy(Harness *h)
{
    if (h->ops->destroy) {
        h->ops->destroy(h->policy);
    } else {
        free(h->policy);
    }
}

void harness_start_policy(Harness *h, uint32_t life_time_ms)
{
    RaminatePolicyConfig config = {
        .placement = h->placement,
        .backoff = h->backoff,
        .life_time_ms = life_time_ms,
    };

    if (h->policy) {
        end_policy(h);
    }
    h->policy = h->ops->create(&config);
}

Harness *harness_new_layout(const RaminatePolicyOps *ops,
                            uint32_t life_time_ms,
                            const RaminateLayout *layout)
{
    Harness *h = g_new0(Harness, 1);

    h->ops = ops;
    h->placement = raminate_placement_new(layout);
    h->backoff = raminate_backoff_new();
    h->tried = g_hash_table_new(NULL, NULL);
    h->text = g_string_new(NULL);
    harness_start_policy(h, life_time_ms);
    return h;
}

Harness *harness_new_tiers(const RaminatePolicyOps *ops,
                           uint32_t life_time_ms,
                           const RaminateFrameRange *ranges,
                           unsigned nr_tiers)
{
    RaminateLayout layout;

    raminate_layout_init(&layout, ranges, nr_tiers);
    return harness_new_layout(ops, life_time_ms, &layout);
}

Harness *harness_new(const RaminatePolicyOps *ops, uint32_t life_time_ms,
                     uint32_t fast, uint32_t slow)
{
    RaminateFrameRange ranges[] = { { 0, fast }, { fast, slow } };

    return harness_new_tiers(ops, life_time_ms, ranges, 2);
}

void harness_free(Harness *h)
{
    end_policy(h);
    g_hash_table_destroy(h->tried);
    raminate_backoff_free(h->backoff);
    raminate_placement_free(h->placement);
    g_string_free(h->text, TRUE);
    g_free(h);
}

void harness_sample(Harness *h, int64_t now_ms, const uint32_t *pages,
                    size_t nr)
{
    g_autoptr(Found) found = found_written(pages, nr);

    if (h->ops->sample) {
        h->ops->sample(h->policy, now_ms, found);
    }
}

void harness_look(Harness *h, int64_t now_ms, uint32_t window_ms,
                  const uint32_t *pages, size_t nr)
{
    g_autoptr(Found) found = found_written(pages, nr);

    if (h->ops->look) {
        h->ops->look(h->policy, now_ms, window_ms, found);
    }
}

void harness_set_life_time(Harness *h, uint32_t life_time_ms)
{
    if (h->ops->set_life_time) {
        h->ops->set_life_time(h->policy, life_time_ms);
    }
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
    harness_sample(h, now_ms, (const uint32_t *)pages->data, pages->len);
}

static void begin_plan(Harness *h)
{
    GHashTableIter iter;
    gpointer page;

    g_hash_table_iter_init(&iter, h->tried);
    while (g_hash_table_iter_next(&iter, &page, NULL)) {
        raminate_backoff_failed(h->backoff, GPOINTER_TO_UINT(page));
    }
    g_hash_table_remove_all(h->tried);
    raminate_backoff_begin_plan(h->backoff);
}

const char *harness_plan(Harness *h, int64_t now_ms, size_t max)
{
    g_assert_cmpuint(max, <=, HARNESS_MAX_PAIRS);
    begin_plan(h);
    h->nr_pairs = h->ops->plan(h->policy, now_ms, h->pairs, max);
    g_assert_cmpuint(h->nr_pairs, <=, max);

    g_string_truncate(h->text, 0);
    for (size_t i = 0; i < h->nr_pairs; i++) {
        g_string_append_printf(h->text, "%s%u>%u", i ? " " : "",
                               h->pairs[i].page, h->pairs[i].with);
        g_hash_table_add(h->tried, GUINT_TO_POINTER(h->pairs[i].page));
        g_hash_table_add(h->tried, GUINT_TO_POINTER(h->pairs[i].with));
    }
    return h->text->str;
}

const char *harness_move(Harness *h, int64_t now_ms, size_t max)
{
    const char *text = harness_plan(h, now_ms, max);

    for (size_t i = 0; i < h->nr_pairs; i++) {
        harness_swap(h, now_ms, h->pairs[i].page, h->pairs[i].with);
    }
    return text;
}

static void forget_failures(Harness *h, uint32_t page)
{
    g_hash_table_remove(h->tried, GUINT_TO_POINTER(page));
    raminate_backoff_moved(h->backoff, page);
}

void harness_swap(Harness *h, int64_t now_ms, uint32_t a, uint32_t b)
{
    RaminateMove move = { .page = a, .with = b };

    raminate_placement_swap(h->placement, a, b);
    forget_failures(h, a);
    forget_failures(h, b);
    if (h->ops->moved) {
        h->ops->moved(h->policy, now_ms, &move);
    }
}

void harness_add_test(const char *format, const RaminatePolicyOps *ops,
                      GTestDataFunc func)
{
    g_autoptr(GString) path = g_string_new(format);

    g_string_replace(path, "NAME", ops->name, 1);
    g_test_add_data_func(path->str, ops, func);
}
