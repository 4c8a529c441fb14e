/*
 * Display workload: paints lines of the VGA screen on demand.
 *
 * In a mode of 8 bits a pixel, which QEMU converts for display, so that
 * only lines known to be dirty are shown.  Each line read from standard
 * input is the number of a scan line to make white, or black again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>

#include "pci.h"

#define WIDTH 640
#define HEIGHT 480
#define BLACK 0
#define WHITE 1

/* Bochs display interface. */
enum {
    DISPI_INDEX_PORT = 0x1ce,
    DISPI_DATA_PORT = 0x1cf,
    DISPI_XRES = 1,
    DISPI_YRES = 2,
    DISPI_BPP = 3,
    DISPI_ENABLE = 4,
};

static void dispi_write(unsigned short index, unsigned short value)
{
    outw(index, DISPI_INDEX_PORT);
    outw(value, DISPI_DATA_PORT);
}

static void set_mode(void)
{
    int i;

    dispi_write(DISPI_ENABLE, 0);
    dispi_write(DISPI_XRES, WIDTH);
    dispi_write(DISPI_YRES, HEIGHT);
    dispi_write(DISPI_BPP, 8);
    dispi_write(DISPI_ENABLE, 1);
    inb(0x3da);
    outb(0x20, 0x3c0);          /* show the picture */
    outb(WHITE, 0x3c8);
    for (i = 0; i < 3; i++) {
        outb(0x3f, 0x3c9);
    }
}

int main(void)
{
    unsigned char *screen = pci_map(0, WIDTH * HEIGHT, 0);
    char text[80];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (iopl(3) < 0) {
        perror("painter: iopl");
        return 1;
    }
    set_mode();
    memset(screen, 0, WIDTH * HEIGHT);
    printf("painter: started\n");
    while (fgets(text, sizeof(text), stdin)) {
        int line = atoi(text);

        if (line < 0 || line >= HEIGHT) {
            return 2;
        }
        memset(screen + line * WIDTH, screen[line * WIDTH] ? BLACK : WHITE,
               WIDTH);
        printf("painter: painted %d\n", line);
    }
    return 0;
}
