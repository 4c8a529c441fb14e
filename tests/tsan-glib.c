/*
 * RAMinate: tell the thread sanitizer of GLib's locks and shared arrays
 *
 * GLib makes locks of futexes by itself, and counts who holds an array.  It is
 * not compiled for the sanitizer, which would take all that they guard for
 * races.  Preloaded, these come before GLib's own, which they call.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <glib.h>
#include <sched.h>
#include <stdbool.h>
#include <sanitizer/tsan_interface.h>

/* Not there in programs that start those which are compiled for it */
#pragma weak __tsan_acquire
#pragma weak __tsan_release
#pragma weak __tsan_mutex_destroy
#pragma weak __tsan_mutex_pre_lock
#pragma weak __tsan_mutex_post_lock
#pragma weak __tsan_mutex_pre_unlock
#pragma weak __tsan_mutex_post_unlock

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!__atomic_load_n(&real, __ATOMIC_RELAXED)) { \
        __atomic_store_n(&real, (__typeof__(real))dlsym(RTLD_NEXT, #name), \
                         __ATOMIC_RELAXED); \
    }

static void before_unlock(GMutex *mutex)
{
    if (__tsan_mutex_pre_unlock) {
        __tsan_mutex_pre_unlock(mutex, 0);
        __tsan_mutex_post_unlock(mutex, 0);
    }
}

static void after_lock(GMutex *mutex)
{
    if (__tsan_mutex_pre_lock) {
        __tsan_mutex_pre_lock(mutex, 0);
        __tsan_mutex_post_lock(mutex, 0, 0);
    }
}

void g_mutex_clear(GMutex *mutex)
{
    REAL(g_mutex_clear);
    if (__tsan_mutex_destroy) {
        __tsan_mutex_destroy(mutex, 0);
    }
    real(mutex);
}

void g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock);
    real(mutex);
    after_lock(mutex);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
    gboolean locked;

    REAL(g_mutex_trylock);
    locked = real(mutex);
    if (locked) {
        after_lock(mutex);
    }
    return locked;
}

void g_mutex_unlock(GMutex *mutex)
{
    REAL(g_mutex_unlock);
    before_unlock(mutex);
    real(mutex);
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait);
    before_unlock(mutex);
    real(cond, mutex);
    after_lock(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    gboolean signalled;

    REAL(g_cond_wait_until);
    before_unlock(mutex);
    signalled = real(cond, mutex, end_time);
    after_lock(mutex);
    return signalled;
}

/*
 * Whoever is the last to hold an array comes after all who did.  Which that is
 * GLib alone knows: one at a time.
 */
void g_byte_array_unref(GByteArray *array)
{
    static bool busy;

    REAL(g_byte_array_unref);
    while (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
    if (__tsan_release) {
        __tsan_release(array);
        __tsan_acquire(array);
    }
    real(array);
    __atomic_clear(&busy, __ATOMIC_RELEASE);
}
