/*
 * Memory checker: a word that somebody outside takes away, again and again,
 * and that is written anew, so that he sees for how long the guest stands
 * still.
 *
 * It is at the start of what a PCI device has for its third BAR, such as
 * ivshmem-plain.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker.h"

#define PERIOD 1000             /* microseconds */

static int open_of(const CheckerDevice *device, const char *name, int flags)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device->name,
             name);
    fd = open(path, flags);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

void *beat_thread(void *opaque)
{
    CheckerDevice *device = opaque;
    int fd = open_of(device, "enable", O_WRONLY);
    uint64_t *word;

    if (write(fd, "1", 1) != 1) {
        perror("checker: enable");
    }
    close(fd);
    fd = open_of(device, "resource2", O_RDWR);
    word = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (word == MAP_FAILED) {
        perror("checker: resource2");
        exit(1);
    }
    while (!checker_stopped(device->c)) {
        __atomic_store_n(word, 1, __ATOMIC_RELAXED);
        usleep(PERIOD);
    }
    return NULL;
}
