/*
 * RAMinate: scans of this process's page tables by PAGEMAP_SCAN
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/sampler/pagemap-file.h"

int raminate_pm_open(Error **errp)
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

int raminate_pm_scan(int fd, RaminatePmScan *scan)
{
    scan->size = sizeof(*scan);
    return RETRY_ON_EINTR(ioctl(fd, RAMINATE_PM_SCAN, scan));
}
