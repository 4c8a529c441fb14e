/*
 * RAMinate: why a policy has a page where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hw/raminate/engine/sample.h"
#include "reasons.h"

const char *raminate_reasons_found(unsigned kinds)
{
    return kinds & RAMINATE_READ ? "used" : "written";
}

void raminate_reasons_say_ms(RaminateReasons *reasons, int64_t ms)
{
    g_string_append_printf(reasons->why, "%.1f s", ms / 1000.0);
}

void raminate_reasons_say_count(RaminateReasons *reasons, bool is_fast)
{
    const RaminateCountFigures *counts = &reasons->counts;
    bool is_hot = counts->count >= counts->hot_count;

    g_string_append_printf(reasons->why,
                           "its count of scans that found it is %u, and a page "
                           "is hot from %u on, so that it %s", counts->count,
                           counts->hot_count,
                           is_fast && is_hot ? "stays"
                           : is_fast ? "stays until a hot page needs its frame"
                           : is_hot ? "goes up once there is a colder page to "
                                      "make room"
                           : "stays");
}
