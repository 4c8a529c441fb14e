/*
 * RAMinate: memory that the host's kernel can't pin
 *
 * Mappings of /dev/mem have no struct page.  System calls that copy work on
 * them, those that pin pages (O_DIRECT, registered buffers) fail with EFAULT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_UNPINNABLE_H
#define HW_RAMINATE_UNPINNABLE_H

/*
 * Finds out by the first page of a mapped range.  A kernel before 5.14 doesn't
 * tell; the answer is then that it can't be pinned, which is always safe.
 */
bool raminate_can_be_pinned(void *start);

/* Both are called under the big lock; a range is known by its start. */
void raminate_unpinnable_add(const void *start, size_t size);
void raminate_unpinnable_remove(const void *start);

/*
 * Returns: whether a part of the @size bytes from @start on is such memory.
 * Called in any thread.
 */
bool raminate_is_unpinnable(const void *start, size_t size);

#endif
