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

struct RaminateRecorder {
    GThread *thread;
    int fd;
    uint32_t nr_pages;
    RaminateRecorderEnded ended_cb;
    void *opaque;

    GMutex lock;                /* protects what follows */
    GCond changed;
    GByteArray *waiting;        /* whole entries */
    bool ended;                 /* nothing more is taken */
    const char *reason;         /* to end for, or NULL */
    bool finish;
};

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t done = write(fd, data, size);

        if (done < 0 && errno != EINTR) {
            return errno;
        }
        if (done > 0) {
            data += done;
            size -= done;
        }
    }
    return 0;
}

/* Returns: bytes to write next, or NULL if there will be none. */
static GByteArray *wait_for_work(RaminateRecorder *recorder)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&recorder->lock);
    GByteArray *work;

    while (!recorder->waiting->len && !recorder->finish && !recorder->reason) {
        g_cond_wait(&recorder->changed, &recorder->lock);
    }
    if (!recorder->waiting->len) {
        return NULL;
    }
    work = recorder->waiting;
    recorder->waiting = g_byte_array_new();
    return work;
}

static void end_early(RaminateRecorder *recorder, const char *reason)
{
    g_mutex_lock(&recorder->lock);
    recorder->ended = true;
    g_byte_array_set_size(recorder->waiting, 0);
    g_mutex_unlock(&recorder->lock);
    recorder->ended_cb(reason, recorder->opaque);
}

static void *recorder_thread(void *opaque)
{
    RaminateRecorder *recorder = opaque;
    g_autoptr(GByteArray) end = g_byte_array_new();
    RaminateRecordEntry end_entry = { .type = RAMINATE_RECORD_END };
    GByteArray *work;
    int error = 0;

    while (!error && (work = wait_for_work(recorder))) {
        error = write_all(recorder->fd, work->data, work->len);
        g_byte_array_unref(work);
    }
    if (!error) {
        raminate_record_put_entry(end, recorder->nr_pages, &end_entry);
        error = write_all(recorder->fd, end->data, end->len);
    }
    if (close(recorder->fd) < 0 && !error) {
        error = errno;
    }
    if (error) {
        end_early(recorder, g_strerror(error));
    } else if (recorder->reason) {
        end_early(recorder, recorder->reason);
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
    recorder->waiting = g_byte_array_new();
    g_mutex_init(&recorder->lock);
    g_cond_init(&recorder->changed);
    raminate_record_put_header(recorder->waiting, header);
    recorder->thread = g_thread_new("raminate/record", recorder_thread,
                                    recorder);
    return recorder;
}

bool raminate_recorder_add(RaminateRecorder *recorder,
                           const RaminateRecordEntry *entry)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&recorder->lock);

    if (!recorder->ended && recorder->waiting->len > MAX_WAITING) {
        recorder->ended = true;
        recorder->reason = "the file takes data more slowly than it comes";
    }
    if (!recorder->ended) {
        raminate_record_put_entry(recorder->waiting, recorder->nr_pages,
                                  entry);
    }
    g_cond_signal(&recorder->changed);
    return !recorder->ended;
}

void raminate_recorder_free(RaminateRecorder *recorder)
{
    if (!recorder) {
        return;
    }
    g_mutex_lock(&recorder->lock);
    recorder->finish = true;
    g_cond_signal(&recorder->changed);
    g_mutex_unlock(&recorder->lock);
    g_thread_join(recorder->thread);
    g_byte_array_unref(recorder->waiting);
    g_cond_clear(&recorder->changed);
    g_mutex_clear(&recorder->lock);
    g_free(recorder);
}
