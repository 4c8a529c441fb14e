/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * RAMinate: which guest pages were written, and frames exchanged, through KVM
 *
 * The calls are ioctls on a VM's file descriptor. API.md describes them in the
 * way that Documentation/virt/kvm/api.rst describes KVM's own.
 */
#ifndef _UAPI_LINUX_KVM_RAMINATE_H
#define _UAPI_LINUX_KVM_RAMINATE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifndef KVMIO
#define KVMIO 0xAE
#endif

/*
 * KVM_CHECK_EXTENSION, on /dev/kvm or on a VM, returns the ABI version for
 * this number, 0 where the extension is missing. User space must not use a
 * version that it does not know.
 */
#define KVM_CAP_RAMINATE		0x52414d31
#define KVM_RAMINATE_ABI_VERSION	1

/*
 * KVM_CHECK_EXTENSION returns for this number what KVM_RAMINATE_FIND can look
 * for, as bits KVM_RAMINATE_WRITTEN and so on, and 0 where there is version 1
 * alone. All of version 1 is in version 2.
 */
#define KVM_CAP_RAMINATE_2		0x52414d32

/* All pages and frames are of this size. */
#define KVM_RAMINATE_PAGE_SIZE		4096

/*
 * Why the frames of a VM cannot be exchanged. With the flag _REASON, ATTACH and
 * SWAP fail with EBUSY and tell it in @reason; without, they fail with the
 * errno named here.
 */
/* A device is assigned to the VM (VFIO). EXDEV. */
#define KVM_RAMINATE_REASON_DEVICE	1
/* The process shares its addresses with a device (SVA). EXDEV. */
#define KVM_RAMINATE_REASON_SVA		2
/* The guest's memory is encrypted (SEV), bound to its frames. ENOKEY. */
#define KVM_RAMINATE_REASON_ENCRYPTED	3
/*
 * A vCPU uses nested virtualization (it set EFER.SVME or CR4.VMXE): KVM itself
 * may hold frames for it. ELOOP.
 */
#define KVM_RAMINATE_REASON_NESTED	4
/*
 * Only from ATTACH: the host encrypts its memory (mem_encrypt=on), except where
 * it maps such ranges for the process. ENOKEY.
 */
#define KVM_RAMINATE_REASON_HOST_ENCRYPTED	5
/*
 * Only from ATTACH: the host does not map the range write-back, since the MTRRs
 * or others who map it don't let it. ENXIO.
 */
#define KVM_RAMINATE_REASON_NOT_WRITE_BACK	6

/* Tell in @reason why the VM is refused. The first modules lack this flag. */
#define KVM_RAMINATE_ATTACH_REASON	0x1

/*
 * KVM_RAMINATE_ATTACH: the frames of a physical range become this VM's own, to
 * be scanned and exchanged, until they are detached or the VM is destroyed.
 * Needs CAP_SYS_RAWIO.
 *
 * Returns 0, or -1 and errno:
 *   EPERM          the caller lacks CAP_SYS_RAWIO
 *   EINVAL         @phys or @size unaligned, @size 0, the range wraps around or
 *                  ends beyond what the CPU can address, unknown @flags, or
 *                  @reason not 0 without _REASON
 *   EADDRNOTAVAIL  part of the range is System RAM
 *   EEXIST         part of the range is attached to this VM already
 *   EADDRINUSE     part of the range is attached to another VM
 *   ENOMEM         no memory for one bit a frame or for mapping the range
 *   EOPNOTSUPP     the VM is of a type that keeps private memory
 *   EBUSY          with _REASON: the frames cannot be exchanged, see @reason
 *   EXDEV, ENOKEY, ELOOP, ENXIO  the same without: see KVM_RAMINATE_REASON_*
 */
struct kvm_raminate_attach {
	__u64 phys;		/* in: first byte, page aligned */
	__u64 size;		/* in: bytes, page aligned */
	__u32 flags;		/* in: KVM_RAMINATE_ATTACH_* */
	__u32 reason;		/* in: 0 without _REASON; out: if EBUSY */
};

/*
 * KVM_RAMINATE_DETACH: give a range back, by the @phys and @size that it was
 * attached with. The process must be done with its frames, wherever swaps have
 * put them. The first modules of version 1 lack it: ENOTTY.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL  @flags or @reason not 0
 *   ENOENT  no such range is attached to this VM
 *   EFAULT  the structure cannot be read
 */

/* Let the range go instead. */
#define KVM_RAMINATE_CLAIM_RELEASE	0x1

/*
 * KVM_RAMINATE_CLAIM: keep drivers from a range that is attached, by the @phys
 * and @size that it was attached with. It shows in /proc/iomem. Without, a
 * driver that claims it gets frames that the guest still reaches: the kernel
 * takes mappings of /dev/mem away by their offset, not by the frames that swaps
 * have put there. While it is claimed, nobody can map it from /dev/mem anew.
 * The first modules of version 1 lack it: ENOTTY.
 *
 * Returns 0, also if it is done already, or -1 and errno:
 *   EINVAL  unknown @flags, or @reason not 0
 *   ENOENT  no such range is attached to this VM
 *   EBUSY   a driver has a part of the range, or the range is not within one
 *           entry of /proc/iomem
 *   EFAULT  the structure cannot be read
 */

/* Pages are given by host virtual address instead of guest page number. */
#define KVM_RAMINATE_SCAN_HVA		0x1
/* No TLB flush: cheaper, but writes through cached entries may go unseen. */
#define KVM_RAMINATE_SCAN_NO_FLUSH	0x2

#define KVM_RAMINATE_SCAN_MAX_PAGES	0x80000000ULL

/*
 * KVM_RAMINATE_SCAN: which pages were written since the last scan of them, by
 * the guest or by the host. Reading clears. Pages that lie in no attached
 * frame come back as 0.
 *
 * Bit n of @bitmap, counted from the least significant bit of its first byte,
 * stands for page n of the range. The kernel writes whole 64 bit words, that
 * is (@nr_pages + 63) / 64 of them. @bitmap 0: the bits are thrown away.
 *
 * Returns 0, or -1 and errno:
 *   EINVAL  unknown @flags, @nr_pages 0 or more than the maximum, @start
 *           unaligned (with _HVA), the range wraps around, @bitmap
 *           unaligned to 8 bytes, or @reserved not 0
 *   EFAULT  the structure or @bitmap cannot be written; the bits that could
 *           not be handed over are kept for the next scan
 *   EINTR   a signal came; @done says how far the scan got
 *   ENODEV  nothing is attached to this VM
 */
struct kvm_raminate_scan {
	__u32 flags;		/* in: KVM_RAMINATE_SCAN_* */
	__u32 reserved;		/* in: 0 */
	__u64 start;		/* in: guest page number, or address if _HVA */
	__u64 nr_pages;		/* in */
	__u64 bitmap;		/* in: address of the bitmap, or 0 */
	__u64 done;		/* out: pages whose bits are valid, from @start */
	__u64 nr_written;	/* out: how many of them were written */
	__u64 nr_mapped;	/* out: entries of the guest's tables looked at */
};

/* What was done to a page. */
#define KVM_RAMINATE_WRITTEN		0x1
/* Read, written, or both. */
#define KVM_RAMINATE_ACCESSED		0x2

/* What an entry stands for: 2 MiB. */
#define KVM_RAMINATE_REGION_PAGES	512

/* Bit n of each bitmap, counted as in SCAN's, stands for page @first + n. */
struct kvm_raminate_region {
	__u64 first;		/* counted from @start, a multiple of 512 */
	__u64 written[8];
	__u64 accessed[8];
};

/*
 * KVM_RAMINATE_FIND: the same as SCAN, and with the same @flags, but what the
 * pages are that were accessed can be found as well, and an entry is written
 * for each region in which there is something, not a bit for each page. Part of
 * version 2.
 *
 * Only @kinds are looked for and cleared. Returns 0, also if @regions is full
 * before all pages are done, or -1 and errno as SCAN:
 *   EINVAL      unknown @flags or @kinds, @kinds 0, @regions unaligned to 8
 *               bytes, or as SCAN
 *   EOPNOTSUPP  a kind that KVM_CAP_RAMINATE_2 does not have
 */
struct kvm_raminate_find {
	__u32 flags;		/* in: KVM_RAMINATE_SCAN_* */
	__u32 kinds;		/* in: KVM_RAMINATE_WRITTEN, _ACCESSED */
	__u64 start;		/* in: guest page number, or address if _HVA */
	__u64 nr_pages;		/* in */
	__u64 regions;		/* in: address of entries, or 0 */
	__u32 max_regions;	/* in: how many there is room for */
	__u32 nr_regions;	/* out: how many were written */
	__u64 done;		/* out: pages that entries are about */
	__u64 nr_read;		/* out: entries of tables that were read */
};

/* Pages are given by host virtual address instead of guest page number. */
#define KVM_RAMINATE_SWAP_HVA		0x1
/* Tell in @reason why the VM is refused. */
#define KVM_RAMINATE_SWAP_REASON	0x2

/* The @result of a pair that was not reached. */
#define KVM_RAMINATE_SWAP_PENDING	1

/* What is in @failed of a pair. */
#define KVM_RAMINATE_SWAP_FAILED_A	1
#define KVM_RAMINATE_SWAP_FAILED_B	2

/*
 * One exchange. @result is 0 when the frames were exchanged; otherwise both
 * pages have the frame and the content that they had, and it is one of
 *   -EINVAL      the two pages are one, or an address is unaligned
 *   -ENOENT      no memory slot has the guest page (MMIO), or no mapping of
 *                /dev/mem has the address
 *   -EROFS       the slot or the mapping is read-only
 *   -EOPNOTSUPP  the mapping is not a shared, writable one of /dev/mem with
 *                4 KiB entries and MADV_DONTFORK, or the two pages differ in
 *                protection or cacheability
 *   -EACCES      a frame is in no range attached to this VM
 *   -EHWPOISON   the memory failed while a page was read; @failed says which.
 *                Leave that page alone: the next time may be another machine
 *                check
 *   KVM_RAMINATE_SWAP_PENDING  not reached, see @done
 */
struct kvm_raminate_pair {
	__u64 a;		/* in: guest page number, or address if _HVA */
	__u64 b;		/* in: as @a */
	__s32 result;		/* out */
	__u32 failed;		/* out: if -EHWPOISON; untouched by old modules */
};

/*
 * KVM_RAMINATE_SWAP: exchange the frames of pairs of pages, in order, while
 * the VM runs. A page keeps its content, its address in the guest and its
 * address in the host; only the frame behind it is another one.
 *
 * Returns 0 if all pairs were reached (each has its own @result), or -1 and
 * errno, with the first @done pairs reached and the others untouched:
 *   EINVAL  unknown @flags, @reserved not 0, or @reason not 0 without _REASON
 *   EFAULT  the structure or a pair cannot be read or written
 *   EINTR   a signal came
 *   ENOMEM  no memory for the kernel's own bookkeeping (a few KiB)
 *   ENODEV  nothing is attached to this VM
 *   EBUSY   with _REASON: the frames cannot be exchanged, see @reason
 *   EXDEV, ENOKEY, ELOOP  the same without: see KVM_RAMINATE_REASON_*
 */
struct kvm_raminate_swap {
	__u32 flags;		/* in: KVM_RAMINATE_SWAP_* */
	__u32 nr_pairs;		/* in: any number, 0 allowed */
	__u64 pairs;		/* in: address of struct kvm_raminate_pair[] */
	__u32 done;		/* out: pairs reached */
	__u32 swapped;		/* out: pairs with @result 0 */
	__u32 reason;		/* in: 0 without _REASON; out: if EBUSY, else 0 */
	__u32 reserved;		/* in: 0 */
};

/*
 * In all calls, EIO means that the VM belongs to another process or is
 * dead, as in every ioctl of a VM.
 */
#define KVM_RAMINATE_ATTACH _IOW(KVMIO, 0xf0, struct kvm_raminate_attach)
#define KVM_RAMINATE_SCAN   _IOWR(KVMIO, 0xf1, struct kvm_raminate_scan)
#define KVM_RAMINATE_SWAP   _IOWR(KVMIO, 0xf2, struct kvm_raminate_swap)
#define KVM_RAMINATE_DETACH _IOW(KVMIO, 0xf3, struct kvm_raminate_attach)
#define KVM_RAMINATE_CLAIM  _IOW(KVMIO, 0xf4, struct kvm_raminate_attach)
#define KVM_RAMINATE_FIND   _IOWR(KVMIO, 0xf5, struct kvm_raminate_find)

#endif /* _UAPI_LINUX_KVM_RAMINATE_H */
