/*
 * Selftest of the KVM extension: a VM with a device that VFIO has assigned to
 * it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "selftest.h"

#define DEVICES "/sys/bus/pci/devices/"
#define TEST_DEVICE "0x1b36:0x0005"

enum { A = FREE_PAGE, B = RAM_PAGES / 2 + FREE_PAGE };

static bool read_word(const char *path, char *word, size_t size)
{
    FILE *file = fopen(path, "r");
    bool ok = file != NULL && fgets(word, size, file) != NULL;

    if (file != NULL) {
        fclose(file);
    }
    word[ok ? strcspn(word, "\n") : 0] = '\0';
    return ok;
}

static void write_word(const char *path, const char *word)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, word, strlen(word)) != (ssize_t)strlen(word)) {
        die(path);
    }
    close(fd);
}

static bool is_test_device(const char *name)
{
    char path[320], vendor[16], device[16], both[48];

    snprintf(path, sizeof(path), DEVICES "%s/vendor", name);
    read_word(path, vendor, sizeof(vendor));
    snprintf(path, sizeof(path), DEVICES "%s/device", name);
    read_word(path, device, sizeof(device));
    snprintf(both, sizeof(both), "%s:%s", vendor, device);
    return strcmp(both, TEST_DEVICE) == 0;
}

/* Has VFIO take the test device. Returns: its group. */
static int open_group(void)
{
    DIR *devices = opendir(DEVICES);
    char path[320], link[256] = "";
    struct dirent *entry;
    int fd;

    while ((entry = readdir(devices)) != NULL) {
        if (is_test_device(entry->d_name)) {
            snprintf(path, sizeof(path), DEVICES "%s/driver_override",
                     entry->d_name);
            write_word(path, "vfio-pci");
            write_word("/sys/bus/pci/drivers_probe", entry->d_name);
            snprintf(path, sizeof(path), DEVICES "%s/iommu_group",
                     entry->d_name);
            if (readlink(path, link, sizeof(link) - 1) < 0) {
                die(path);
            }
        }
    }
    closedir(devices);
    snprintf(path, sizeof(path), "/dev/vfio/%s", basename(link));
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        die(path);
    }
    return fd;
}

static int vfio_call(int vfio, unsigned long request, int32_t group)
{
    struct kvm_device_attr attr = {
        .group = KVM_DEV_VFIO_GROUP,
        .attr = request,
        .addr = (uintptr_t)&group,
    };

    return ioctl(vfio, KVM_SET_DEVICE_ATTR, &attr);
}

void test_vfio(void)
{
    struct kvm_create_device create = { .type = KVM_DEV_TYPE_VFIO };
    int group = open_group(), refused;
    uint32_t reason = 0;
    Vm vm, fresh;

    vm_create(&vm, 0);
    vm_create(&fresh, 1);
    vm_attach(&vm);
    vm_add_ram(&vm, 0);
    if (ioctl(vm.fd, KVM_CREATE_DEVICE, &create) < 0) {
        die("KVM_CREATE_DEVICE");
    }

    check(swap_pages(&vm, A, B) == 0, "a swap before a device is assigned");
    if (vfio_call(create.fd, KVM_DEV_VFIO_GROUP_ADD, group) < 0) {
        die("KVM_DEV_VFIO_GROUP_ADD");
    }
    refused = swap_pages(&vm, A, B);
    check(refused == -EXDEV, "a VM with an assigned device: EXDEV (%d)",
          -refused);
    refused = attach(vm.fd, fresh.phys, PAGE);
    check(refused == -EXDEV, "to attach meanwhile: EXDEV (%d)", -refused);
    refused = swap_or_reason(&vm, A, B, &reason);
    check(refused == -EBUSY && reason == KVM_RAMINATE_REASON_DEVICE,
          "with the reason: a device (%d, %u)", -refused, reason);
    refused = attach_or_reason(vm.fd, fresh.phys, PAGE, &reason);
    check(refused == -EBUSY && reason == KVM_RAMINATE_REASON_DEVICE,
          "to attach, with the reason: a device (%d, %u)", -refused, reason);
    if (vfio_call(create.fd, KVM_DEV_VFIO_GROUP_DEL, group) < 0) {
        die("KVM_DEV_VFIO_GROUP_DEL");
    }
    check(swap_pages(&vm, A, B) == 0, "a swap after the device has gone");

    close(create.fd);
    close(group);
    vm_destroy(&vm);
    vm_destroy(&fresh);
}
