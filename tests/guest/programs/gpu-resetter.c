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
#include <unistd.h>

#include "pci.h"

#define CONFIG_SIZE 256
#define ROUND 1000

/* Where the device has its common configuration, by virtio 1.0, 4.1.4 */
static struct virtio_pci_cap find_common(void)
{
    uint8_t config[CONFIG_SIZE];
    struct virtio_pci_cap cap;
    int fd = open(PCI_DEVICE "config", O_RDONLY);
    int place;

    if (fd < 0 || read(fd, config, sizeof(config)) != sizeof(config)) {
        perror("gpu-resetter: " PCI_DEVICE "config");
        exit(1);
    }
    close(fd);
    for (place = config[PCI_CAPABILITY_LIST]; place; place = cap.cap_next) {
        memcpy(&cap, config + place, sizeof(cap));
        if (cap.cap_vndr == PCI_CAP_ID_VNDR &&
            cap.cfg_type == VIRTIO_PCI_CAP_COMMON_CFG) {
            return cap;
        }
    }
    fprintf(stderr, "gpu-resetter: " PCI_DEVICE " is no virtio device\n");
    exit(1);
}

int main(void)
{
    struct virtio_pci_cap cap = find_common();
    volatile struct virtio_pci_common_cfg *common;
    unsigned long resets;

    setvbuf(stdout, NULL, _IOLBF, 0);
    common = pci_map(cap.bar, sizeof(*common), cap.offset);
    printf("gpu-resetter: started\n");
    for (resets = 1; ; resets++) {
        common->device_status = 0;
        if (resets % ROUND == 0) {
            printf("gpu-resetter: resets=%lu\n", resets);
        }
    }
}
