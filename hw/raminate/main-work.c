/*
 * RAMinate: the placer's work in the main loop, and what it takes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/raminate/placer-internal.h"

typedef struct MainWork {
    RaminatePlacer *placer;
    void (*work)(void *opaque);
    void *opaque;
} MainWork;

void raminate_placer_note_main_loop(RaminatePlacer *placer, int64_t start)
{
    uint64_t held = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start;

    raminate_placer_lock(placer);
    raminate_histogram_add(
        &raminate_engine_figures(placer->engine)->main_loop_time, held);
    raminate_placer_unlock(placer);
}

uint64_t raminate_thread_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * NANOSECONDS_PER_SECOND + ts.tv_nsec;
}

static void do_main_work(void *opaque)
{
    MainWork *main_work = opaque;
    RaminatePlacer *placer = main_work->placer;
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    uint64_t cpu_start = raminate_thread_cpu_ns();

    main_work->work(main_work->opaque);
    raminate_placer_note_main_loop(placer, start);
    raminate_placer_lock(placer);
    placer->main_cpu_ns += raminate_thread_cpu_ns() - cpu_start;
    raminate_placer_unlock(placer);
}

bool raminate_placer_in_main_loop(RaminatePlacer *placer,
                                  void (*work)(void *opaque), void *opaque)
{
    MainWork main_work = { .placer = placer, .work = work, .opaque = opaque };

    return raminate_main_call(&placer->main_call, do_main_work, &main_work);
}
