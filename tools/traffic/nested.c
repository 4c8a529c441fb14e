/*
 * RAMinate: which writes are those of swaps, in a machine that is a host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "nested.h"

#define PAGE_MASK 0xfff

/* A guest is entered by this instruction, and left to the one behind it. */
static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };

/* Where code is; the host's address tells the same code at another one. */
typedef struct Place {
    uint64_t vaddr;
    const char *haddr;
} Place;

/* Each is used by its CPU only. */
typedef struct Cpu {
    bool in_guest;
    char padding[63];
} Cpu;

static struct {
    Cpu *cpus;
    GMutex lock;                /* protects what follows */
    GArray *exits;              /* Place */
} nested;

void nested_init(unsigned nr_cpus)
{
    nested.cpus = g_new0(Cpu, nr_cpus);
    nested.exits = g_array_new(FALSE, FALSE, sizeof(Place));
}

static Place place_of(const struct qemu_plugin_insn *insn)
{
    return (Place) { qemu_plugin_insn_vaddr(insn),
                     qemu_plugin_insn_haddr(insn) };
}

static void entry_cb(unsigned cpu, void *opaque)
{
    nested.cpus[cpu].in_guest = true;
}

static void exit_cb(unsigned cpu, void *opaque)
{
    nested.cpus[cpu].in_guest = false;
}

static bool is_exit_locked(Place place)
{
    for (guint i = 0; i < nested.exits->len; i++) {
        const Place *exit = &g_array_index(nested.exits, Place, i);

        /* In another page, the host's address may be anywhere. */
        if (place.vaddr == exit->vaddr &&
            (place.haddr == exit->haddr || !(place.vaddr & PAGE_MASK))) {
            return true;
        }
    }
    return false;
}

static bool is_exit(Place place)
{
    bool found;

    g_mutex_lock(&nested.lock);
    found = is_exit_locked(place);
    g_mutex_unlock(&nested.lock);
    return found;
}

static void note_entry(Place place)
{
    Place exit = { place.vaddr + sizeof(vmrun),
                   place.haddr + sizeof(vmrun) };

    g_mutex_lock(&nested.lock);
    if (!is_exit_locked(exit)) {
        g_array_append_val(nested.exits, exit);
    }
    g_mutex_unlock(&nested.lock);
}

void nested_watch(struct qemu_plugin_tb *tb)
{
    size_t nr = qemu_plugin_tb_n_insns(tb);
    struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
    struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, nr - 1);
    uint8_t code[sizeof(vmrun)];

    if (is_exit(place_of(first))) {
        qemu_plugin_register_vcpu_insn_exec_cb(first, exit_cb,
                                               QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
    /* It always ends a block. */
    if (qemu_plugin_insn_size(last) == sizeof(vmrun) &&
        qemu_plugin_insn_data(last, code, sizeof(code)) == sizeof(code) &&
        memcmp(code, vmrun, sizeof(vmrun)) == 0) {
        note_entry(place_of(last));
        qemu_plugin_register_vcpu_insn_exec_cb(last, entry_cb,
                                               QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

bool nested_is_swap(unsigned cpu, uint64_t vaddr)
{
    return vaddr >> 63 && !nested.cpus[cpu].in_guest;
}
