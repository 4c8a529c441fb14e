/*
 * RAMinate: which writes are those of swaps, in a machine that is a host
 *
 * The machine's KVM copies frames by addresses of its kernel, outside of its
 * guests.  Guests write while they run, the host's QEMU by addresses of its
 * process.  So what is left in a pool that only guests use are swaps.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TRAFFIC_NESTED_H
#define RAMINATE_TRAFFIC_NESTED_H

#include <stdbool.h>
#include <stdint.h>

#include "qemu/qemu-plugin.h"

void nested_init(unsigned nr_cpus);

/* Watches for entries to guests and exits from them (AMD's VMRUN). */
void nested_watch(struct qemu_plugin_tb *tb);

/* Returns: whether a write of that CPU is one of a swap. */
bool nested_is_swap(unsigned cpu, uint64_t vaddr);

#endif
