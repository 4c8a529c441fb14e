/*
 * Memory checker: what its parts share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CHECKER_H
#define CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096
#define MAX_THREADS 8
#define MAX_DEVICES 8
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

/* Each part counts what it has verified; the verdict shows the sums. */
typedef struct CheckerCounts {
    uint64_t stamps;        /* words checked and written anew */
    uint64_t passes;        /* times that all of memory was walked */
    uint64_t atomics;       /* additions to words shared between threads */
    uint64_t calls;         /* calls of functions in written code pages */
    uint64_t file_blocks;   /* blocks of page cache compared */
    uint64_t net_frames;    /* frames that came back and were compared */
    uint64_t disk_blocks;   /* blocks read from disk and compared */
} CheckerCounts;

typedef struct Checker {
    unsigned threads;
    bool stop;
    uint64_t errors;
    unsigned devices;
    /* The last are of the devices' threads. */
    CheckerCounts counts[MAX_THREADS + MAX_DEVICES];
} Checker;

/* A device to test, in a thread of its own */
typedef struct CheckerDevice {
    Checker *c;
    CheckerCounts *counts;
    const char *name;
} CheckerDevice;

bool checker_stopped(Checker *c);

/* Notes an error; @where says what was looked at, an address or offset. */
void checker_error(Checker *c, const char *what, uint64_t where,
                   uint64_t want, uint64_t got);

/* Memory of @pages pages, all present; ends the program if there is none. */
void *checker_map(size_t pages, bool executable);

/* What word @index of a run tagged @tag holds after @counter writes. */
static inline uint64_t stamp_value(uint64_t tag, size_t index,
                                   uint64_t counter)
{
    return tag + index * sizeof(uint64_t) + (counter << 48);
}

static inline void stamp_fill(uint64_t *words, size_t n, uint64_t tag,
                              uint64_t counter)
{
    size_t i;

    for (i = 0; i < n; i++) {
        words[i] = stamp_value(tag, i, counter);
    }
}

/* Returns false if a word was wrong; each one is noted. */
bool stamp_check(Checker *c, const char *what, const uint64_t *words,
                 size_t n, uint64_t tag, uint64_t counter);

/* Memory that threads stamp, each in words of its own in every page. */
void stamps_init(Checker *c, size_t pages);
void stamps_round(Checker *c, unsigned thread);
void stamps_final(Checker *c, unsigned thread);

/* Words that all threads add to. */
void atomics_init(Checker *c);
void atomics_round(Checker *c, unsigned thread);
void atomics_final(Checker *c);

/* Functions that are rewritten and called. */
void code_init(Checker *c);
void code_round(Checker *c, unsigned thread);

/* Page cache: a file in memory, and the program's own file. */
void file_init(Checker *c);
void file_round(Checker *c, unsigned thread);

/*
 * Disk I/O into and out of user memory, and through the page cache.
 * @opaque: a CheckerDevice; its name is a block device's path, or "9p:" and
 *          the tag of a directory of the host
 */
void *disk_thread(void *opaque);

/*
 * Frames that a peer sends back.
 * @opaque: a CheckerDevice; its name is an interface's
 */
void *net_thread(void *opaque);

#endif
