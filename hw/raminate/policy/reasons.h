/*
 * RAMinate: why a policy has a page where it is
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_REASONS_H
#define RAMINATE_REASONS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Lines are those of 64 bytes that a cache writes or reads at once. */
typedef struct RaminatePaybackFigures {
    bool planned;           /* if not, nothing else but scans_ago is known */
    bool has_tier;          /* if not, no move pays: all tiers cost the same */
    unsigned tier;          /* that the figures below are about */
    bool has_scans_ago;
    uint32_t scans_ago;     /* since one found it */
    double chance;          /* that the next scan finds it, 0 to 1 */
    double lines;           /* a scan, that it saves in @tier */
    double price;           /* of a frame there, in lines a scan */
    double worth;           /* lines beyond the price, over the horizon */
    double move_cost;       /* lines */
    double horizon;         /* scans */
} RaminatePaybackFigures;

typedef struct RaminateCmqFigures {
    bool has_queue;
    unsigned queue;         /* 0 to 7 */
    bool is_victim;         /* a fast page that has sunk out of them */
    unsigned found;         /* times, 128 for that or more */
    bool has_idle;
    int64_t idle_ms;        /* since it was found, or came to fast memory */
    uint32_t ahead;         /* slow pages in higher queues */
    uint32_t victims;
} RaminateCmqFigures;

typedef struct RaminateLruFigures {
    bool has_idle;
    int64_t idle_ms;        /* since it was found, or came to fast memory */
    bool has_fast_idle;     /* if not, one was not for as long as is known */
    int64_t fast_idle_ms;   /* of the fast page that was not for the longest */
} RaminateLruFigures;

/* Of hemem and memtis */
typedef struct RaminateCountFigures {
    unsigned count;         /* of scans that found it, halved now and then */
    unsigned hot_count;     /* from which on a page is hot */
} RaminateCountFigures;

typedef struct RaminateAgeFigures {
    bool has_idle;          /* if not, it is idle */
    int64_t idle_ms;        /* in whole seconds */
    int64_t active_ms;      /* up to it, a page is active */
    int64_t idle_from_ms;   /* beyond it, it is idle */
} RaminateAgeFigures;

typedef struct RaminateReasons {
    /* Asked with */
    const char *const *tiers;   /* their names */

    /* Answered */
    GString *why;           /* is appended to: what follows "because" */
    union {                 /* of the policy that was asked */
        RaminatePaybackFigures payback;
        RaminateCmqFigures cmq;
        RaminateLruFigures lru;
        RaminateCountFigures counts;
        RaminateAgeFigures age;
    };
} RaminateReasons;

/* Returns: what scans that count @kinds find pages to be. */
const char *raminate_reasons_found(unsigned kinds);

/* Appends a number of seconds with its unit. */
void raminate_reasons_say_ms(RaminateReasons *reasons, int64_t ms);

/* Appends why a page is where it is that goes by its count. */
void raminate_reasons_say_count(RaminateReasons *reasons, bool is_fast);

#endif
