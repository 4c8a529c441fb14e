/*
 * RAMinate: a program with faults that sanitizers report
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int shift = 32;
static char *volatile heap;

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "none";

    if (strcmp(fault, "overflow") == 0) {
        heap = malloc(shift);
        heap[shift] = 1;
    } else if (strcmp(fault, "leak") == 0) {
        heap = malloc(shift);
        heap = NULL;
    } else if (strcmp(fault, "undefined") == 0) {
        printf("%d\n", 1 << shift);
    }
    return 0;
}
