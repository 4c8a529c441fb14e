/*
 * RAMinate: stands in for a kernel that refuses mappings
 *
 * To be preloaded.  The file "refusals" in the current directory holds four
 * numbers: one that changes with each order, how many mappings of files in
 * place of others are made before the first is refused, how many are refused,
 * and whether the old mapping is lost with it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns: whether to refuse, and in @lose whether the old mapping goes. */
static int refuse(unsigned *lose)
{
    static unsigned last, made, refused;
    unsigned order, let, refusals;
    FILE *file = fopen("refusals", "r");
    int fields;

    if (!file) {
        return 0;
    }
    fields = fscanf(file, "%u %u %u %u", &order, &let, &refusals, lose);
    fclose(file);
    if (fields != 4) {
        return 0;
    }
    if (order != last) {
        last = order;
        made = refused = 0;
    }
    if (made < let) {
        made++;
        return 0;
    }
    return refused++ < refusals;
}

/* With large files, as QEMU is built, its name is mmap64. */
void *mmap(void *addr, size_t length, int prot, int flags, int fd,
           off_t offset)
{
    unsigned lose;

    if (flags & MAP_FIXED && flags & MAP_SHARED && fd >= 0 && refuse(&lose)) {
        if (lose) {
            munmap(addr, length);
        }
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}
