/*
 * DMA workload: a device writes the same pages all the time.
 *
 * The processor hardly writes anything: a disk is read into a fixed
 * buffer, over and over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAUSE_US 50000

int main(int argc, char **argv)
{
    size_t size;
    void *buffer;
    int fd;

    if (argc != 3) {
        fprintf(stderr, "usage: dma-reader DISK BYTES\n");
        return 2;
    }
    size = atol(argv[2]);
    fd = open(argv[1], O_RDONLY | O_DIRECT);
    buffer = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (fd < 0 || buffer == MAP_FAILED) {
        perror("dma-reader");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("dma-reader: started\n");
    while (pread(fd, buffer, size, 0) == (ssize_t)size) {
        usleep(PAUSE_US);
    }
    perror("dma-reader: read");
    return 1;
}
