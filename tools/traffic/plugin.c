/*
 * RAMinate: a memory controller for machines under TCG
 *
 * All accesses of the CPUs go through a model of a last-level cache; what
 * misses or leaves it is counted.  See docs/traffic.md.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "qemu/qemu-plugin.h"
#include "cache.h"
#include "memory.h"
#include "nested.h"
#include "options.h"
#include "report.h"

/* With periods in instructions: how many parts of one are counted apart */
#define SLICES 16

/* How often to look at the machine's clock, which may be slow or fast. */
#define POLL_MS 5

typedef struct Instructions {
    uint64_t all;
    uint64_t slice;             /* of those: not in @executed yet */
} Instructions;

static struct {
    Options *options;
    Cache *cache;
    unsigned line_bits;
    Memory *memory;
    unsigned nr_cpus;
    struct qemu_plugin_scoreboard *instructions;
    _Atomic uint64_t executed;  /* in whole slices */

    GMutex lock;                /* protects what follows */
    GCond changed;
    Report *report;
    GThread *thread;
    bool started;
    uint64_t next_instructions;
    bool ended;
} traffic;

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static qemu_plugin_u64 instructions_all(void)
{
    return qemu_plugin_scoreboard_u64_in_struct(traffic.instructions,
                                                Instructions, all);
}

static qemu_plugin_u64 instructions_slice(void)
{
    return qemu_plugin_scoreboard_u64_in_struct(traffic.instructions,
                                                Instructions, slice);
}

/* Memory */

static void use_line(unsigned cpu, uint64_t line, CacheUse use)
{
    CacheMiss miss;

    if (traffic.options->accesses) {
        memory_note_access(traffic.memory, line << traffic.line_bits);
    }
    if (!cache_access(traffic.cache, line, use, &miss)) {
        return;
    }
    memory_count_read(traffic.memory, cpu, line << traffic.line_bits);
    if (miss.wrote) {
        memory_count_written(traffic.memory, cpu,
                             miss.written << traffic.line_bits, miss.by_swap);
    }
}

/* Returns: whether the address is in RAM. */
static bool find_line(qemu_plugin_meminfo_t info, uint64_t vaddr,
                      uint64_t *line)
{
    const struct qemu_plugin_hwaddr *hwaddr =
        qemu_plugin_get_hwaddr(info, vaddr);

    if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr)) {
        return false;
    }
    *line = qemu_plugin_hwaddr_phys_addr(hwaddr) >> traffic.line_bits;
    return true;
}

static void access_cb(unsigned cpu, qemu_plugin_meminfo_t info,
                      uint64_t vaddr, void *opaque)
{
    uint64_t last = vaddr + (1 << qemu_plugin_mem_size_shift(info)) - 1;
    CacheUse use = CACHE_READ;
    uint64_t line;

    if (qemu_plugin_mem_is_store(info)) {
        use = traffic.options->swaps && nested_is_swap(cpu, vaddr)
              ? CACHE_SWAP_WRITE : CACHE_WRITE;
    }
    if (find_line(info, vaddr, &line)) {
        use_line(cpu, line, use);
    }
    if (last >> traffic.line_bits != vaddr >> traffic.line_bits &&
        find_line(info, last, &line)) {
        use_line(cpu, line, use);
    }
}

/* Periods */

static int64_t now_ms(void)
{
    return qemu_plugin_get_virtual_ns() / 1000000;
}

static void report_locked(int64_t now)
{
    report_add(traffic.report, now, qemu_plugin_u64_sum(instructions_all()));
}

static void *period_thread(void *opaque)
{
    int64_t period = traffic.options->period_ms;
    int64_t next = period;

    g_mutex_lock(&traffic.lock);
    while (!traffic.ended) {
        int64_t now = now_ms();

        if (now >= next) {
            report_locked(now);
            /* Periods that were missed are part of this one. */
            next = (now / period + 1) * period;
        }
        g_cond_wait_until(&traffic.changed, &traffic.lock,
                          g_get_monotonic_time() +
                          CLAMP(next - now, 1, POLL_MS) * 1000);
    }
    g_mutex_unlock(&traffic.lock);
    return NULL;
}

static void slice_cb(unsigned cpu, void *opaque)
{
    uint64_t slice = qemu_plugin_u64_get(instructions_slice(), cpu);
    uint64_t executed = atomic_fetch_add_explicit(&traffic.executed, slice,
                                                  memory_order_relaxed);

    executed += slice;
    qemu_plugin_u64_set(instructions_slice(), cpu, 0);
    g_mutex_lock(&traffic.lock);
    if (executed >= traffic.next_instructions && !traffic.ended) {
        report_locked(now_ms());
        traffic.next_instructions += traffic.options->instructions;
    }
    g_mutex_unlock(&traffic.lock);
}

/* The machine starts when the first code of it is to be run. */
static void start_once(void)
{
    g_mutex_lock(&traffic.lock);
    if (!traffic.started && !traffic.ended) {
        traffic.started = true;
        traffic.next_instructions = traffic.options->instructions;
        if (!traffic.options->instructions) {
            traffic.thread = g_thread_new("raminate/traffic", period_thread,
                                          NULL);
        }
    }
    g_mutex_unlock(&traffic.lock);
}

/* QEMU */

static void count_instructions(struct qemu_plugin_tb *tb)
{
    size_t nr = qemu_plugin_tb_n_insns(tb);

    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
        tb, QEMU_PLUGIN_INLINE_ADD_U64, instructions_all(), nr);
    if (traffic.options->instructions) {
        qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
            tb, QEMU_PLUGIN_INLINE_ADD_U64, instructions_slice(), nr);
        qemu_plugin_register_vcpu_tb_exec_cond_cb(
            tb, slice_cb, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_COND_GE,
            instructions_slice(), traffic.options->instructions / SLICES,
            NULL);
    }
}

static void translated_cb(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t nr = qemu_plugin_tb_n_insns(tb);

    start_once();
    count_instructions(tb);
    if (traffic.options->swaps) {
        nested_watch(tb);
    }
    for (size_t i = 0; i < nr; i++) {
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i),
                                         access_cb, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
    }
}

static void written_cb(uint64_t line, bool by_swap, void *opaque)
{
    memory_count_written(traffic.memory, traffic.nr_cpus,
                         line << traffic.line_bits, by_swap);
}

/*
 * CPUs may still be running if QEMU ends by an error: what they use stays,
 * and goes with the process.
 */
static void exit_cb(qemu_plugin_id_t id, void *opaque)
{
    g_mutex_lock(&traffic.lock);
    traffic.ended = true;
    g_cond_signal(&traffic.changed);
    g_mutex_unlock(&traffic.lock);
    if (traffic.thread) {
        g_thread_join(traffic.thread);
    }
    if (traffic.started) {
        if (traffic.options->flush) {
            cache_clean(traffic.cache, written_cb, NULL);
        }
        report_locked(now_ms());
    }
    report_free(traffic.report);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                                           const qemu_info_t *info,
                                           int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (!info->system_emulation) {
        fprintf(stderr, "raminate-traffic: only whole machines have a "
                "memory; use qemu-system-%s\n", info->target_name);
        return -1;
    }
    traffic.options = options_parse(argc, argv, &error);
    if (!traffic.options) {
        fprintf(stderr, "raminate-traffic: %s\n", error->message);
        return -1;
    }
    traffic.nr_cpus = info->system.max_vcpus;
    /* One user more: whoever writes back what is left at the end */
    traffic.memory = memory_new(traffic.options->pools, traffic.nr_cpus + 1,
                                traffic.options->record,
                                traffic.options->accesses);
    traffic.report = report_new(traffic.options, traffic.memory, &error);
    if (!traffic.report) {
        fprintf(stderr, "raminate-traffic: %s\n", error->message);
        return -1;
    }
    traffic.line_bits = g_bit_storage(traffic.options->line_size) - 1;
    traffic.cache = cache_new(options_nr_sets(traffic.options),
                              traffic.options->ways);
    traffic.instructions = qemu_plugin_scoreboard_new(sizeof(Instructions));
    nested_init(traffic.nr_cpus);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated_cb);
    qemu_plugin_register_atexit_cb(id, exit_cb, NULL);
    return 0;
}
