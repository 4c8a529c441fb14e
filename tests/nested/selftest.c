/*
 * Selftest of the KVM extension: drives KVM with vCPUs of its own, on frames of
 * /dev/mem, and prints TAP. Runs as root on a host with ranges set aside.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftest.h"

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    { "scan", test_scan },
    { "steady", test_steady },
    { "swap", test_swap },
    { "torture", test_torture },
    { "input", test_input },
    { "fuzz", test_fuzz },
    { "kill", test_kill },
};

int main(int argc, char **argv)
{
    size_t i;
    int arg;

    if (argc < 3) {
        fprintf(stderr, "Usage: %s PHYSICAL-ADDRESS TEST...\n", argv[0]);
        return 2;
    }
    pool_phys = strtoull(argv[1], NULL, 0);
    for (arg = 2; arg < argc; arg++) {
        for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
            if (strcmp(argv[arg], tests[i].name) == 0) {
                note("%s", tests[i].name);
                tests[i].run();
            }
        }
    }
    return tap_finish();
}
