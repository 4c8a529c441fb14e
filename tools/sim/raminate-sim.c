/*
 * RAMinate: replays recordings under placement policies
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/no-memory.h"
#include "../lib/options.h"
#include "bound.h"
#include "policies.h"
#include "report.h"
#include "tiers.h"

#define PROGRESS_PERIOD_US (G_USEC_PER_SEC / 2)

/* What the command line says */
static char **policy_names;
static char *fast_text;
static char *tiers_text;
static char *costs_text;
static char *unit_text;
static gboolean fast_is_room;
static int nr_passes = 1;
static int nr_jobs = 1;
static int scan_period = OPTIONS_NONE;
static RaminateSettings settings;
static int lines_per_page = TRACE_PAGE_LINES;
static gboolean no_second_look;
static gboolean keep_policy;
static gboolean find_bound;
static gboolean list_policies;
static gboolean as_csv;
static gboolean as_json;
static gboolean keep_steps;
static char *moves_path;
static gboolean as_recorded;
static gboolean show_progress;
static char **paths;

static uint32_t unit = 1 << RAMINATE_PAGE_BITS;
static ReplaySettings *policies;        /* of each of policy_names */

static const GOptionEntry entries[] = {
    { "policy", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &policy_names,
      "Replay this policy; more than one may be given (default: all of them). "
      "NAME:swap-period=MS,life-time=MS,max-swaps=N sets what else is set for "
      "all, and oracle:foresight=MS how far an oracle sees (default: to the "
      "next batch)", "NAME" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &list_policies,
      "List the policies", NULL },
    { "fast", 'f', 0, G_OPTION_ARG_STRING, &fast_text,
      "Size of the fastest tier: 10% of the guest, or 512M; the rest is slow "
      "(default: the tiers of the recording)", "SIZE" },
    { "tiers", 0, 0, G_OPTION_ARG_STRING, &tiers_text,
      "Sizes of all tiers but the last, fastest first", "SIZE,..." },
    { "costs", 0, 0, G_OPTION_ARG_STRING, &costs_text,
      "What a line read and written costs in each tier, and its idle power in "
      "mW a GiB (default: the recording's)", "READ:WRITE[:IDLE],..." },
    { "unit", 0, 0, G_OPTION_ARG_STRING, &unit_text,
      "Move 2M at once, as huge pages are (default: 4K)", "SIZE" },
    { "fast-is-room", 0, 0, G_OPTION_ARG_NONE, &fast_is_room,
      "Begin with the guest in the slower tiers and the fastest free", NULL },
    { "passes", 'n', 0, G_OPTION_ARG_INT, &nr_passes,
      "Replay so many times, each from the placement that the last one left "
      "(default: 1)", "N" },
    { "scan-period", 0, 0, G_OPTION_ARG_INT, &scan_period,
      "Make one scan of those within so many milliseconds (default: as "
      "recorded)", "MS" },
    { "lines-per-page", 0, 0, G_OPTION_ARG_INT, &lines_per_page,
      "Lines of 64 bytes to assume for a page found written where the "
      "recording has no traffic (default: 64)", "N" },
    { "keep-policy", 0, 0, G_OPTION_ARG_NONE, &keep_policy,
      "Begin each pass with what the policy has learned in the last one",
      NULL },
    { "no-second-look", 0, 0, G_OPTION_ARG_NONE, &no_second_look,
      "Keep from the policies what the second look found", NULL },
    { "bound", 'b', 0, G_OPTION_ARG_NONE, &find_bound,
      "Find the bound that no policy can pass; takes 8 bytes of memory for "
      "each page written in each scan", NULL },
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &nr_jobs,
      "Replay so many policies at the same time (default: 1)", "N" },
    { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Print CSV", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL },
    { "steps", 0, 0, G_OPTION_ARG_NONE, &keep_steps,
      "Tell in JSON what was written from scan to scan", NULL },
    { "as-recorded", 0, 0, G_OPTION_ARG_NONE, &as_recorded,
      "Make the container's own batches, when it made them; an error if the "
      "policy would have planned other moves", NULL },
    { "moves", 0, 0, G_OPTION_ARG_FILENAME, &moves_path,
      "Write each exchange of pages to this file, as CSV; takes 16 bytes of "
      "memory for each", "FILE" },
    { "progress", 0, 0, G_OPTION_ARG_NONE, &show_progress,
      "Show the progress also if stderr is not a terminal", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths,
      NULL, "RECORDING..." },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    fprintf(stderr, "raminate-sim: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    exit(EXIT_FAILURE);
}

static void check_range(const char *name, int value, int min, int max)
{
    if (value < min || value > max) {
        options_fail("--%s must be %d to %d, not %d", name, min, max, value);
    }
}

/* Settings of the engine */

static const struct {
    const char *name;
    const char *unit;           /* for --help */
} engine_options[] = {
    { "swap-period", "MS" }, { "life-time", "MS" }, { "max-swaps", "N" },
    { "reverse-window", "MS" },
};

static void add_engine_options(GOptionContext *context)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(engine_options); i++) {
        const RaminateSetting *setting =
            raminate_setting_find(engine_options[i].name);
        g_autofree char *help = g_strdup_printf("%s (default: %u)",
                                                setting->help,
                                                setting->initial);
        const GOptionEntry option[] = {
            { setting->name, 0, 0, G_OPTION_ARG_INT,
              raminate_setting_value(&settings, setting),
              g_intern_string(help), engine_options[i].unit },
            { NULL, 0, 0, 0, NULL, NULL, NULL },
        };

        g_option_context_add_main_entries(context, option, NULL);
    }
}

static void check_engine_options(void)
{
    const RaminateSetting *setting;

    for (unsigned i = 0; i < G_N_ELEMENTS(engine_options); i++) {
        setting = raminate_setting_find(engine_options[i].name);
        check_range(setting->name, *raminate_setting_value(&settings, setting),
                    setting->min, setting->max);
    }
    if (scan_period != OPTIONS_NONE) {
        setting = raminate_setting_find("scan-period");
        check_range(setting->name, scan_period, setting->min, setting->max);
    }
}

/* Policies */

/* One policy with its settings, on one recording */
typedef struct Job {
    const char *name;           /* as given */
    const ReplaySettings *settings;
    const char *path;
    const TraceOptions *options;
    const RaminateLayout *layout;
    ReplayResult *results;      /* one a pass */
    GMutex *lock;
    double progress;            /* under the lock */
    bool done;                  /* under the lock */
    GError *error;
} Job;

static void parse_policy(ReplaySettings *parsed, const char *text)
{
    g_autoptr(GError) error = NULL;

    *parsed = (ReplaySettings) {
        .engine = settings,
        .second_look = !no_second_look,
        .keep_policy = keep_policy,
        .keep_steps = keep_steps,
        .keep_moves = moves_path,
        .as_recorded = as_recorded,
    };
    if (!policies_parse(text, parsed, &error)) {
        options_fail("%s", error->message);
    }
}

static void parse_policies(void)
{
    unsigned nr = g_strv_length(policy_names);

    policies = g_new(ReplaySettings, nr);
    for (unsigned i = 0; i < nr; i++) {
        parse_policy(&policies[i], policy_names[i]);
    }
}

/* Work */

static void run_job(void *data, void *user_data)
{
    Job *job = data;

    (void)user_data;
    replay_run(job->path, job->options, job->layout, job->settings, nr_passes,
               job->results, job->lock, &job->progress, &job->error);
    g_mutex_lock(job->lock);
    job->done = true;
    g_mutex_unlock(job->lock);
}

/* Returns: whether all jobs are done. */
static bool look_at_jobs(const Job *jobs, unsigned nr, GMutex *lock,
                         double *progress)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(lock);
    bool done = true;

    *progress = 0;
    for (unsigned i = 0; i < nr; i++) {
        done &= jobs[i].done;
        *progress += jobs[i].progress / nr_passes / nr;
    }
    return done;
}

static void run_jobs(Job *jobs, unsigned nr, GMutex *lock)
{
    bool show = show_progress || isatty(STDERR_FILENO);
    GThreadPool *pool = g_thread_pool_new(run_job, NULL, nr_jobs, TRUE, NULL);
    int64_t shown_us = g_get_monotonic_time();
    double progress;

    for (unsigned i = 0; i < nr; i++) {
        g_thread_pool_push(pool, &jobs[i], NULL);
    }
    while (show && !look_at_jobs(jobs, nr, lock, &progress)) {
        g_usleep(G_USEC_PER_SEC / 50);
        if (g_get_monotonic_time() - shown_us > PROGRESS_PERIOD_US) {
            shown_us = g_get_monotonic_time();
            fprintf(stderr, "\r%s: %3.0f %%", jobs[0].path, 100 * progress);
        }
    }
    g_thread_pool_free(pool, FALSE, TRUE);
    if (show) {
        fprintf(stderr, "\r%*s\r", (int)strlen(jobs[0].path) + 8, "");
    }
}

static void check_estimate(const ReplayResult *result, const char *path)
{
    if (result->cut) {
        fprintf(stderr, "raminate-sim: %s was cut off; its %" G_GUINT64_FORMAT
                " whole scans are replayed\n", path, result->scans);
    }
    if (!result->scans) {
        die("%s has no scan; record for longer than a scan period", path);
    }
}

/* Replays under all policies; ends the program if one can't be. */
static void replay_policies(Job *jobs, const char *path,
                            const TraceOptions *options,
                            const RaminateLayout *layout,
                            ReplayResult *results)
{
    unsigned nr = g_strv_length(policy_names);
    GMutex lock;

    g_mutex_init(&lock);
    for (unsigned i = 0; i < nr; i++) {
        jobs[i].name = policy_names[i];
        jobs[i].settings = &policies[i];
        jobs[i].path = path;
        jobs[i].options = options;
        jobs[i].layout = layout;
        jobs[i].results = results + i * nr_passes;
        jobs[i].lock = &lock;
    }
    run_jobs(jobs, nr, &lock);
    g_mutex_clear(&lock);
    for (unsigned i = 0; i < nr; i++) {
        if (jobs[i].error) {
            die("%s", jobs[i].error->message);
        }
    }
}

/* @moves: what takes the moves; or NULL */
static void replay_recording(const char *path, ReportFormat format,
                             FILE *moves, bool first)
{
    TraceOptions options = {
        .scan_period_ms = scan_period == OPTIONS_NONE ? 0 : scan_period,
        .lines_per_page = lines_per_page,
        .unit_pages = unit >> RAMINATE_PAGE_BITS,
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(Trace) trace = trace_new(path, &options, &error);
    unsigned nr = g_strv_length(policy_names);
    g_autofree Job *jobs = g_new0(Job, nr);
    g_autofree ReplayResult *results = g_new0(ReplayResult, nr * nr_passes);
    g_autofree ReportRow *rows = g_new0(ReportRow, nr * nr_passes);
    TierOptions tiers = {
        .sizes = tiers_text ? tiers_text : fast_text,
        .costs = costs_text,
        .unit = unit,
        .fast_is_room = fast_is_room,
    };
    RaminateLayout layout;
    Report report = { .path = path, .layout = &layout, .rows = rows,
                      .nr_rows = nr * nr_passes, .has_bound = find_bound };

    if (!trace) {
        die("%s", error->message);
    }
    report.header = trace_header(trace);
    if (report.header->page_size != 1 << RAMINATE_PAGE_BITS) {
        die("%s: pages of %u bytes can't be replayed, only those of %d", path,
            report.header->page_size, 1 << RAMINATE_PAGE_BITS);
    }
    if (!tiers_make(&layout, report.header, &tiers, &error)) {
        options_fail("%s: %s", path, error->message);
    }
    replay_policies(jobs, path, &options, &layout, results);
    for (unsigned i = 0; i < nr * nr_passes; i++) {
        rows[i].policy = jobs[i / nr_passes].name;
        rows[i].pass = i % nr_passes + 1;
        rows[i].result = results[i];
    }
    check_estimate(&results[0], path);
    if (find_bound && !bound_find(path, &options, &layout, &report.bound_lines,
                                  &error)) {
        die("%s", error->message);
    }
    report_print(format, &report, first);
    if (moves) {
        report_moves(moves, &report);
    }
    for (unsigned i = 0; i < nr * nr_passes; i++) {
        replay_result_clear(&results[i]);
    }
}

/* Returns: the file that takes the moves, with its first line; or NULL. */
static FILE *open_moves(void)
{
    FILE *file;

    if (!moves_path) {
        return NULL;
    }
    file = fopen(moves_path, "w");
    if (!file) {
        die("can't create %s: %s", moves_path, g_strerror(errno));
    }
    report_moves_begin(file);
    return file;
}

static void close_moves(FILE *file)
{
    bool failed = file && ferror(file);

    if (file && (fclose(file) != 0 || failed)) {
        die("can't write %s: %s", moves_path, g_strerror(errno));
    }
}

/* What is missing, or can't be together */
static void check_options(void)
{
    g_autoptr(GError) error = NULL;

    if (!paths) {
        options_fail("give a recording");
    }
    if (as_csv && as_json) {
        options_fail("--csv and --json exclude each other");
    }
    if (keep_steps && !as_json) {
        options_fail("--steps needs --json");
    }
    if (as_recorded && (fast_text || tiers_text || costs_text || unit_text ||
                        fast_is_room || scan_period != OPTIONS_NONE)) {
        options_fail("--as-recorded needs the tiers and scans of the "
                     "recording; leave out --fast, --tiers, --costs, --unit, "
                     "--fast-is-room and --scan-period");
    }
    if (unit_text) {
        unit = tiers_parse_unit(unit_text, &error);
        if (!unit) {
            options_fail("%s", error->message);
        }
    }
    if (fast_text && strchr(fast_text, ',')) {
        options_fail("--fast takes the size of one tier, not %s; give more by "
                     "--tiers", fast_text);
    }
    if (fast_text && tiers_text) {
        options_fail("--fast and --tiers exclude each other");
    }
}

static void check_ranges(void)
{
    check_range("passes", nr_passes, 1, 1000);
    check_range("jobs", nr_jobs, 1, 1024);
    check_engine_options();
    check_range("lines-per-page", lines_per_page, 1, 1 << 20);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    FILE *moves = NULL;
    ReportFormat format;

    no_memory_ends_tool("raminate-sim");
    raminate_settings_init(&settings);
    g_option_context_set_summary(context,
        "Replay recordings of memory-backend-container under placement "
        "policies.");
    g_option_context_add_main_entries(context, entries, NULL);
    add_engine_options(context);
    options_parse_context(context, &argc, &argv);
    if (list_policies) {
        policies_print();
        return EXIT_SUCCESS;
    }
    check_options();
    check_ranges();
    if (!policy_names) {
        policy_names = policies_names();
    }
    parse_policies();
    format = as_json ? REPORT_JSON : as_csv ? REPORT_CSV : REPORT_TABLE;
    moves = open_moves();
    report_begin(format);
    for (unsigned i = 0; paths[i]; i++) {
        replay_recording(paths[i], format, moves, i == 0);
    }
    report_end(format);
    close_moves(moves);
    return EXIT_SUCCESS;
}
