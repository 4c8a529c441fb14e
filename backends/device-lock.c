/*
 * RAMinate: ranges of a device, locked by whatever node it is opened
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "backends/raminate/device-lock.h"
#include "qemu/rcu.h"
#include <sys/sysmacros.h>

/* Two that lock at the same time see each other: both let go, and try again. */
#define TRIES 10
#define MAX_PAUSE_US 20000

typedef struct DeviceLockEnd {
    struct rcu_head rcu;
    int fd;
} DeviceLockEnd;

int raminate_device_lock_open(const RaminateFileIdentity *device)
{
    g_autofree char *path =
        g_strdup_printf("/sys/dev/%s/%u:%u/dev",
                        S_ISBLK(device->type) ? "block" : "char",
                        major(device->dev), minor(device->dev));
    int fd = qemu_open_old(path, O_RDONLY);

    return fd < 0 ? -errno : fd;
}

static void device_lock_end(DeviceLockEnd *end)
{
    close(end->fd);
    g_free(end);
}

void raminate_device_lock_close(int fd)
{
    DeviceLockEnd *end = g_new(DeviceLockEnd, 1);

    end->fd = fd;
    call_rcu(end, device_lock_end, rcu);
}

uint64_t raminate_locked_end(int fd, uint64_t start, uint64_t size)
{
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = start,
        .l_len = size,
    };

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK) {
        return 0;
    }
    return lock.l_len ? lock.l_start + lock.l_len : INT64_MAX;
}

int raminate_device_lock(int fd, uint64_t start, uint64_t size)
{
    for (int i = 0; i < TRIES; i++) {
        int ret;

        if (raminate_locked_end(fd, start, size)) {
            return -EAGAIN;
        }
        ret = qemu_lock_fd(fd, start, size, false);
        if (ret < 0 || !raminate_locked_end(fd, start, size)) {
            return ret;
        }
        qemu_unlock_fd(fd, start, size);
        g_usleep(g_random_int_range(0, MAX_PAUSE_US));
    }
    return -EAGAIN;
}
