/*
 * The PCI device that a program drives itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"

static void fail(const char *file)
{
    perror(file);
    exit(1);
}

void *pci_map(unsigned bar, size_t size, off_t offset)
{
    const char *enable = PCI_DEVICE "enable";
    char resource[sizeof(PCI_DEVICE "resource") + 3];
    void *mapping;
    int fd = open(enable, O_WRONLY);

    if (fd < 0 || write(fd, "1", 1) != 1) {
        fail(enable);
    }
    close(fd);
    snprintf(resource, sizeof(resource), PCI_DEVICE "resource%u", bar);
    fd = open(resource, O_RDWR);
    if (fd < 0) {
        fail(resource);
    }
    mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    if (mapping == MAP_FAILED) {
        fail(resource);
    }
    close(fd);
    return mapping;
}
