/*
 * RAMinate: memory that is given back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_DISCARD_H
#define HW_RAMINATE_DISCARD_H

#include "exec/ramblock.h"
#include "hw/raminate/memory.h"
#include "qemu/notify.h"

/*
 * Has @backend's owner discard its memory, once that is there, and be asked
 * whether post-copy can work with it, until the end.
 * @postcopy: all zero before; end may be called without begin
 */
void raminate_begin_discard(HostMemoryBackend *backend,
                            int (*discard)(RAMBlock *block, uint64_t start,
                                           size_t length),
                            NotifierWithReturn *postcopy,
                            NotifierWithReturnFunc asked);
void raminate_end_discard(NotifierWithReturn *postcopy);

/*
 * Gives the memory of pages back to the host: frees the blocks that their
 * frames have in the tiers' files, so that the pages read as zero.  What is
 * in a tier that can't give memory back stays as it is; that is said once for
 * each such tier.
 *
 * @start, @size: in the container, in bytes; multiples of the page size
 *
 * Called under the big lock, which keeps pages from moving meanwhile: those
 * in files move under it alone.
 *
 * Returns: 0, or -errno if a page has not been discarded; -ENOTSUP if its tier
 * is a device, or in a file that can't have holes.
 */
int raminate_memory_discard(RaminateMemory *memory, uint64_t start,
                            uint64_t size);

/*
 * Returns: whether the frame of @page has no memory, since it was given back or
 * never used: a hole of its tier's file, which reads as zero.
 *
 * Called by the mover of the batch under way, as the next one is.
 */
bool raminate_memory_is_hole(const RaminateMemory *memory, uint32_t page);

/*
 * Gives back the memory of the frame of @page, or has it read as zero where the
 * tier's blocks are to stay.
 * Returns: false if its tier can't; then the frame is as it was.
 */
bool raminate_memory_make_hole(const RaminateMemory *memory, uint32_t page);

/*
 * Returns: false with @errp set if a guest that comes in can't fetch pages
 * later, since not all tiers are of memory that userfaultfd(2) works with.
 */
bool raminate_memory_check_postcopy(const RaminateMemory *memory,
                                    Error **errp);

/* Warns that a device gives nothing back.  @id: of the object that has it */
void raminate_warn_discard(const char *id, const char *mem_path);

#endif
