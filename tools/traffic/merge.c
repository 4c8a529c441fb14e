/*
 * RAMinate: puts traffic into a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>

#include "hw/raminate/record/lines.h"
#include "merge.h"

typedef struct Merge {
    RaminateRecordReader *traffic;
    int64_t offset_ms;
    uint32_t nr_pages;
    RaminateRecordEntry next;   /* of the traffic */
    bool has_next;

    /* Of the traffic since the last scan */
    RaminateLines lines;
    uint32_t window_ms;
    RaminateSample accessed;

    bool has_accesses;          /* the traffic tells of them */
    RaminateSample looked;      /* accessed in the window of a second look */
    RaminateSample more;        /* both while pages are added to either */
    RaminateSample sum;

    GByteArray *bytes;
    MergeWrite *write;
    void *opaque;
} Merge;

static bool G_GNUC_PRINTF(2, 3) fail(GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, RAMINATE_RECORD_ERROR, RAMINATE_RECORD_ERROR_FOREIGN,
                "%s", message);
    return false;
}

static bool flush(Merge *merge, GError **error)
{
    bool good = merge->write(merge->bytes, merge->opaque, error);

    g_byte_array_set_size(merge->bytes, 0);
    return good;
}

/* Returns: whether the next entry tells which pages were accessed. */
static bool tells_accesses(const Merge *merge)
{
    return merge->next.type == RAMINATE_RECORD_SCAN &&
           merge->next.kinds == RAMINATE_READ;
}

/* Returns: false with @error set if the recording is not one of traffic. */
static bool read_traffic(Merge *merge, GError **error)
{
    g_autoptr(GError) err = NULL;

    merge->has_next = raminate_record_reader_next(merge->traffic,
                                                  &merge->next, &err);
    if (err) {
        g_propagate_error(error, g_steal_pointer(&err));
        return false;
    }
    if (merge->has_next && merge->next.type != RAMINATE_RECORD_TRAFFIC &&
        !tells_accesses(merge)) {
        return fail(error, "the second recording has scans; give one that "
                    "libraminate-traffic has written");
    }
    return true;
}

/* Leaves out pages of which nothing was written nor read. */
static void drop_idle_pages(RaminateLines *lines)
{
    uint32_t *pages = (uint32_t *)lines->pages->data;
    uint32_t *written = (uint32_t *)lines->written->data;
    uint32_t *read = (uint32_t *)lines->read->data;
    guint nr = 0;

    for (guint i = 0; i < lines->pages->len; i++) {
        if (written[i] || read[i]) {
            pages[nr] = pages[i];
            written[nr] = written[i];
            read[nr++] = read[i];
        }
    }
    g_array_set_size(lines->pages, nr);
    g_array_set_size(lines->written, nr);
    g_array_set_size(lines->read, nr);
}

/* Writes what there was since the last scan, even nothing; forgets it. */
static void put_traffic(Merge *merge, int64_t time_ms, MergeResult *result)
{
    RaminateRecordEntry entry = {
        .type = RAMINATE_RECORD_TRAFFIC,
        .time_ms = time_ms,
        .window_ms = merge->window_ms,
    };

    drop_idle_pages(&merge->lines);
    entry.pages = (uint32_t *)merge->lines.pages->data;
    entry.nr = merge->lines.pages->len;
    entry.written = (uint32_t *)merge->lines.written->data;
    entry.read = (uint32_t *)merge->lines.read->data;
    for (size_t i = 0; i < entry.nr; i++) {
        result->lines_written += entry.written[i];
        result->lines_read += entry.read[i];
    }
    raminate_record_put_entry(merge->bytes, merge->nr_pages, &entry);
    raminate_lines_clear(&merge->lines);
    merge->window_ms = 0;
}

/* Adds the pages of the next entry to a sample. */
static void add_accessed(Merge *merge, RaminateSample *sample)
{
    RaminateSample sum;

    raminate_sample_clear(&merge->more);
    raminate_sample_add_pages(&merge->more, merge->next.read_pages,
                              merge->next.nr_read_pages, RAMINATE_READ);
    raminate_sample_merge(&merge->sum, sample, &merge->more);
    sum = merge->sum;
    merge->sum = *sample;
    *sample = sum;
}

static void take(Merge *merge, int64_t look_from_ms)
{
    if (!tells_accesses(merge)) {
        raminate_lines_add(&merge->lines, &merge->next);
        merge->window_ms += merge->next.window_ms;
        return;
    }
    add_accessed(merge, &merge->accessed);
    if (merge->next.time_ms + merge->offset_ms > look_from_ms) {
        add_accessed(merge, &merge->looked);
    }
}

/* @look_from_ms: what was accessed later, the second look at the end finds */
static bool take_until(Merge *merge, int64_t time_ms, int64_t look_from_ms,
                       GError **error)
{
    while (merge->has_next &&
           merge->next.time_ms + merge->offset_ms <= time_ms) {
        take(merge, look_from_ms);
        if (!read_traffic(merge, error)) {
            return false;
        }
    }
    return true;
}

static uint64_t next_written(const Merge *merge)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < merge->next.nr; i++) {
        sum += merge->next.written[i];
    }
    return sum;
}

/* What came before the time of the first scan or look belongs to neither. */
static bool skip_early(Merge *merge, const RaminateRecordEntry *entry,
                       MergeResult *result, GError **error)
{
    int64_t time_ms = entry->time_ms - entry->window_ms;

    while (!result->scans && merge->has_next &&
           merge->next.time_ms + merge->offset_ms <= time_ms) {
        result->lines_early += next_written(merge);
        if (!read_traffic(merge, error)) {
            return false;
        }
    }
    return true;
}

/* Writes a scan or a second look, and forgets what it found to be accessed. */
static void put_found(Merge *merge, const RaminateRecordEntry *entry,
                      RaminateSample *accessed)
{
    g_autofree uint32_t *pages = NULL;
    RaminateRecordEntry found = *entry;

    if (merge->has_accesses) {
        raminate_sample_clear(&merge->more);
        raminate_sample_add_pages(&merge->more, entry->read_pages,
                                  entry->nr_read_pages, RAMINATE_READ);
        raminate_sample_merge(&merge->sum, accessed, &merge->more);
        pages = raminate_sample_pages(&merge->sum, RAMINATE_READ,
                                      &found.nr_read_pages);
        found.kinds = RAMINATE_ACCESSED;
        found.read_pages = pages;
        raminate_sample_clear(accessed);
    }
    raminate_record_put_entry(merge->bytes, merge->nr_pages, &found);
}

static bool merge_entry(Merge *merge, const RaminateRecordEntry *entry,
                        MergeResult *result, GError **error)
{
    switch (entry->type) {
    case RAMINATE_RECORD_SCAN:
        if (!skip_early(merge, entry, result, error) ||
            !take_until(merge, entry->time_ms, INT64_MAX, error)) {
            return false;
        }
        put_traffic(merge, entry->time_ms, result);
        put_found(merge, entry, &merge->accessed);
        result->scans++;
        return flush(merge, error);
    case RAMINATE_RECORD_LOOK:
        if (!skip_early(merge, entry, result, error) ||
            !take_until(merge, entry->time_ms,
                        entry->time_ms - entry->window_ms, error)) {
            return false;
        }
        put_found(merge, entry, &merge->looked);
        return flush(merge, error);
    case RAMINATE_RECORD_TRAFFIC:
        return fail(error, "the first recording has traffic already");
    case RAMINATE_RECORD_GAUGE:
    case RAMINATE_RECORD_BATCH:
    case RAMINATE_RECORD_END:
        break;
    }
    raminate_record_put_entry(merge->bytes, merge->nr_pages, entry);
    return flush(merge, error);
}

static bool merge_all(Merge *merge, RaminateRecordReader *scans,
                      MergeResult *result, GError **error)
{
    RaminateRecordHeader header = *raminate_record_reader_header(scans);
    RaminateRecordEntry end = { .type = RAMINATE_RECORD_END };
    g_autoptr(GError) err = NULL;
    RaminateRecordEntry entry;

    if (merge->has_accesses) {
        header.kinds = RAMINATE_ACCESSED;
    }
    raminate_record_put_header(merge->bytes, &header);
    if (!flush(merge, error) || !read_traffic(merge, error)) {
        return false;
    }
    while (raminate_record_reader_next(scans, &entry, &err)) {
        if (!merge_entry(merge, &entry, result, error)) {
            return false;
        }
    }
    if (err) {
        g_propagate_error(error, g_steal_pointer(&err));
        return false;
    }
    while (merge->has_next) {
        result->lines_late += next_written(merge);
        if (!read_traffic(merge, error)) {
            return false;
        }
    }
    result->cut = raminate_record_reader_is_cut(scans) ||
                  raminate_record_reader_is_cut(merge->traffic);
    raminate_record_put_entry(merge->bytes, merge->nr_pages, &end);
    return flush(merge, error);
}

bool merge(RaminateRecordReader *scans, RaminateRecordReader *traffic,
           int64_t offset_ms, MergeWrite *write, void *opaque,
           MergeResult *result, GError **error)
{
    uint32_t nr_pages = raminate_record_reader_header(scans)->nr_pages;
    uint32_t nr_others = raminate_record_reader_header(traffic)->nr_pages;
    Merge merge = {
        .traffic = traffic,
        .offset_ms = offset_ms,
        .nr_pages = nr_pages,
        .write = write,
        .opaque = opaque,
    };
    bool good;

    *result = (MergeResult) { 0 };
    if (nr_pages != nr_others) {
        return fail(error, "the traffic is of %" PRIu32 " pages, the scans "
                    "are of %" PRIu32 "; give the plugin pools that make up "
                    "the guest's RAM", nr_others, nr_pages);
    }
    merge.has_accesses = raminate_record_reader_header(traffic)->kinds &
                         RAMINATE_READ;
    raminate_lines_init(&merge.lines);
    merge.bytes = g_byte_array_new();
    good = merge_all(&merge, scans, result, error);
    g_byte_array_unref(merge.bytes);
    raminate_lines_destroy(&merge.lines);
    raminate_sample_destroy(&merge.accessed);
    raminate_sample_destroy(&merge.looked);
    raminate_sample_destroy(&merge.more);
    raminate_sample_destroy(&merge.sum);
    return good;
}
