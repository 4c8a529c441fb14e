/*
 * RAMinate: stands in for a kernel whose system calls fail
 *
 * To be preloaded.  Which calls fail, and how, a test says in faults.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <numaif.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "faults.h"

#define PAGE_SIZE 4096

static FaultOrder *order;

static void __attribute__((constructor)) find_order(void)
{
    int fd = syscall(SYS_openat, AT_FDCWD, FAULTS_FILE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        order = (void *)syscall(SYS_mmap, NULL, sizeof(*order),
                                PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        syscall(SYS_close, fd);
    }
}

/* Returns: whether the call is not to be made; errno is set then. */
static bool fails(uint32_t kind)
{
    uint32_t nr;

    if (!order || !(__atomic_load_n(&order->kinds, __ATOMIC_ACQUIRE) & kind)) {
        return false;
    }
    nr = __atomic_fetch_add(&order->seen, 1, __ATOMIC_RELAXED);
    if (order->delay_ms) {
        usleep(order->delay_ms * 1000);
    }
    if (nr < order->let || nr - order->let >= order->nr) {
        return false;
    }
    __atomic_fetch_add(&order->failed, 1, __ATOMIC_RELAXED);
    errno = order->error;
    return true;
}

/* Returns: what a call returns that was not made: @success if it lies. */
static ssize_t result(ssize_t success)
{
    return order->error ? -1 : success;
}

static uint32_t kind_of_mapping(size_t length, int prot, int flags, int fd)
{
    if (fd >= 0 && flags & MAP_SHARED) {
        return flags & MAP_FIXED ? FAULT_MAP : FAULT_MAP_NEW;
    }
    return prot == PROT_NONE ? FAULT_SPARE : 0;
}

/* With large files, as QEMU is built, its name is mmap64; so with others. */
void *mmap(void *addr, size_t length, int prot, int flags, int fd,
           off_t offset)
{
    if (fails(kind_of_mapping(length, prot, flags, fd))) {
        if (flags & MAP_FIXED && order->lose) {
            syscall(SYS_munmap, addr, length);
        }
        return (void *)result((ssize_t)addr);
    }
    return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}

int mprotect(void *addr, size_t length, int prot)
{
    if (prot == PROT_READ && fails(FAULT_PROTECT)) {
        return result(0);
    }
    return syscall(SYS_mprotect, addr, length, prot);
}

int madvise(void *addr, size_t length, int advice)
{
    if (fails(FAULT_ADVISE)) {
        return result(0);
    }
    return syscall(SYS_madvise, addr, length, advice);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (size == PAGE_SIZE && fails(FAULT_SAVE)) {
        return result(size);
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    if (size == PAGE_SIZE && fails(FAULT_LOAD)) {
        return result(size);
    }
    return syscall(SYS_pread64, fd, data, size, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (fails(FAULT_PUNCH)) {
        return result(0);
    }
    return syscall(SYS_fallocate, fd, mode, offset, length);
}

int memfd_create(const char *name, unsigned int flags)
{
    if (fails(FAULT_MEMFD)) {
        return result(-1);
    }
    return syscall(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t length)
{
    if (fails(FAULT_TRUNCATE)) {
        return result(0);
    }
    return syscall(SYS_ftruncate, fd, length);
}

int mincore(void *addr, size_t length, unsigned char *resident)
{
    if (fails(FAULT_MINCORE)) {
        return result(0);
    }
    return syscall(SYS_mincore, addr, length, resident);
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    void *argument;

    va_start(list, command);
    argument = va_arg(list, void *);
    va_end(list);
    if (command == F_OFD_SETLK && fails(FAULT_LOCK)) {
        return result(0);
    }
    return syscall(SYS_fcntl, fd, command, argument);
}

int open(const char *path, int flags, ...)
{
    va_list list;
    unsigned mode;

    va_start(list, flags);
    mode = va_arg(list, unsigned);
    va_end(list);
    if (path[0] != '/' && fails(FAULT_OPEN)) {
        return result(-1);
    }
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    void *argument;
    uint32_t kind = _IOC_TYPE(request) == UFFDIO ? FAULT_WATCH
                    : _IOC_TYPE(request) == 'f' && _IOC_NR(request) == 16
                    ? FAULT_SCAN : 0;

    va_start(list, request);
    argument = va_arg(list, void *);
    va_end(list);
    if (fails(kind)) {
        return result(0);
    }
    return syscall(SYS_ioctl, fd, request, argument);
}

/* These are libnuma's, or those of a library that stands in for nodes. */

long mbind(void *addr, unsigned long size, int mode, const unsigned long *mask,
           unsigned long max_node, unsigned flags)
{
    typeof(mbind) *next = dlsym(RTLD_NEXT, __func__);

    return fails(FAULT_BIND) ? result(0)
                             : next(addr, size, mode, mask, max_node, flags);
}

long move_pages(int pid, unsigned long nr, void **addrs, const int *to,
                int *status, int flags)
{
    typeof(move_pages) *next = dlsym(RTLD_NEXT, __func__);

    if (fails(to ? FAULT_MIGRATE : FAULT_LOOK)) {
        if (to && !order->error) {
            memcpy(status, to, nr * sizeof(*to));
        }
        return result(0);
    }
    return next(pid, nr, addrs, to, status, flags);
}
