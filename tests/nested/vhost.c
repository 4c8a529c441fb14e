/*
 * Selftest of the KVM extension: vhost, a part of the host's kernel, writes to
 * the guest's memory. Here it brings a guest, which need not run, a request to
 * connect.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

#include "selftest.h"

enum {
    CID = 42,
    PORT = 1,
    RINGS = 2,                  /* for what the guest receives, and sends */
    RING_SIZE = 4,
    PATIENCE_MS = 60000,
    /* Pages of the first ring, and of what it brings. */
    DESCRIPTORS = FREE_PAGE,
    AVAILABLE,
    USED,
    RING_PAGES = USED - DESCRIPTORS + 1,
    BUFFER = FREE_PAGE + 16,
    BUFFERS = 2,
    OTHER = RAM_PAGES / 2 + FREE_PAGE,
};

static void control(int fd, unsigned long request, const void *arg,
                    const char *name)
{
    if (ioctl(fd, request, arg) < 0) {
        die(name);
    }
}

#define CONTROL(fd, request, arg) control(fd, request, arg, #request)

static void set_memory(int fd, const Vm *vm)
{
    struct {
        struct vhost_memory head;
        struct vhost_memory_region region;
    } memory = {
        .head.nregions = 1,
        .region = {
            .memory_size = RAM_SIZE, .userspace_addr = (uintptr_t)vm->ram,
        },
    };

    CONTROL(fd, VHOST_SET_MEM_TABLE, &memory);
}

/* Returns: what is signalled when the ring has been used. */
static int set_ring(int fd, const Vm *vm, unsigned index)
{
    uint32_t first = DESCRIPTORS + index * RING_PAGES;
    struct vhost_vring_state size = { .index = index, .num = RING_SIZE };
    struct vhost_vring_state base = { .index = index };
    struct vhost_vring_addr addresses = {
        .index = index,
        .desc_user_addr = (uintptr_t)vm_page(vm, first),
        .avail_user_addr = (uintptr_t)vm_page(vm, first + 1),
        .used_user_addr = (uintptr_t)vm_page(vm, first + 2),
    };
    struct vhost_vring_file kick = { .index = index, .fd = eventfd(0, 0) };
    struct vhost_vring_file call = { .index = index, .fd = eventfd(0, 0) };

    CONTROL(fd, VHOST_SET_VRING_NUM, &size);
    CONTROL(fd, VHOST_SET_VRING_BASE, &base);
    CONTROL(fd, VHOST_SET_VRING_ADDR, &addresses);
    CONTROL(fd, VHOST_SET_VRING_KICK, &kick);
    CONTROL(fd, VHOST_SET_VRING_CALL, &call);
    close(kick.fd);
    return call.fd;
}

static void offer_buffers(const Vm *vm)
{
    struct vring_desc *descriptors = (void *)vm_page(vm, DESCRIPTORS);
    struct vring_avail *available = (void *)vm_page(vm, AVAILABLE);
    unsigned i;

    for (i = 0; i < BUFFERS; i++) {
        descriptors[i] = (struct vring_desc) {
            .addr = (BUFFER + i) * PAGE, .len = PAGE,
            .flags = VRING_DESC_F_WRITE,
        };
        available->ring[i] = i;
    }
    available->idx = BUFFERS;
}

/* Has a packet sent to the guest. */
static void send_packet(int called)
{
    struct sockaddr_vm address = {
        .svm_family = AF_VSOCK, .svm_cid = CID, .svm_port = PORT,
    };
    struct pollfd wait = { .fd = called, .events = POLLIN };
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    uint64_t count;

    if (fd < 0 ||
        (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
         errno != EINPROGRESS)) {
        die("connect");
    }
    if (poll(&wait, 1, PATIENCE_MS) != 1 ||
        read(called, &count, sizeof(count)) != sizeof(count)) {
        die("no packet came");
    }
    close(fd);
}

static bool has_packet(const Vm *vm, uint32_t page)
{
    /* Where it comes from: the host. */
    return vm_page(vm, page)[0] == VMADDR_CID_HOST &&
           vm_page(vm, page)[1] == CID;
}

void test_vhost(void)
{
    int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC), called, on = 1;
    uint64_t features = 1ull << VIRTIO_F_VERSION_1, cid = CID;
    Pages pages;
    unsigned i;
    Vm vm;

    if (fd < 0) {
        die("/dev/vhost-vsock");
    }
    vm_create(&vm, 0);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);

    CONTROL(fd, VHOST_SET_OWNER, NULL);
    CONTROL(fd, VHOST_SET_FEATURES, &features);
    set_memory(fd, &vm);
    called = set_ring(fd, &vm, 0);
    for (i = 1; i < RINGS; i++) {
        close(set_ring(fd, &vm, i));
    }
    CONTROL(fd, VHOST_VSOCK_SET_GUEST_CID, &cid);
    CONTROL(fd, VHOST_VSOCK_SET_RUNNING, &on);
    offer_buffers(&vm);

    scan_ram(&vm, &pages);
    send_packet(called);
    scan_ram(&vm, &pages);
    check(has_packet(&vm, BUFFER) && has_page(&pages, BUFFER) &&
          has_page(&pages, USED), "what vhost writes is reported");
    check(!has_page(&pages, DESCRIPTORS) && !has_page(&pages, AVAILABLE) &&
          !has_page(&pages, BUFFER + 1), "what it only reads is not");

    check(swap_pages(&vm, BUFFER + 1, OTHER) == 0 &&
          swap_pages(&vm, USED, OTHER + 1) == 0, "its pages can be exchanged");
    scan_ram(&vm, &pages);
    send_packet(called);
    check(has_packet(&vm, BUFFER + 1) && !has_packet(&vm, OTHER),
          "it goes on writing to the same pages");
    scan_ram(&vm, &pages);
    check(has_page(&pages, BUFFER + 1) && has_page(&pages, USED) &&
          !has_page(&pages, OTHER) && !has_page(&pages, OTHER + 1),
          "which is reported of them");

    close(called);
    close(fd);
    vm_destroy(&vm);
}
