/*
 * RAMinate: pages that are watched: the host's kernel tells which were used
 *
 * userfaultfd(2) has asynchronous modes, in which the kernel lets through who
 * uses a page that is protected, and takes the protection away; PAGEMAP_SCAN
 * says of which pages that is so.  All that goes through QEMU's own mapping is
 * seen: what the guest does, what QEMU does, and what the kernel does there.
 * Not seen are other processes' mappings and devices with pages pinned (VFIO).
 * It is the fault that is seen, before the use: of a use that was under way when
 * a scan came, the next one finds the page again
 * (findings/write-is-told-before-it-is-made.sh).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/userfaultfd.h"
#include "hw/raminate/sampler/page-watch.h"

/*
 * Source: include/uapi/linux/userfaultfd.h of Linux 7.3; the headers that QEMU
 * comes with lack it.
 */
#define WATCH_FEATURE_RWP (1 << 17)
#define WATCH_FEATURE_RWP_ASYNC (1 << 18)
#define WATCH_REGISTER_MODE_RWP (1 << 3)
#define WATCH_RWPROTECT _IOWR(UFFDIO, 0x09, struct uffdio_writeprotect)

/* UFFDIO_WRITEPROTECT_MODE_WP, and the same of WATCH_RWPROTECT */
#define WATCH_PROTECTS 1

struct RaminateWatchMode {
    uint64_t features;          /* of userfaultfd */
    uint64_t registers;
    uint64_t found;             /* category of pages that are not protected */
    uint64_t told;              /* categories that ranges are to have */
    unsigned long protect;      /* ioctl; its mode 1 protects, and 0 doesn't */
    bool scan_protects;         /* whether a scan can */
    const char *missing;        /* if the kernel has no such features */
};

const RaminateWatchMode raminate_watch_writes = {
    .features = UFFD_FEATURE_WP_ASYNC,
    .registers = UFFDIO_REGISTER_MODE_WP,
    .found = RAMINATE_PM_WRITTEN,
    .told = RAMINATE_PM_WRITTEN,
    .protect = UFFDIO_WRITEPROTECT,
    .scan_protects = true,
    .missing = "the host's kernel has no asynchronous write protection, "
               "which Linux has since 6.7",
};

const RaminateWatchMode raminate_watch_accesses = {
    .features = WATCH_FEATURE_RWP | WATCH_FEATURE_RWP_ASYNC,
    .registers = WATCH_REGISTER_MODE_RWP,
    .found = RAMINATE_PM_ACCESSED,
    .told = RAMINATE_PM_ACCESSED | RAMINATE_PM_HUGE,
    /* A scan can't: it would pass over all of the range in silence. */
    .protect = WATCH_RWPROTECT,
    .missing = "the host's kernel has no read-write protection by "
               "userfaultfd(2), which Linux has since 7.3",
};

/* Returns: a userfaultfd that lets all through, or -1 with @errp set. */
static int open_uffd(const RaminateWatchMode *mode, Error **errp)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = mode->features,
    };
    /* No fault is ever handed to user space, so that it takes no privilege. */
    int uffd = uffd_open(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

    if (uffd < 0) {
        error_setg_errno(errp, errno, "QEMU can't use userfaultfd(2); allow it "
                         "in the sandbox or container that QEMU runs in");
        return -1;
    }
    if (ioctl(uffd, UFFDIO_API, &api) < 0) {
        error_setg(errp, "%s", mode->missing);
        close(uffd);
        return -1;
    }
    return uffd;
}

static bool open_both(RaminateWatch *watch, const RaminateWatchMode *mode,
                      Error **errp)
{
    watch->mode = mode;
    watch->pagemap = -1;
    watch->uffd = open_uffd(mode, errp);
    if (watch->uffd >= 0) {
        watch->pagemap = raminate_pm_open(errp);
    }
    if (watch->pagemap < 0) {
        raminate_watch_close(watch);
        return false;
    }
    return true;
}

bool raminate_watch_probe(const RaminateWatchMode *mode, Error **errp)
{
    RaminateWatch watch;

    if (!open_both(&watch, mode, errp)) {
        return false;
    }
    raminate_watch_close(&watch);
    return true;
}

bool raminate_watch_open(RaminateWatch *watch, const RaminateWatchMode *mode,
                         const RaminateMemory *memory, Error **errp)
{
    if (!open_both(watch, mode, errp)) {
        return false;
    }
    if (uffd_register_memory(watch->uffd, memory->host, memory->backend->size,
                             mode->registers, NULL) < 0) {
        error_setg_errno(errp, errno, "the pages of '%s' can't be watched by "
                         "userfaultfd(2); another user of it has them, or "
                         "their memory is of a kind that it doesn't know",
                         memory->id);
        raminate_watch_close(watch);
        return false;
    }
    return true;
}

void raminate_watch_close(RaminateWatch *watch)
{
    if (watch->pagemap >= 0) {
        close(watch->pagemap);
    }
    if (watch->uffd >= 0) {
        close(watch->uffd);
    }
}

static int scan_range(const RaminateWatch *watch, uint64_t start, uint64_t *end,
                      unsigned flags, RaminatePmRange *ranges, size_t max)
{
    RaminatePmScan scan = {
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
        .all = watch->mode->found | RAMINATE_PM_PRESENT |
               RAMINATE_PM_ZERO_PAGE,
        .inverted = RAMINATE_PM_ZERO_PAGE,
        .returned = watch->mode->told,
    };
    int nr = raminate_pm_scan(watch->pagemap, &scan);

    if (nr >= 0) {
        *end = scan.walk_end;
    }
    return nr;
}

int raminate_watch_find(const RaminateWatch *watch, uint64_t start,
                        uint64_t *end, RaminatePmRange *ranges, size_t max)
{
    return scan_range(watch, start, end, 0, ranges, max);
}

/* Protects pages, or takes that back, whatever they are now. */
static bool set_range(const RaminateWatch *watch, uint64_t start, uint64_t size,
                      bool protect)
{
    struct uffdio_writeprotect range = {
        .range = { .start = start, .len = size },
        .mode = protect ? WATCH_PROTECTS : 0,
    };

    return RETRY_ON_EINTR(ioctl(watch->uffd, watch->mode->protect,
                                &range)) == 0;
}

/* Linux splits a huge page of which a part is protected. */
static bool protect_halves(const RaminateWatch *watch, uint64_t start)
{
    uint64_t size = RAMINATE_REGION_SIZE / 2;

    return set_range(watch, start, size, true) &&
           set_range(watch, start + size, size, true);
}

int raminate_watch_protect(const RaminateWatch *watch, uint64_t start,
                           uint64_t end, bool split, RaminatePmRange *ranges,
                           size_t max)
{
    bool at_once = watch->mode->scan_protects;
    uint64_t size = end - start;
    int nr = scan_range(watch, start, &end, at_once ? RAMINATE_PM_PROTECT : 0,
                        ranges, max);

    if (nr <= 0 || at_once) {
        return nr;
    }
    /* What is used from here on until it is protected is missed. */
    if (split && size == RAMINATE_REGION_SIZE &&
        ranges[0].categories & RAMINATE_PM_HUGE) {
        ranges[0].categories &= ~RAMINATE_PM_HUGE;
        return protect_halves(watch, start) ? nr : -1;
    }
    return set_range(watch, start, size, true) ? nr : -1;
}

bool raminate_watch_set_region(const RaminateWatch *watch, uint64_t start,
                               bool protect)
{
    return set_range(watch, start, RAMINATE_REGION_SIZE, protect);
}
