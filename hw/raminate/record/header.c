/*
 * RAMinate: the header of a recording, from memory to bytes and back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "header.h"
#include "put.h"

void raminate_record_default_costs(RaminateRecordHeader *header)
{
    RaminateLayout layout = { .nr_tiers = header->nr_tiers };

    raminate_layout_set_default_costs(&layout);
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        header->tiers[i].costs = layout.costs[i];
    }
}

void raminate_record_get_layout(const RaminateRecordHeader *header,
                                RaminateLayout *layout)
{
    memset(layout, 0, sizeof(*layout));
    layout->nr_tiers = header->nr_tiers;
    layout->unit = header->page_size;
    layout->nr_pages = header->nr_pages;
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        layout->ranges[i].first = header->tiers[i].first;
        layout->ranges[i].count = header->tiers[i].count;
        layout->costs[i] = header->tiers[i].costs;
    }
}

/* Returns: whether all costs are what a reader takes those to be not told. */
static bool costs_are_usual(const RaminateRecordHeader *header)
{
    RaminateRecordHeader usual = *header;
    bool same = true;

    raminate_record_default_costs(&usual);
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        same &= memcmp(&usual.tiers[i].costs, &header->tiers[i].costs,
                       sizeof(RaminateCosts)) == 0;
    }
    return same;
}

static void put_costs(GByteArray *out, const RaminateRecordHeader *header)
{
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        const RaminateCosts *costs = &header->tiers[i].costs;

        put_u32(out, costs->read);
        put_u32(out, costs->write);
        put_u32(out, costs->idle);
    }
}

void raminate_record_put_fields(GByteArray *out,
                                const RaminateRecordHeader *header)
{
    put_u32(out, header->page_size);
    put_u32(out, header->nr_pages);
    put_u64(out, header->started_us);
    put_u32(out, header->scan_period_ms);
    put_u32(out, header->nr_tiers);
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        const RaminateRecordTier *tier = &header->tiers[i];
        size_t length = MIN(strlen(tier->id), UINT8_MAX);

        put_u32(out, tier->first);
        put_u32(out, tier->count);
        put_u8(out, tier->rank);
        put_u8(out, length);
        g_byte_array_append(out, (const uint8_t *)tier->id, length);
    }
    if (!costs_are_usual(header)) {
        put_costs(out, header);
    }
}

static void take_tier(Cursor *cursor, RaminateRecordTier *tier)
{
    const uint8_t *id;
    uint8_t length;

    tier->first = take_u32(cursor);
    tier->count = take_u32(cursor);
    tier->rank = take_u8(cursor);
    length = take_u8(cursor);
    id = take(cursor, length);
    tier->id = g_strndup((const char *)id, id ? length : 0);
}

/* Returns: whether the costs are sound, told or not. */
static bool take_costs(Cursor *cursor, RaminateRecordHeader *header)
{
    bool told = bytes_left(cursor);
    const RaminateCosts *faster = NULL;

    raminate_record_default_costs(header);
    for (unsigned i = 0; i < header->nr_tiers; i++) {
        RaminateCosts *costs = &header->tiers[i].costs;

        if (told) {
            costs->read = take_u32(cursor);
            costs->write = take_u32(cursor);
            costs->idle = take_u32(cursor);
        }
        if (cursor->bad || raminate_layout_check_costs(costs, faster)) {
            return false;
        }
        faster = costs;
    }
    return true;
}

/* Returns: whether the tiers cover all frames, each once. */
static bool tiers_are_sound(const RaminateRecordHeader *header)
{
    uint64_t covered = 0;

    for (unsigned i = 0; i < header->nr_tiers; i++) {
        const RaminateRecordTier *a = &header->tiers[i];

        covered += a->count;
        if (!a->count ||
            (uint64_t)a->first + a->count > header->nr_pages) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            const RaminateRecordTier *b = &header->tiers[j];

            if (a->first < b->first + b->count &&
                b->first < a->first + a->count) {
                return false;
            }
        }
    }
    return covered == header->nr_pages;
}

bool raminate_record_take_header(RaminateRecordHeader *header, Cursor *cursor)
{
    uint32_t nr_tiers;

    header->page_size = take_u32(cursor);
    header->nr_pages = take_u32(cursor);
    header->started_us = take_u64(cursor);
    header->scan_period_ms = take_u32(cursor);
    nr_tiers = take_u32(cursor);
    if (cursor->bad || nr_tiers < 1 || nr_tiers > RAMINATE_MAX_TIERS ||
        !header->page_size || !header->nr_pages ||
        header->nr_pages == UINT32_MAX) {
        return false;
    }
    header->nr_tiers = nr_tiers;
    for (unsigned i = 0; i < nr_tiers; i++) {
        take_tier(cursor, &header->tiers[i]);
    }
    return !cursor->bad && take_costs(cursor, header) &&
           tiers_are_sound(header);
}
