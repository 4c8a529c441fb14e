/*
 * RAMinate: when which part of guest RAM was written, by a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "history.h"

/* When the first scan began to watch, and when the last one came. */
typedef struct Span {
    int64_t start_ms;
    int64_t end_ms;
    uint64_t nr_scans;
} Span;

static bool read_span(RaminateRecordReader *reader, Span *span,
                      GError **error)
{
    GError *wrong = NULL;
    RaminateRecordEntry entry;

    while (raminate_record_reader_next(reader, &entry, &wrong)) {
        if (entry.type == RAMINATE_RECORD_SCAN) {
            if (!span->nr_scans++) {
                span->start_ms = entry.time_ms - entry.window_ms;
            }
            span->end_ms = entry.time_ms;
        }
    }
    if (wrong) {
        g_propagate_error(error, wrong);
    } else if (!span->nr_scans) {
        g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_IO,
                    "the recording has no scan yet");
    }
    return span->nr_scans;
}

static unsigned column_at(const History *history, const Span *span,
                          int64_t time_ms)
{
    int64_t column = (time_ms - span->start_ms) * history->columns /
                     MAX(history->duration_ms, 1);

    return CLAMP(column, 0, (int64_t)history->columns - 1);
}

unsigned history_row(const History *history, uint32_t page)
{
    return (uint64_t)page * history->rows / history->nr_pages;
}

static void add_scan(History *history, const Span *span, unsigned *scans,
                     const RaminateRecordEntry *entry)
{
    unsigned first = column_at(history, span,
                               entry->time_ms - entry->window_ms + 1);
    unsigned last = column_at(history, span, entry->time_ms - 1);
    unsigned column;
    size_t i;

    for (column = first; column <= last; column++) {
        scans[column]++;
    }
    for (i = 0; i < entry->nr; i++) {
        float *row = history->shares +
                     (size_t)history_row(history, entry->pages[i]) *
                     history->columns;

        for (column = first; column <= last; column++) {
            row[column]++;
        }
    }
    history->nr_written += entry->nr;
}

/* Makes shares out of counts. */
static void divide(History *history, const unsigned *scans)
{
    unsigned row, column;
    uint64_t first = 0;

    for (row = 0; row < history->rows; row++) {
        /* The first page that history_row() puts into the next row */
        uint64_t next = ((row + 1) * (uint64_t)history->nr_pages +
                         history->rows - 1) / history->rows;

        for (column = 0; column < history->columns; column++) {
            history->shares[(size_t)row * history->columns + column] /=
                (float)(next - first) * MAX(scans[column], 1);
        }
        first = next;
    }
    for (column = 0; column < history->columns; column++) {
        history->watched[column] = scans[column];
    }
}

History *history_new(const char *path, unsigned columns, unsigned rows,
                     GError **error)
{
    g_autoptr(RaminateRecordReader) reader =
        raminate_record_reader_new(path, error);
    g_autofree unsigned *scans = g_new0(unsigned, columns);
    g_autoptr(History) history = g_new0(History, 1);
    const RaminateRecordHeader *header;
    RaminateRecordEntry entry;
    Span span = { 0 };

    if (!reader || !read_span(reader, &span, error)) {
        return NULL;
    }
    header = raminate_record_reader_header(reader);
    history->columns = columns;
    history->rows = MIN(rows, header->nr_pages);
    history->shares = g_new0(float, (size_t)columns * history->rows);
    history->watched = g_new0(bool, columns);
    history->nr_scans = span.nr_scans;
    history->duration_ms = span.end_ms - span.start_ms;
    history->nr_pages = header->nr_pages;
    history->page_size = header->page_size;
    history->is_cut = raminate_record_reader_is_cut(reader);
    raminate_record_reader_rewind(reader);
    /* Scans that were added to the file meanwhile have no place. */
    for (uint64_t left = span.nr_scans; left &&
         raminate_record_reader_next(reader, &entry, NULL);) {
        if (entry.type == RAMINATE_RECORD_SCAN) {
            add_scan(history, &span, scans, &entry);
            left--;
        }
    }
    divide(history, scans);
    return g_steal_pointer(&history);
}

void history_free(History *history)
{
    g_free(history->shares);
    g_free(history->watched);
    g_free(history);
}
