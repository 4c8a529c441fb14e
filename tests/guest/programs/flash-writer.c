/*
 * Programs a byte of flash memory again and again, as firmware does when it
 * keeps a variable; QEMU writes a sector of its file each time.
 *
 * Its argument is the flash memory's physical address.  Says so whenever it has
 * programmed the byte ROUND times.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SIZE 4096
#define ROUND 100

/* Commands of Intel's flash memories */
#define PROGRAM 0x40
#define READ_ARRAY 0xff

int main(int argc, char **argv)
{
    int fd = open("/dev/mem", O_RDWR | O_SYNC);
    volatile uint8_t *flash;
    unsigned long writes;

    if (argc != 2 || fd < 0) {
        perror("flash-writer: /dev/mem");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    flash = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 strtoul(argv[1], NULL, 0));
    if (flash == MAP_FAILED) {
        perror("flash-writer: flash memory");
        return 1;
    }
    printf("flash-writer: started\n");
    for (writes = 1; ; writes++) {
        *flash = PROGRAM;
        *flash = writes;
        if (writes % ROUND == 0) {
            *flash = READ_ARRAY;
            printf("flash-writer: writes=%lu, reads %u\n", writes, *flash);
        }
    }
}
