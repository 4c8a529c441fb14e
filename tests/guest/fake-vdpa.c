/*
 * RAMinate: stands in for a vDPA or vhost device of the host's kernel
 *
 * To be preloaded.  Any file answers what QEMU asks of such a device until the
 * guest starts to use it: of vDPA, a disk with one queue.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define QUEUE_SIZE 256
#define CONFIG_SIZE 64

/* Returns: whether it was @request, which has been answered. */
static int answer(unsigned long request, void *arg)
{
    static __u8 status;
    const __u64 features = 1ULL << VIRTIO_F_VERSION_1 |
                           1ULL << VIRTIO_F_ACCESS_PLATFORM;

    switch (request) {
    case VHOST_VDPA_GET_DEVICE_ID:
        *(__u32 *)arg = VIRTIO_ID_BLOCK;
        break;
    case VHOST_VDPA_GET_VRING_NUM:
        *(__u16 *)arg = QUEUE_SIZE;
        break;
    case VHOST_VDPA_GET_VQS_COUNT:
        *(__u32 *)arg = 1;
        break;
    case VHOST_VDPA_GET_CONFIG_SIZE:
        *(__u32 *)arg = CONFIG_SIZE;
        break;
    case VHOST_VDPA_GET_IOVA_RANGE:
        *(struct vhost_vdpa_iova_range *)arg =
            (struct vhost_vdpa_iova_range) { 0, ~0ULL };
        break;
    case VHOST_GET_FEATURES:
        *(__u64 *)arg = features;
        break;
    case VHOST_GET_BACKEND_FEATURES:
        *(__u64 *)arg = 0;
        break;
    case VHOST_VDPA_GET_STATUS:
        *(__u8 *)arg = status;
        break;
    case VHOST_VDPA_SET_STATUS:
        status = *(const __u8 *)arg;
        break;
    case VHOST_VDPA_GET_CONFIG:
        memset(((struct vhost_vdpa_config *)arg)->buf, 0,
               ((struct vhost_vdpa_config *)arg)->len);
        break;
    default:
        return _IOC_TYPE(request) == VHOST_VIRTIO;
    }
    return 1;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    return answer(request, arg) ? 0 : syscall(SYS_ioctl, fd, request, arg);
}
