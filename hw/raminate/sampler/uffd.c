/*
 * RAMinate: asynchronous write protection by userfaultfd(2)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/userfaultfd.h"
#include "hw/raminate/sampler/uffd.h"
#include <sys/ioctl.h>

int raminate_uffd_open(Error **errp)
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

bool raminate_uffd_protect(int fd, void *start, uint64_t size, bool protect)
{
    struct uffdio_writeprotect range = {
        .range = { .start = (uintptr_t)start, .len = size },
        .mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
    };

    return ioctl(fd, UFFDIO_WRITEPROTECT, &range) == 0;
}
