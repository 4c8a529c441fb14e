/*
 * RAMinate: recordings of what each scan saw
 *
 * The format is described in docs/recording-format.md.  An entry stands for
 * itself, so that it can be encoded and read without those before it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_RECORD_H
#define RAMINATE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "hw/raminate/engine/move.h"
#include "hw/raminate/engine/layout.h"
#include "hw/raminate/engine/sample.h"

/* One tier: its frames as in RaminateFrameRange, and how users call it. */
typedef struct RaminateRecordTier {
    const char *id;             /* at most 255 bytes */
    uint8_t rank;
    uint32_t first;
    uint32_t count;
    RaminateCosts costs;        /* sound; the default where it isn't told */
} RaminateRecordTier;

typedef struct RaminateRecordHeader {
    uint32_t page_size;         /* in bytes */
    uint32_t nr_pages;          /* of the guest */
    int64_t started_us;         /* microseconds since 1970, UTC */
    uint32_t scan_period_ms;    /* at the start; entries tell the times */
    unsigned kinds;             /* that scans and looks may tell; 0 stands for
                                   RAMINATE_WRITTEN, and so below */
    unsigned nr_tiers;
    RaminateRecordTier tiers[RAMINATE_MAX_TIERS];       /* fastest first */
} RaminateRecordHeader;

/* Gives the tiers of @header the costs that they have if nobody tells. */
void raminate_record_default_costs(RaminateRecordHeader *header);

/* Sets @layout to the tiers of @header. */
void raminate_record_get_layout(const RaminateRecordHeader *header,
                                RaminateLayout *layout);

typedef enum RaminateRecordType {
    RAMINATE_RECORD_SCAN = 1,   /* pages found written, or read, by a scan */
    RAMINATE_RECORD_LOOK = 2,   /* the same by the second look before it */
    RAMINATE_RECORD_TRAFFIC = 3,        /* what reached the memory itself */
    RAMINATE_RECORD_END = 4,
    RAMINATE_RECORD_GAUGE = 5,  /* lines changed in some of a scan's pages */
    RAMINATE_RECORD_BATCH = 6,  /* a plan, and what became of its moves */
} RaminateRecordType;

/* For RAMINATE_RECORD_END: only the type counts. */
typedef struct RaminateRecordEntry {
    RaminateRecordType type;
    int64_t time_ms;            /* on the placer's clock; from scan to scan it
                                   never goes back */
    uint32_t window_ms;         /* for how long until then it was watched */
    const uint32_t *pages;      /* in ascending order, none twice; of scans and
                                   looks, those that were written */
    size_t nr;

    /* For RAMINATE_RECORD_SCAN and _LOOK */
    unsigned kinds;             /* that were looked for */
    const uint32_t *read_pages; /* the same of those that were read */
    size_t nr_read_pages;

    /* For RAMINATE_RECORD_TRAFFIC and _GAUGE: lines of each page, else NULL */
    const uint32_t *written;
    const uint32_t *read;       /* NULL also if not known */

    /* For RAMINATE_RECORD_BATCH, whose pages are in its moves alone */
    const RaminateMove *moves;  /* as planned; errors are not kept */
    size_t nr_moves;
    uint32_t moved_after_ms;    /* when they were, after they were planned */
    bool by_command;            /* of a user, not by the policy */
} RaminateRecordEntry;

#define RAMINATE_RECORD_ERROR raminate_record_error_quark()
GQuark raminate_record_error_quark(void);

typedef enum RaminateRecordError {
    RAMINATE_RECORD_ERROR_IO,           /* can't be opened or read */
    RAMINATE_RECORD_ERROR_FOREIGN,      /* no recording, or unknown version */
    RAMINATE_RECORD_ERROR_DAMAGED,      /* a recording, but not as written */
    RAMINATE_RECORD_ERROR_MEMORY,       /* there is not enough */
} RaminateRecordError;

/* Returns: whether entries of this type tell lines of each page. */
bool raminate_record_has_lines(RaminateRecordType type);

/*
 * Writing: both append to @out.  What an entry tells is among the kinds of the
 * header.
 */
void raminate_record_put_header(GByteArray *out,
                                const RaminateRecordHeader *header);
void raminate_record_put_entry(GByteArray *out, uint32_t nr_pages,
                               const RaminateRecordEntry *entry);

/* Returns: whether @data begins as all recordings do. */
bool raminate_record_has_magic(const void *data, size_t size);

/* Reading */
typedef struct RaminateRecordReader RaminateRecordReader;

/* Returns: the reader, or NULL with @error set. */
RaminateRecordReader *raminate_record_reader_new(const char *path,
                                                 GError **error);
void raminate_record_reader_free(RaminateRecordReader *reader);

/* Returns: the header, which lives as long as the reader. */
const RaminateRecordHeader *
raminate_record_reader_header(const RaminateRecordReader *reader);

/*
 * Reads the next entry; what it points to is valid until the next call.
 * Takes memory for what the entry holds, whatever it claims.
 * Returns: false at the end, or with @error set if the file is damaged or
 * there is not enough memory.
 */
bool raminate_record_reader_next(RaminateRecordReader *reader,
                                 RaminateRecordEntry *entry, GError **error);

/* Goes back to the first entry. */
void raminate_record_reader_rewind(RaminateRecordReader *reader);

/*
 * Returns: whether the file stops without an end, as it does if its writer was
 * killed or is at work; known once next() has returned false.  All entries
 * that are whole have been read then.
 */
bool raminate_record_reader_is_cut(const RaminateRecordReader *reader);

/* Returns: how far into the file the reader is, from 0 to 1. */
double raminate_record_reader_progress(const RaminateRecordReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RaminateRecordReader,
                              raminate_record_reader_free)

#endif
