/*
 * RAMinate: how many lines of some pages change from one scan to the next
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/raminate/bounce.h"
#include "hw/raminate/sampler/gauge.h"

/* Copies as of the last scan, and room for what is compared with them */
#define GAUGE_SLOTS (2 * RAMINATE_GAUGE_PAGES)

struct RaminateGauge {
    const RaminateMemory *memory;
    uint64_t random;
    uint32_t pages[RAMINATE_GAUGE_PAGES];       /* in ascending order */
    size_t nr;
    RaminateBounce bounce;
};

RaminateGauge *raminate_gauge_new(const RaminateMemory *memory, Error **errp)
{
    RaminateGauge *gauge = g_new0(RaminateGauge, 1);

    gauge->memory = memory;
    if (!raminate_bounce_init(&gauge->bounce, memory, GAUGE_SLOTS, errp)) {
        g_free(gauge);
        return NULL;
    }
    return gauge;
}

void raminate_gauge_free(RaminateGauge *gauge)
{
    if (gauge) {
        raminate_bounce_destroy(&gauge->bounce);
        g_free(gauge);
    }
}

/* Returns: 0, or -errno; -EFAULT if the page is out of reach. */
static int copy_page(RaminateGauge *gauge, uint32_t page, size_t slot)
{
    return raminate_bounce_save(&gauge->bounce, slot,
                                raminate_memory_page(gauge->memory, page));
}

void raminate_gauge_pick_pages(RaminateGauge *gauge,
                               const RaminateEngine *engine, uint32_t nr_pages,
                               const uint32_t *written, size_t nr)
{
    size_t nr_picked = raminate_gauge_pick(&gauge->random,
                                           raminate_engine_heat(engine),
                                           nr_pages, written, nr,
                                           gauge->pages);

    gauge->nr = 0;
    for (size_t i = 0; i < nr_picked; i++) {
        if (!raminate_engine_page_is_bad(engine, gauge->pages[i])) {
            gauge->pages[gauge->nr++] = gauge->pages[i];
        }
    }
}

size_t raminate_gauge_take(RaminateGauge *gauge, uint32_t *missed)
{
    size_t nr = 0;
    size_t nr_missed = 0;

    for (size_t i = 0; i < gauge->nr; i++) {
        uint32_t page = gauge->pages[i];
        int ret = copy_page(gauge, page, nr);

        if (ret == 0) {
            gauge->pages[nr++] = page;
        } else if (ret == -EFAULT) {
            /* Anything else is the fault of where it was copied to. */
            missed[nr_missed++] = page;
        }
    }
    gauge->nr = nr;
    return nr_missed;
}

void raminate_gauge_drop(RaminateGauge *gauge)
{
    gauge->nr = 0;
}

static uint32_t changed_lines(const uint8_t *a, const uint8_t *b)
{
    uint32_t changed = 0;

    for (unsigned i = 0; i < RAMINATE_GAUGE_LINES; i++) {
        changed += memcmp(a + i * RAMINATE_GAUGE_LINE_SIZE,
                          b + i * RAMINATE_GAUGE_LINE_SIZE,
                          RAMINATE_GAUGE_LINE_SIZE) != 0;
    }
    return changed;
}

size_t raminate_gauge_compare(RaminateGauge *gauge, const uint32_t *written,
                              size_t nr, uint32_t *pages, uint32_t *lines)
{
    size_t nr_compared = 0;
    size_t next = 0;

    for (size_t i = 0; i < gauge->nr; i++) {
        size_t slot = RAMINATE_GAUGE_PAGES + i;

        while (next < nr && written[next] < gauge->pages[i]) {
            next++;
        }
        if (next == nr || written[next] != gauge->pages[i]) {
            continue;
        }
        if (copy_page(gauge, gauge->pages[i], slot) == 0) {
            pages[nr_compared] = gauge->pages[i];
            lines[nr_compared++] =
                changed_lines(raminate_bounce_copy(&gauge->bounce, i),
                              raminate_bounce_copy(&gauge->bounce, slot));
        }
    }
    gauge->nr = 0;
    return nr_compared;
}
