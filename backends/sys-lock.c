/*
 * RAMinate: claims that all VMs of a host see, as locks on files in /sys
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "backends/raminate/sys-lock.h"
#include "qemu/rcu.h"
#include <sys/sysmacros.h>

/* Two that lock at the same time see each other: both let go, and try again. */
#define TRIES 10
#define MAX_PAUSE_US 20000

typedef struct LockEnd {
    struct rcu_head rcu;
    int fd;
} LockEnd;

int raminate_sys_lock_open(const char *path)
{
    int fd = qemu_open_old(path, O_RDONLY);

    return fd < 0 ? -errno : fd;
}

int raminate_sys_lock_open_device(const RaminateFileIdentity *device)
{
    g_autofree char *path =
        g_strdup_printf("/sys/dev/%s/%u:%u/dev",
                        S_ISBLK(device->type) ? "block" : "char",
                        major(device->dev), minor(device->dev));

    return raminate_sys_lock_open(path);
}

static void lock_end(LockEnd *end)
{
    close(end->fd);
    g_free(end);
}

void raminate_sys_lock_close(int fd)
{
    LockEnd *end = g_new(LockEnd, 1);

    end->fd = fd;
    call_rcu(end, lock_end, rcu);
}

bool raminate_find_lock(int fd, uint64_t start, uint64_t size,
                        RaminateRange *locked)
{
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = start,
        .l_len = size,
    };

    *locked = (RaminateRange) { .size = 0 };
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK) {
        return false;
    }
    locked->start = lock.l_start;
    locked->size = lock.l_len ?: INT64_MAX - lock.l_start;
    return true;
}

int raminate_sys_lock(int fd, uint64_t start, uint64_t size)
{
    RaminateRange locked;

    for (int i = 0; i < TRIES; i++) {
        int ret;

        if (raminate_find_lock(fd, start, size, &locked)) {
            return -EAGAIN;
        }
        ret = qemu_lock_fd(fd, start, size, false);
        if (ret < 0 || !raminate_find_lock(fd, start, size, &locked)) {
            return ret;
        }
        qemu_unlock_fd(fd, start, size);
        g_usleep(g_random_int_range(0, MAX_PAUSE_US));
    }
    return -EAGAIN;
}
