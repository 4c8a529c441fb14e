/*
 * RAMinate: tools that read recordings end in order if memory runs out
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOOLS_NO_MEMORY_H
#define RAMINATE_TOOLS_NO_MEMORY_H

/*
 * From now on, if GLib can't get memory, the tool ends with one sentence and
 * status 1; else it would end by a signal.
 * @name: of the tool; must stay
 */
void no_memory_ends_tool(const char *name);

#endif
