/*
 * RAMinate: a thread that writes a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder.h"

/* What a disk that hangs may cost us in memory */
#define MAX_WAITING (64 << 20)

/* What waiting data takes in memory besides its bytes, at most */
#define WAITING_COST 128

/* So little at a time that a file that takes data is seen to do so */
#define MAX_WRITE (1 << 20)

struct RaminateRecorder {
    GThread *thread;
    int fd;
    uint32_t nr_pages;
    RaminateRecorderEnded ended_cb;
    void *opaque;

    GMutex lock;                /* protects what follows */
    GCond changed;
    GQueue waiting;             /* of GByteArray, each with whole entries */
    size_t waiting_size;        /* in bytes of memory */
    bool ended;                 /* nothing more is taken */
    const char *reason;         /* to end for, or NULL */
    bool finish;
    uint64_t writes;            /* that the file has taken */
    bool is_telling;            /* ended_cb is being called */
    bool is_left;               /* the thread is on its own */
    bool is_done;               /* the thread is at its end */
};

static int write_all(RaminateRecorder *recorder, const uint8_t *data,
                     size_t size)
{
    while (size) {
        ssize_t done = write(recorder->fd, data, MIN(size, MAX_WRITE));

        if (done < 0 && errno != EINTR) {
            return errno;
        }
        if (done > 0) {
            data += done;
            size -= done;
            g_mutex_lock(&recorder->lock);
            recorder->writes++;
            g_mutex_unlock(&recorder->lock);
        }
    }
    return 0;
}

/* With the lock. */
static void push_waiting(RaminateRecorder *recorder, GByteArray *data)
{
    g_queue_push_tail(&recorder->waiting, g_byte_array_ref(data));
    recorder->waiting_size += data->len + WAITING_COST;
}

/* Returns: bytes to write next, or NULL if there will be none. */
static GByteArray *wait_for_work(RaminateRecorder *recorder)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&recorder->lock);
    GByteArray *work;

    while (g_queue_is_empty(&recorder->waiting) && !recorder->finish &&
           !recorder->reason) {
        g_cond_wait(&recorder->changed, &recorder->lock);
    }
    work = g_queue_pop_head(&recorder->waiting);
    if (work) {
        recorder->waiting_size -= work->len + WAITING_COST;
    }
    return work;
}

static void drop_waiting(RaminateRecorder *recorder)
{
    GByteArray *data;

    while ((data = g_queue_pop_head(&recorder->waiting))) {
        g_byte_array_unref(data);
    }
    recorder->waiting_size = 0;
}

static void end_early(RaminateRecorder *recorder, const char *reason)
{
    bool tell;

    g_mutex_lock(&recorder->lock);
    recorder->ended = true;
    drop_waiting(recorder);
    tell = !recorder->is_left;
    recorder->is_telling = tell;
    g_mutex_unlock(&recorder->lock);
    if (tell) {
        recorder->ended_cb(reason, recorder->opaque);
    }
}

static void recorder_destroy(RaminateRecorder *recorder)
{
    drop_waiting(recorder);
    g_cond_clear(&recorder->changed);
    g_mutex_clear(&recorder->lock);
    g_free(recorder);
}

static void *recorder_thread(void *opaque)
{
    RaminateRecorder *recorder = opaque;
    g_autoptr(GByteArray) end = g_byte_array_new();
    RaminateRecordEntry end_entry = { .type = RAMINATE_RECORD_END };
    GByteArray *work;
    bool is_left;
    int error = 0;

    while (!error && (work = wait_for_work(recorder))) {
        error = write_all(recorder, work->data, work->len);
        g_byte_array_unref(work);
    }
    if (!error) {
        raminate_record_put_entry(end, recorder->nr_pages, &end_entry);
        error = write_all(recorder, end->data, end->len);
    }
    if (close(recorder->fd) < 0 && !error) {
        error = errno;
    }
    if (error) {
        end_early(recorder, g_strerror(error));
    } else if (recorder->reason) {
        end_early(recorder, recorder->reason);
    }
    g_mutex_lock(&recorder->lock);
    recorder->is_telling = false;
    recorder->is_done = true;
    is_left = recorder->is_left;
    g_cond_broadcast(&recorder->changed);
    g_mutex_unlock(&recorder->lock);
    if (is_left) {
        recorder_destroy(recorder);
    }
    return NULL;
}

/* Returns: whether the file can be overwritten without loss. */
static bool may_overwrite(int fd)
{
    uint8_t start[8];
    struct stat st;
    ssize_t size;

    if (fstat(fd, &st) < 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        return !S_ISBLK(st.st_mode);
    }
    size = pread(fd, start, sizeof(start), 0);
    return size == 0 || raminate_record_has_magic(start, MAX(size, 0));
}

static int open_file(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0) {
        g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_IO,
                    "can't create the recording %s: %s", path,
                    g_strerror(errno));
        return -1;
    }
    if (!may_overwrite(fd)) {
        g_set_error(error, RAMINATE_RECORD_ERROR,
                    RAMINATE_RECORD_ERROR_FOREIGN,
                    "%s exists and is not a recording; remove it, or record "
                    "to another file", path);
        close(fd);
        return -1;
    }
    /* Where there is nothing to cut off, as in a pipe, it fails. */
    if (ftruncate(fd, 0) < 0 && errno != EINVAL) {
        g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_IO,
                    "can't overwrite the recording %s: %s", path,
                    g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

RaminateRecorder *raminate_recorder_new(const char *path,
                                        const RaminateRecordHeader *header,
                                        RaminateRecorderEnded ended,
                                        void *opaque, GError **error)
{
    g_autoptr(GByteArray) start = g_byte_array_new();
    RaminateRecorder *recorder;
    int fd = open_file(path, error);

    if (fd < 0) {
        return NULL;
    }
    recorder = g_new0(RaminateRecorder, 1);
    recorder->fd = fd;
    recorder->nr_pages = header->nr_pages;
    recorder->ended_cb = ended;
    recorder->opaque = opaque;
    g_queue_init(&recorder->waiting);
    g_mutex_init(&recorder->lock);
    g_cond_init(&recorder->changed);
    raminate_record_put_header(start, header);
    push_waiting(recorder, start);
    recorder->thread = g_thread_new("raminate/record", recorder_thread,
                                    recorder);
    return recorder;
}

bool raminate_recorder_hand_over(RaminateRecorder *recorder,
                                 GByteArray *entries)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&recorder->lock);

    if (!recorder->ended && recorder->waiting_size > MAX_WAITING) {
        recorder->ended = true;
        recorder->reason = "the file takes data more slowly than it comes";
    }
    if (!recorder->ended) {
        push_waiting(recorder, entries);
    }
    g_cond_signal(&recorder->changed);
    return !recorder->ended;
}

bool raminate_recorder_add(RaminateRecorder *recorder,
                           const RaminateRecordEntry *entry)
{
    g_autoptr(GByteArray) data = g_byte_array_new();

    raminate_record_put_entry(data, recorder->nr_pages, entry);
    return raminate_recorder_hand_over(recorder, data);
}

/*
 * Waits for the thread.  With the lock.
 * @stall_ms: see raminate_recorder_leave()
 * Returns: whether it has ended.
 */
static bool wait_for_end(RaminateRecorder *recorder, int64_t stall_ms)
{
    uint64_t writes = recorder->writes;
    int64_t end = g_get_monotonic_time() + stall_ms * 1000;

    while (!recorder->is_done) {
        if (!g_cond_wait_until(&recorder->changed, &recorder->lock, end) &&
            !recorder->is_telling && writes == recorder->writes) {
            return false;
        }
        if (writes != recorder->writes || recorder->is_telling) {
            writes = recorder->writes;
            end = g_get_monotonic_time() + stall_ms * 1000;
        }
    }
    return true;
}

bool raminate_recorder_leave(RaminateRecorder *recorder, int64_t stall_ms)
{
    GThread *thread = recorder->thread;
    bool ended;

    g_mutex_lock(&recorder->lock);
    recorder->finish = true;
    g_cond_broadcast(&recorder->changed);
    ended = wait_for_end(recorder, stall_ms);
    recorder->is_left = !ended;
    g_mutex_unlock(&recorder->lock);
    if (ended) {
        g_thread_join(thread);
        recorder_destroy(recorder);
    } else {
        g_thread_unref(thread);
    }
    return ended;
}

void raminate_recorder_free(RaminateRecorder *recorder)
{
    if (recorder) {
        raminate_recorder_leave(recorder, G_MAXINT32);
    }
}
