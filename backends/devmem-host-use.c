/*
 * RAMinate: memory-backend-devmem on /dev/mem, and who else uses the memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/kvm.h"
#include "backends/raminate/devmem-internal.h"
#include "backends/raminate/iomem.h"
#include <sys/sysmacros.h>

/* Device numbers that all Linux hosts share: mem(4). */
#define MEM_MAJOR 1
#define MEM_MINOR 1

bool devmem_is_dev_mem(const HostMemoryBackendDevmem *devmem)
{
    return S_ISCHR(devmem->file.type) &&
           devmem->file.dev == makedev(MEM_MAJOR, MEM_MINOR);
}

/*
 * KVM maps some pages of a guest for itself (the guest's clock, tables of
 * nested guests): by kmap() if there is a page struct, and this one leads
 * nowhere if the kernel has never mapped the memory.  Linux 6.1 and 6.12 crash.
 */
static bool devmem_check_sections(HostMemoryBackendDevmem *devmem,
                                  const char *iomem, Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);

    if (!kvm_enabled() ||
        !raminate_iomem_shares_section(iomem, devmem->phy_offset,
                                       backend->size)) {
        return true;
    }
    error_setg(errp, "memory-backend-devmem '%s': physical range 0x%" PRIx64
               " to 0x%" PRIx64 " shares a section of 128 MiB with memory of "
               "the host itself, where KVM can crash the host; set aside whole "
               "multiples of 128 MiB", devmem_id(devmem), devmem->phy_offset,
               devmem->phy_offset + backend->size - 1);
    return false;
}

bool devmem_check_host_use(HostMemoryBackendDevmem *devmem, Error **errp)
{
    HostMemoryBackend *backend = MEMORY_BACKEND(devmem);
    const char *id = devmem_id(devmem);
    g_autofree char *text = NULL;
    g_autofree char *name = NULL;
    RaminateIomemUse use = RAMINATE_IOMEM_UNKNOWN;

    if (!devmem_is_dev_mem(devmem)) {
        return true;
    }
    if (g_file_get_contents("/proc/iomem", &text, NULL, NULL)) {
        use = raminate_iomem_use(text, devmem->phy_offset, backend->size,
                                 &name);
    }
    switch (use) {
    case RAMINATE_IOMEM_FREE:
        return devmem_check_sections(devmem, text, errp);
    case RAMINATE_IOMEM_UNKNOWN:
        warn_report("memory-backend-devmem '%s': can't check in /proc/iomem "
                    "whether the host uses 0x%" PRIx64 " to 0x%" PRIx64,
                    id, devmem->phy_offset,
                    devmem->phy_offset + backend->size - 1);
        return true;
    case RAMINATE_IOMEM_SYSTEM_RAM:
        error_setg(errp, "memory-backend-devmem '%s': physical range 0x%"
                   PRIx64 " to 0x%" PRIx64 " is memory of the host itself "
                   "(%s in /proc/iomem); set a range aside with the kernel "
                   "parameter memmap=SIZE$ADDRESS", id, devmem->phy_offset,
                   devmem->phy_offset + backend->size - 1, name);
        return false;
    case RAMINATE_IOMEM_CLAIMED:
        error_setg(errp, "memory-backend-devmem '%s': physical range 0x%"
                   PRIx64 " to 0x%" PRIx64 " is claimed by '%s' in "
                   "/proc/iomem; unbind its driver or choose another range",
                   id, devmem->phy_offset,
                   devmem->phy_offset + backend->size - 1, name);
        return false;
    }
    g_assert_not_reached();
}
