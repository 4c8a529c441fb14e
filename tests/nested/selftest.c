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
    { "find", test_find },
    { "skip", test_skip },
    { "steady", test_steady },
    { "flush", test_flush },
    { "yield", test_yield },
    { "swap", test_swap },
    { "refill", test_refill },
    { "torture", test_torture },
    { "beside", test_beside },
    { "input", test_input },
    { "claim", test_claim },
    { "fuzz", test_fuzz },
    { "kill", test_kill },
    { "memtype", test_memtype },
    { "vhost", test_vhost },
    { "vfio", test_vfio },
};

/* How KVM maps the memory of guests: what is in force, not what was asked. */
static void note_parameters(void)
{
    static const char *const parameters[][2] = {
        { "kvm", "tdp_mmu" }, { "kvm_amd", "npt" }, { "kvm_intel", "ept" },
        { "kvm_intel", "eptad" }, { "kvm_intel", "pml" },
    };
    char path[64];
    size_t i;
    FILE *file;

    for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s",
                 parameters[i][0], parameters[i][1]);
        file = fopen(path, "r");
        if (file != NULL) {
            note("%s.%s=%c", parameters[i][0], parameters[i][1], getc(file));
            fclose(file);
        }
    }
}

unsigned patience = 1;

int main(int argc, char **argv)
{
    size_t i;
    int arg;

    if (argc < 3) {
        fprintf(stderr, "Usage: %s PHYSICAL-ADDRESS [long] TEST...\n",
                argv[0]);
        return 2;
    }
    pool_phys = strtoull(argv[1], NULL, 0);
    note_parameters();
    for (arg = 2; arg < argc; arg++) {
        if (strcmp(argv[arg], "long") == 0) {
            patience = 10;
        }
        for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
            if (strcmp(argv[arg], tests[i].name) == 0) {
                note("%s", tests[i].name);
                tests[i].run();
            }
        }
    }
    return tap_finish();
}
