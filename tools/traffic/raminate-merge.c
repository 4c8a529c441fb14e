/*
 * RAMinate: puts traffic into a recording
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib/gstdio.h>

#include "../lib/no-memory.h"
#include "../lib/options.h"
#include "hw/raminate/record/format.h"
#include "merge.h"

static char *out_path;
static int64_t offset_ms;
static char **paths;

static const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &out_path,
      "Write the recording to this file", "FILE" },
    { "offset", 0, 0, G_OPTION_ARG_INT64, &offset_ms,
      "Add this to the times of the traffic, in milliseconds (default: 0)",
      "MS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths,
      NULL, "SCANS TRAFFIC" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static bool write_file(const GByteArray *bytes, void *opaque, GError **error)
{
    FILE *file = opaque;

    if (fwrite(bytes->data, 1, bytes->len, file) != bytes->len) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "can't write %s: %s", out_path, g_strerror(errno));
        return false;
    }
    return true;
}

static void tell(const MergeResult *result)
{
    printf("%" PRIu64 " scans, %" PRIu64 " lines written, %" PRIu64
           " lines read\n", result->scans, result->lines_written,
           result->lines_read);
    if (result->lines_early || result->lines_late) {
        printf("left out: %" PRIu64 " lines written before the first scan, %"
               PRIu64 " after the last one\n", result->lines_early,
               result->lines_late);
    }
    if (result->cut) {
        printf("a recording has no end; what it has is merged\n");
    }
}

/* The file appears only when it is whole. */
static bool merge_files(GError **error)
{
    g_autoptr(RaminateRecordReader) scans = NULL;
    g_autoptr(RaminateRecordReader) traffic = NULL;
    g_autofree char *temporary = g_strconcat(out_path, ".part", NULL);
    MergeResult result;
    FILE *file;
    bool good;

    scans = raminate_record_reader_new(paths[0], error);
    traffic = scans ? raminate_record_reader_new(paths[1], error) : NULL;
    if (!traffic) {
        return false;
    }
    file = g_fopen(temporary, "wbe");
    if (!file) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "can't write %s: %s", temporary, g_strerror(errno));
        return false;
    }
    good = merge(scans, traffic, offset_ms, write_file, file, &result, error);
    if ((fclose(file) < 0 || (good && g_rename(temporary, out_path) < 0)) &&
        good) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "can't write %s: %s", out_path, g_strerror(errno));
        good = false;
    }
    if (!good) {
        g_unlink(temporary);
        return false;
    }
    tell(&result);
    return true;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context =
        g_option_context_new("- put traffic into a recording");
    g_autoptr(GError) error = NULL;

    no_memory_ends_tool("raminate-merge");
    g_option_context_set_summary(context,
        "SCANS is a recording by QEMU (record= of the container), TRAFFIC one "
        "by\nlibraminate-traffic, of the same run.");
    g_option_context_add_main_entries(context, entries, NULL);
    options_parse_context(context, &argc, &argv);
    if (!out_path || !paths || g_strv_length(paths) != 2) {
        options_fail("give two recordings, SCANS and TRAFFIC, and -o FILE");
    }
    if (offset_ms < -RECORD_MAX_TIME || offset_ms > RECORD_MAX_TIME) {
        options_fail("--offset must be within %" PRId64 " milliseconds, not %"
                     PRId64, RECORD_MAX_TIME, offset_ms);
    }
    if (!merge_files(&error)) {
        fprintf(stderr, "raminate-merge: %s\n", error->message);
        return 1;
    }
    return 0;
}
