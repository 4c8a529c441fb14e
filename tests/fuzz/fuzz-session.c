/*
 * RAMinate: any bytes as a file that raminate-top --replay shows
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>
#include <unistd.h>

#include "top/session.h"
#include "check-info.h"
#include "fuzz.h"

static void check_answers(const SessionEvent *event)
{
    const Answers *answers = &event->answers;

    g_assert_nonnull(event->container);
    g_assert_cmpuint(!!answers->map + !!answers->use + !!answers->moves, ==, 1);
    if (answers->map) {
        for (unsigned i = 0; i < answers->map->nr_buckets; i++) {
            g_assert_cmpuint(answers->map->buckets[i].slow_tier, <,
                             INFO_MAX_TIERS);
        }
    } else if (answers->use) {
        g_assert_cmpuint(answers->use->nr_enough, <=, USE_MAX_SHARES);
    } else {
        g_assert_cmpuint(answers->moves->len, <=, MOVES_MAX);
    }
}

static void check_event(const SessionEvent *event)
{
    g_assert_true(isfinite(event->time));
    g_assert_nonnull(event->socket);
    switch (event->kind) {
    case SESSION_CONTAINERS:
        g_assert_nonnull(event->vm);
        for (unsigned i = 0; i < event->containers->len; i++) {
            check_container(g_ptr_array_index(event->containers, i));
        }
        break;
    case SESSION_ERROR:
        g_assert_nonnull(event->vm);
        g_assert_nonnull(event->error);
        break;
    case SESSION_GONE:
        g_assert_null(event->vm);
        break;
    case SESSION_ANSWER:
        g_assert_nonnull(event->vm);
        check_answers(event);
        break;
    default:
        g_assert_not_reached();
    }
}

/* Returns: how many events there are before the end, or what is damaged. */
static unsigned read_all(SessionReader *reader, char **wrong)
{
    g_autoptr(GError) error = NULL;
    unsigned nr = 0;

    for (;;) {
        g_autoptr(SessionEvent) event = session_next(reader, &error);

        if (!event) {
            break;
        }
        g_assert_null(error);
        check_event(event);
        nr++;
    }
    *wrong = error ? g_strdup(error->message) : NULL;
    return nr;
}

/* Shown again from its start, it is what it was. */
static void check_session(SessionReader *reader)
{
    g_autofree char *wrong = NULL;
    g_autofree char *wrong_again = NULL;
    unsigned nr = read_all(reader, &wrong);

    session_rewind(reader);
    g_assert_cmpuint(read_all(reader, &wrong_again), ==, nr);
    g_assert_cmpstr(wrong_again, ==, wrong);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    int fd = fuzz_file(data, size);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    SessionReader *reader = session_open(path, &error);

    g_assert_true(!reader == !!error);
    if (reader) {
        check_session(reader);
    }
    session_reader_free(reader);
    close(fd);
}
