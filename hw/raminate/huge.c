/*
 * RAMinate: which of the guest's regions the host has in huge pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "hw/raminate/engine/regions.h"
#include "hw/raminate/huge.h"
#include "hw/raminate/sampler/pagemap-file.h"

/* Ranges that one call finds, at most */
#define FOUND_RANGES 128

/* Of Linux 6.1 and later; the headers of Debian 12 have it, QEMU doesn't. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define SETTING "/sys/kernel/mm/transparent_hugepage/enabled"
#define KSM "/sys/kernel/mm/ksm/run"

struct RaminateHuge {
    const RaminateMemory *memory;
    int pagemap;
    bool may_collapse;          /* at present */
    uint32_t nr_regions;
    uint32_t nr_huge;
    unsigned long *is_huge;     /* a bit a region, as of the last look */
};

/*
 * Linux refuses for shared memory whose pages are watched, and MADV_COLLAPSE
 * goes by no setting.  It would undo what the kernel has merged, which merges
 * that again.
 */
void raminate_huge_begin_round(RaminateHuge *huge)
{
    HostMemoryBackend *backend = huge->memory->backend;
    g_autofree char *setting = NULL;
    g_autofree char *ksm = NULL;

    huge->may_collapse =
        memory_region_get_fd(&backend->mr) < 0 &&
        g_file_get_contents(SETTING, &setting, NULL, NULL) &&
        !strstr(setting, "[never]") &&
        !(backend->merge && g_file_get_contents(KSM, &ksm, NULL, NULL) &&
          ksm[0] == '1');
}

RaminateHuge *raminate_huge_new(const RaminateMemory *memory)
{
    RaminateHuge *huge;
    int pagemap = raminate_memory_has_nodes(memory) &&
                  memory->backend->size >= RAMINATE_REGION_SIZE &&
                  QEMU_PTR_IS_ALIGNED(memory->host, RAMINATE_REGION_SIZE)
                  ? raminate_pm_open(NULL) : -1;

    if (pagemap < 0) {
        return NULL;
    }
    huge = g_new0(RaminateHuge, 1);
    huge->memory = memory;
    huge->pagemap = pagemap;
    huge->nr_regions = memory->backend->size / RAMINATE_REGION_SIZE;
    huge->is_huge = bitmap_new(huge->nr_regions);
    return huge;
}

void raminate_huge_free(RaminateHuge *huge)
{
    if (huge) {
        close(huge->pagemap);
        g_free(huge->is_huge);
        g_free(huge);
    }
}

uint32_t raminate_huge_regions(const RaminateHuge *huge)
{
    return huge->nr_regions;
}

static uint64_t address(const RaminateHuge *huge, uint32_t region)
{
    return (uintptr_t)raminate_memory_region(huge->memory, region);
}

static uint32_t region_at(const RaminateHuge *huge, uint64_t addr)
{
    return (addr - address(huge, 0)) / RAMINATE_REGION_SIZE;
}

static void set_huge(RaminateHuge *huge, uint32_t region, bool is_huge)
{
    huge->nr_huge += is_huge - raminate_huge_is(huge, region);
    if (is_huge) {
        set_bit(region, huge->is_huge);
    } else {
        clear_bit(region, huge->is_huge);
    }
}

/* Of those from @region to before @end.  Returns: how many it was before. */
static uint32_t set_split(RaminateHuge *huge, uint32_t region, uint32_t end)
{
    uint32_t splits = 0;

    for (; region < end; region++) {
        splits += raminate_huge_is(huge, region);
        set_huge(huge, region, false);
    }
    return splits;
}

uint32_t raminate_huge_look(RaminateHuge *huge, uint32_t region, uint32_t nr)
{
    uint32_t end = MIN((uint64_t)region + nr, huge->nr_regions);
    RaminatePmRange ranges[FOUND_RANGES];
    uint32_t splits = 0;
    uint64_t at = address(huge, region);

    while (at < address(huge, end)) {
        RaminatePmScan scan = {
            .start = at,
            .end = address(huge, end),
            .vec = (uintptr_t)ranges,
            .vec_len = FOUND_RANGES,
            .all = RAMINATE_PM_HUGE | RAMINATE_PM_PRESENT,
            .returned = RAMINATE_PM_HUGE,
        };
        int found = raminate_pm_scan(huge->pagemap, &scan);

        if (found < 0 || scan.walk_end <= at) {
            break;
        }
        for (int i = 0; i < found; i++) {
            uint32_t first = region_at(huge, ranges[i].start);
            uint32_t behind = region_at(huge, ranges[i].end);

            splits += set_split(huge, region, first);
            for (region = first; region < behind; region++) {
                set_huge(huge, region, true);
            }
        }
        at = scan.walk_end;
        splits += set_split(huge, region, region_at(huge, at));
        region = MAX(region, region_at(huge, at));
    }
    return splits;
}

static uint32_t look_once(RaminateHuge *huge, GHashTable *looked, uint32_t page)
{
    uint32_t region = raminate_region_of(page);

    return raminate_huge_is(huge, region) &&
           g_hash_table_add(looked, GUINT_TO_POINTER(region))
           ? raminate_huge_look(huge, region, 1) : 0;
}

uint32_t raminate_huge_look_again(RaminateHuge *huge,
                                  const RaminateMove *moves, size_t nr)
{
    g_autoptr(GHashTable) looked = g_hash_table_new(NULL, NULL);
    uint32_t splits = 0;

    for (size_t i = 0; i < nr; i++) {
        splits += look_once(huge, looked, moves[i].page);
        splits += look_once(huge, looked, moves[i].with);
    }
    return splits;
}

bool raminate_huge_is(const RaminateHuge *huge, uint32_t region)
{
    return region < huge->nr_regions && test_bit(region, huge->is_huge);
}

uint32_t raminate_huge_count(const RaminateHuge *huge)
{
    return huge->nr_huge;
}

bool raminate_huge_can_collapse(const RaminateHuge *huge, uint32_t region)
{
    RaminatePmRange range;
    RaminatePmScan scan = {
        .start = address(huge, region),
        .end = address(huge, region + 1),
        .vec = (uintptr_t)&range,
        .vec_len = 1,
        .all = RAMINATE_PM_PRESENT | RAMINATE_PM_HUGE | RAMINATE_PM_ZERO_PAGE,
        .inverted = RAMINATE_PM_HUGE | RAMINATE_PM_ZERO_PAGE,
        .returned = RAMINATE_PM_PRESENT,
    };

    return huge->may_collapse && raminate_pm_scan(huge->pagemap, &scan) == 1 &&
           range.end - range.start == RAMINATE_REGION_SIZE;
}

bool raminate_huge_collapse(RaminateHuge *huge, uint32_t region)
{
    bool is_huge = madvise((void *)address(huge, region), RAMINATE_REGION_SIZE,
                           MADV_COLLAPSE) == 0;

    set_huge(huge, region, is_huge);
    return is_huge;
}
