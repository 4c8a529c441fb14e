/*
 * Resets a virtio GPU again and again, as its driver does once.
 *
 * Says so whenever it has done ROUND resets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEVICE "/sys/bus/pci/devices/0000:00:02.0/"
#define CONFIG_SIZE 256
#define ROUND 1000

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Where the device has its common configuration, by virtio 1.0, 4.1.4 */
static struct virtio_pci_cap find_common(void)
{
    uint8_t config[CONFIG_SIZE];
    struct virtio_pci_cap cap;
    int fd = open(DEVICE "config", O_RDONLY);
    int place;

    if (fd < 0 || read(fd, config, sizeof(config)) != sizeof(config)) {
        fail("gpu-resetter: " DEVICE "config");
    }
    close(fd);
    for (place = config[PCI_CAPABILITY_LIST]; place; place = cap.cap_next) {
        memcpy(&cap, config + place, sizeof(cap));
        if (cap.cap_vndr == PCI_CAP_ID_VNDR &&
            cap.cfg_type == VIRTIO_PCI_CAP_COMMON_CFG) {
            return cap;
        }
    }
    fprintf(stderr, "gpu-resetter: " DEVICE " is no virtio device\n");
    exit(1);
}

int main(void)
{
    struct virtio_pci_cap cap = find_common();
    volatile struct virtio_pci_common_cfg *common;
    char file[sizeof(DEVICE "resource") + 3];
    unsigned long resets;
    int fd = open(DEVICE "enable", O_WRONLY);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fd < 0 || write(fd, "1", 1) != 1) {
        fail("gpu-resetter: " DEVICE "enable");
    }
    close(fd);
    snprintf(file, sizeof(file), DEVICE "resource%u", cap.bar);
    fd = open(file, O_RDWR);
    if (fd < 0) {
        fail("gpu-resetter: open");
    }
    common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED,
                  fd, cap.offset);
    if (common == MAP_FAILED) {
        fail("gpu-resetter: mmap");
    }
    printf("gpu-resetter: started\n");
    for (resets = 1; ; resets++) {
        common->device_status = 0;
        if (resets % ROUND == 0) {
            printf("gpu-resetter: resets=%lu\n", resets);
        }
    }
}
