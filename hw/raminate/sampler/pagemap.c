/*
 * RAMinate: the sampler that has the host's kernel say which pages were written
 *
 * Pages are protected by userfaultfd(2) in its asynchronous mode, in which the
 * kernel lets a write through and takes the protection away; PAGEMAP_SCAN says
 * of which pages that is so (Linux 6.7 on).  All that goes through QEMU's own
 * mapping is seen: the guest's writes, QEMU's, and what the kernel writes there.
 * Not seen are other processes' mappings and devices with pages pinned (VFIO).
 *
 * A page that is watched costs the guest a fault when it is written, so faults
 * are a budget.  As far as it goes, pages found written are watched anew, region
 * by region, others each time; pages of the rest stay as they were found until
 * it is their turn again.
 *
 * A scan that protects takes its whole range out of KVM's tables, whatever it
 * finds, so that the guest would fault on all of it.  Hence the first pass only
 * looks, and the second protects where something was found.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "qemu/userfaultfd.h"
#include "hw/raminate/sampler/pagemap-scan.h"
#include "hw/raminate/sampler/sampler.h"

/* Pages that one call looks at, at most */
#define STEP_PAGES 65536

/* Ranges that one call finds, at most */
#define FOUND_RANGES 512

/* One call protects ranges that are no further apart, in pages. */
#define JOIN_PAGES 8

/* Of one region, every other page */
#define REGION_RANGES (RAMINATE_REGION_PAGES / 2)

/* All regions are watched anew. */
#define ALL_REGIONS (1ULL << 32)

/* For so many seconds it counts how many of the pages watched were written. */
#define MEMORY_S 60

/* At first all are taken to be, as if it had been so for so many seconds. */
#define USUAL_S 5

/* However few were of late, others may be. */
#define MIN_RATIO (1 / 32.0)

typedef struct PagemapSampler {
    RaminateSampler parent;
    int uffd;
    int pagemap;
    bool is_look;               /* the scan under way is a second look */
    uint32_t scan;              /* its number, second looks apart */
    int64_t began_ns;           /* when it began, by the host's clock */
    uint64_t share;             /* of regions that are watched anew */
    uint64_t found;             /* pages, by the scan under way */
    uint64_t watched;           /* those of them that it protected */
    uint64_t left;              /* not protected by the scan before, if any */
    double credit;              /* faults that the guest may still take */
    double lately_watched;      /* pages, and how many faults there were */
    double lately_faults;
    RaminatePmRange ranges[FOUND_RANGES];
    RaminatePmRange protected[REGION_RANGES];
} PagemapSampler;

/* Returns: a userfaultfd that lets writes through, or -1 with @errp set. */
static int open_uffd(Error **errp)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = UFFD_FEATURE_WP_ASYNC,
    };
    /* No fault is ever handed to user space, so that it takes no privilege. */
    int uffd = uffd_open(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

    if (uffd < 0) {
        error_setg_errno(errp, errno, "QEMU can't use userfaultfd(2); allow it "
                         "in the sandbox or container that QEMU runs in");
        return -1;
    }
    if (ioctl(uffd, UFFDIO_API, &api) < 0) {
        error_setg(errp, "the host's kernel has no asynchronous write "
                   "protection, which Linux has since 6.7");
        close(uffd);
        return -1;
    }
    return uffd;
}

static int open_pagemap(Error **errp)
{
    RaminatePmScan scan = { .size = sizeof(scan) };
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_setg_errno(errp, errno, "can't open /proc/self/pagemap");
        return -1;
    }
    if (ioctl(fd, RAMINATE_PM_SCAN, &scan) < 0) {
        error_setg_errno(errp, errno, "the host's kernel has no PAGEMAP_SCAN, "
                         "which Linux has since 6.7");
        close(fd);
        return -1;
    }
    return fd;
}

static bool pagemap_probe(const RaminateMemory *memory, Error **errp)
{
    int uffd = open_uffd(errp);
    int pagemap = uffd < 0 ? -1 : open_pagemap(errp);

    if (uffd >= 0) {
        close(uffd);
    }
    if (pagemap >= 0) {
        close(pagemap);
    }
    return pagemap >= 0;
}

static void pagemap_close(RaminateSampler *parent)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);

    if (sampler->pagemap >= 0) {
        close(sampler->pagemap);
    }
    if (sampler->uffd >= 0) {
        /* What was protected is so no more. */
        close(sampler->uffd);
    }
    g_free(sampler);
}

static RaminateSampler *pagemap_open(const RaminateMemory *memory,
                                     Error **errp)
{
    PagemapSampler *sampler = g_new0(PagemapSampler, 1);

    sampler->parent.ops = &raminate_sampler_pagemap;
    sampler->parent.memory = memory;
    sampler->pagemap = -1;
    sampler->uffd = open_uffd(errp);
    if (sampler->uffd >= 0) {
        sampler->pagemap = open_pagemap(errp);
    }
    if (sampler->pagemap < 0) {
        pagemap_close(&sampler->parent);
        return NULL;
    }
    if (uffd_register_memory(sampler->uffd, memory->host,
                             memory->backend->size, UFFDIO_REGISTER_MODE_WP,
                             NULL) < 0) {
        error_setg_errno(errp, errno, "the pages of '%s' can't be watched by "
                         "userfaultfd(2); another user of it has them, or "
                         "their memory is of a kind that it doesn't know",
                         memory->id);
        pagemap_close(&sampler->parent);
        return NULL;
    }
    return &sampler->parent;
}

/*
 * Decides how many of the pages that this scan finds are watched anew.  Each
 * may cost the guest a fault, perhaps much later; so they are paid for when
 * they are watched, by the share of those before that did.
 */
static void adapt(PagemapSampler *sampler, int64_t now)
{
    double budget = sampler->parent.fault_budget;
    double seconds = (now - sampler->began_ns) / 1e9;
    double keep = MAX(1 - seconds / MEMORY_S, 0);
    uint64_t faults = sampler->found - MIN(sampler->left, sampler->found);
    double usual = budget * USUAL_S;
    double ratio;

    sampler->parent.faults += faults;
    sampler->lately_watched = sampler->lately_watched * keep +
                              sampler->watched;
    sampler->lately_faults = sampler->lately_faults * keep + faults;
    if (!budget) {
        sampler->credit = 0;
        sampler->share = ALL_REGIONS;
        return;
    }
    ratio = (sampler->lately_faults + usual) /
            (sampler->lately_watched + usual);
    ratio = MAX(MIN(ratio, 1), MIN_RATIO);
    sampler->credit += budget * seconds - sampler->watched * ratio;
    sampler->credit = MIN(sampler->credit, budget);
    sampler->share = ALL_REGIONS *
                     MAX(MIN(sampler->credit / ratio /
                             MAX(sampler->found, 1), 1), 0);
}

static void pagemap_begin_scan(RaminateSampler *parent, bool is_look)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    sampler->is_look = is_look;
    if (is_look) {
        return;
    }
    if (sampler->scan) {
        adapt(sampler, now);
        sampler->left = sampler->found - sampler->watched;
    } else {
        /* At first all pages are found, and none by a fault. */
        sampler->left = UINT64_MAX;
        sampler->share = parent->fault_budget ? 0 : ALL_REGIONS;
    }
    sampler->scan++;
    sampler->began_ns = now;
    sampler->found = 0;
    sampler->watched = 0;
}

/* Returns: whether the pages of @region are watched anew by this scan. */
static bool is_chosen(const PagemapSampler *sampler, uint32_t region)
{
    /* Source of the constants: Knuth's multiplicative hash, and MurmurHash3. */
    uint32_t hash = (region + sampler->scan * 0x9e3779b9u) * 0x85ebca6bu;

    hash ^= hash >> 15;
    hash *= 0xc2b2ae35u;
    return hash < sampler->share;
}

static uint32_t page_at(const PagemapSampler *sampler, uint64_t addr)
{
    return (addr - (uintptr_t)sampler->parent.memory->host)
           >> RAMINATE_PAGE_BITS;
}

static void add_pages(RaminateSample *sample, uint32_t first, uint32_t nr)
{
    while (nr) {
        uint32_t step = MIN(nr, 64);

        raminate_sample_add_word(sample, first, MAKE_64BIT_MASK(0, step),
                                 RAMINATE_WRITTEN);
        first += step;
        nr -= step;
    }
}

/* Returns: number of ranges from @start on, or -1; @end returns how far. */
static int find_ranges(const PagemapSampler *sampler, uint64_t start,
                       uint64_t *end, unsigned flags, RaminatePmRange *ranges,
                       size_t max)
{
    RaminatePmScan scan = {
        .size = sizeof(scan),
        .flags = flags,
        .start = start,
        .end = *end,
        .vec = (uintptr_t)ranges,
        .vec_len = max,
        /*
         * Asked for pages that were written and for nothing else, the kernel
         * takes a short cut in which holes count as well (6.12, 6.18).  A page
         * that was only read, and never written, has its page of zeroes.
         */
        .all = RAMINATE_PM_WRITTEN | RAMINATE_PM_PRESENT |
               RAMINATE_PM_ZERO_PAGE,
        .inverted = RAMINATE_PM_ZERO_PAGE,
        .returned = RAMINATE_PM_WRITTEN,
    };
    int nr = RETRY_ON_EINTR(ioctl(sampler->pagemap, RAMINATE_PM_SCAN, &scan));

    if (nr >= 0) {
        *end = scan.walk_end;
    }
    return nr;
}

/*
 * Protects pages from @start to before @end, all of one region, and adds those
 * that were written until then.  Returns: false if that can't be done.
 */
static bool watch(PagemapSampler *sampler, uint64_t start, uint64_t end,
                  RaminateSample *sample)
{
    uint64_t done = end;
    int nr = find_ranges(sampler, start, &done, RAMINATE_PM_PROTECT,
                         sampler->protected, REGION_RANGES);

    for (int i = 0; i < nr; i++) {
        const RaminatePmRange *range = &sampler->protected[i];
        uint32_t pages = (range->end - range->start) >> RAMINATE_PAGE_BITS;

        add_pages(sample, page_at(sampler, range->start), pages);
        sampler->found += pages;
        sampler->watched += pages;
    }
    return nr >= 0;
}

/* Pages of one region, until then */
typedef struct Span {
    uint64_t start;
    uint64_t end;
} Span;

static bool end_span(PagemapSampler *sampler, Span *span,
                     RaminateSample *sample)
{
    bool good = span->start == span->end ||
                watch(sampler, span->start, span->end, sample);

    span->start = span->end;
    return good;
}

/* Takes pages that were found, all of one region. */
static bool take(PagemapSampler *sampler, Span *span, uint64_t start,
                 uint64_t end, RaminateSample *sample)
{
    uint32_t first = page_at(sampler, start);
    uint32_t nr = (end - start) >> RAMINATE_PAGE_BITS;
    uint32_t region = first >> RAMINATE_REGION_BITS;
    bool chosen = is_chosen(sampler, region);
    bool good = true;

    if (sampler->is_look || !chosen) {
        good = end_span(sampler, span, sample);
        /* In a look, what was not watched anew tells nothing. */
        if (!sampler->is_look || chosen) {
            add_pages(sample, first, nr);
        }
        sampler->found += sampler->is_look ? 0 : nr;
        return good;
    }
    if (span->start == span->end ||
        page_at(sampler, span->start) >> RAMINATE_REGION_BITS != region ||
        start - span->end > JOIN_PAGES * RAMINATE_PAGE_SIZE) {
        good = end_span(sampler, span, sample);
        span->start = start;
    }
    span->end = end;
    return good;
}

/* The same for pages of any number of regions. */
static bool take_range(PagemapSampler *sampler, Span *span,
                       const RaminatePmRange *range, RaminateSample *sample)
{
    const RaminateMemory *memory = sampler->parent.memory;
    uint64_t start = range->start;
    bool good = true;

    while (good && start < range->end) {
        uint32_t next = (page_at(sampler, start) | (RAMINATE_REGION_PAGES - 1));
        uint64_t end = MIN((uintptr_t)raminate_memory_page(memory, next) +
                           RAMINATE_PAGE_SIZE, range->end);

        good = take(sampler, span, start, end, sample);
        start = end;
    }
    return good;
}

static uint32_t pagemap_scan(RaminateSampler *parent, uint32_t first,
                             uint32_t nr, RaminateSample *sample, Error **errp)
{
    PagemapSampler *sampler = container_of(parent, PagemapSampler, parent);
    uint64_t start = (uintptr_t)raminate_memory_page(parent->memory, first);
    uint64_t end = start + (uint64_t)MIN(nr, STEP_PAGES) * RAMINATE_PAGE_SIZE;
    int found = find_ranges(sampler, start, &end, 0, sampler->ranges,
                            FOUND_RANGES);
    Span span = { 0, 0 };
    bool good = found >= 0;

    for (int i = 0; good && i < found; i++) {
        good = take_range(sampler, &span, &sampler->ranges[i], sample);
    }
    if (!good || !end_span(sampler, &span, sample)) {
        error_setg_errno(errp, errno, "PAGEMAP_SCAN on the pages of '%s'",
                         parent->memory->id);
        return 0;
    }
    return (end - start) >> RAMINATE_PAGE_BITS;
}

const RaminateSamplerOps raminate_sampler_pagemap = {
    .part = {
        .type = RAMINATE_SAMPLER_TYPE_PAGEMAP,
        .kinds = RAMINATE_WRITTEN,
        .backings = RAMINATE_OF_NODES,
        .probe = pagemap_probe,
    },
    .open = pagemap_open,
    .close = pagemap_close,
    .begin_scan = pagemap_begin_scan,
    .scan = pagemap_scan,
};
