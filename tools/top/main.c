/*
 * RAMinate: raminate-top, where the pages of hybrid memory are
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/options.h"
#include "lib/text.h"
#include "live.h"
#include "plain.h"

static double period_option = 1;
static double timeout_option = 5;
static int count_option = OPTIONS_NONE;
static gboolean once_option;
static gboolean batch_option;
static gboolean json_option;
static char *record_option;
static char *replay_option;
static char **patterns;

static const GOptionEntry entries[] = {
    { "period", 'd', 0, G_OPTION_ARG_DOUBLE, &period_option,
      "Time from one look to the next (default: 1)", "SECONDS" },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout_option,
      "Time that a VM has for each answer (default: 5)", "SECONDS" },
    { "once", 'o', 0, G_OPTION_ARG_NONE, &once_option,
      "Print a table, then exit", NULL },
    { "batch", 'b', 0, G_OPTION_ARG_NONE, &batch_option,
      "Print a line for each container every period", NULL },
    { "count", 'n', 0, G_OPTION_ARG_INT, &count_option,
      "With --batch: exit after so many periods", "NUMBER" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &json_option,
      "Print what the VMs say as JSON: once, or every period with --batch",
      NULL },
    { "record", 0, 0, G_OPTION_ARG_FILENAME, &record_option,
      "Keep what is seen in a file, for --replay", "FILE" },
    { "replay", 0, 0, G_OPTION_ARG_FILENAME, &replay_option,
      "Show again what was kept in a file", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &patterns,
      NULL, NULL },
    { NULL }
};

static const char summary[] =
    "Shows hybrid memory of the VMs whose QMP sockets are given; a SOCKET may "
    "have\nwildcards (default: " VM_DEFAULT_PATTERN ").";

/* Each VM takes a file descriptor. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static GPtrArray *find_vms(char *const *where, unsigned timeout)
{
    g_autoptr(GPtrArray) paths = vm_find_sockets(where);
    GPtrArray *vms = g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
    unsigned i;

    for (i = 0; i < paths->len; i++) {
        Vm *vm = vm_new(g_ptr_array_index(paths, i), timeout);

        vm->keeps_raw = json_option || record_option;
        g_ptr_array_add(vms, vm);
    }
    if (!vms->len) {
        g_autofree char *all = g_strjoinv(" ", (char **)where);

        fprintf(stderr, "raminate-top: there is no socket %s; start QEMU "
                "with -qmp unix:SOCKET,server=on,wait=off, and give the "
                "socket's path\n", all);
        exit(1);
    }
    return vms;
}

static unsigned count_failed(const GPtrArray *vms)
{
    unsigned failed = 0;
    unsigned i;

    for (i = 0; i < vms->len; i++) {
        failed += ((Vm *)g_ptr_array_index(vms, i))->error != NULL;
    }
    return failed;
}

static void update_all(GPtrArray *rows, const GPtrArray *vms)
{
    unsigned i;

    for (i = 0; i < vms->len; i++) {
        Vm *vm = g_ptr_array_index(vms, i);

        if (vm_is_duplicate(vms, vm)) {
            rows_remove(rows, vm);
        } else {
            rows_update(rows, vm, g_get_monotonic_time());
        }
    }
    rows_sort(rows, ROW_SORT_NAME, FALSE);
}

/* Records what VMs answered.  Returns: whether that worked. */
static gboolean record_all(SessionWriter *record, const GPtrArray *vms)
{
    g_autoptr(GError) error = NULL;
    unsigned i;

    for (i = 0; record && i < vms->len; i++) {
        if (!session_add_vm(record, g_ptr_array_index(vms, i), &error)) {
            text_complain("raminate-top", error->message);
            return FALSE;
        }
    }
    return TRUE;
}

/* Returns: exit status. */
static int run_batch(GPtrArray *vms, const LiveOptions *options)
{
    g_autoptr(GPtrArray) rows = rows_new();
    unsigned fit = json_option ? 0 : plain_batch_head();
    int i;

    for (i = 1; ; i++) {
        g_autoptr(GPtrArray) distinct = vm_distinct(vms);

        update_all(rows, vms);
        if (json_option) {
            plain_json(distinct);
        } else {
            plain_batch(rows, fit, options->is_utf8);
        }
        if (!record_all(options->record, distinct) || ferror(stdout)) {
            return 1;
        }
        if (i == count_option || count_failed(distinct) == distinct->len) {
            return count_failed(distinct) != 0;
        }
        g_usleep(options->period * 1000);
        vm_refresh_all(vms);
    }
}

static int run_once(GPtrArray *vms, gboolean is_utf8)
{
    g_autoptr(GPtrArray) rows = rows_new();
    g_autoptr(GPtrArray) distinct = vm_distinct(vms);

    if (json_option) {
        plain_json(distinct);
    } else {
        update_all(rows, vms);
        plain_table(rows, is_utf8);
    }
    return count_failed(distinct) != 0;
}

static int run_live(GPtrArray *vms, const LiveOptions *options)
{
    g_autoptr(GError) error = NULL;
    unsigned i;
    int number;

    if (!options->replay && count_failed(vms) == vms->len) {
        for (i = 0; i < vms->len; i++) {
            text_complain("raminate-top",
                          ((Vm *)g_ptr_array_index(vms, i))->error->message);
        }
        return 1;
    }
    number = live_run(vms, options, &error);
    if (error) {
        text_complain("raminate-top", error->message);
        return 1;
    }
    if (number) {
        /* Whoever waits for it shall see what ended it. */
        signal(number, SIG_DFL);
        raise(number);
    }
    return 0;
}

/* Exits with status 2 if options don't go with each other. */
static void check_options(void)
{
    gboolean plain = once_option || batch_option || json_option;

    if (once_option && batch_option) {
        options_fail("--once and --batch exclude each other; give one");
    }
    if (count_option != OPTIONS_NONE && (count_option < 1 || !batch_option)) {
        options_fail("--count is for --batch, and must be 1 or more");
    }
    if (record_option && (plain && !batch_option)) {
        options_fail("--record is for the screen and for --batch");
    }
    if (replay_option && (plain || record_option || patterns)) {
        options_fail("--replay takes no VMs, and is for the screen alone");
    }
    if (!plain && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))) {
        options_fail("this is no terminal; use --once, --batch or --json");
    }
}

/* Opens what options name, or exits. */
static void open_session(LiveOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (record_option) {
        options->record = session_create(record_option, &error);
    }
    if (replay_option) {
        options->replay = session_open(replay_option, &error);
    }
    if (error) {
        text_complain("raminate-top", error->message);
        exit(1);
    }
}

static int run(GPtrArray *vms, const LiveOptions *options)
{
    if (options->replay) {
        return run_live(vms, options);
    }
    vm_refresh_all(vms);
    return batch_option ? run_batch(vms, options)
           : once_option || json_option ? run_once(vms, options->is_utf8)
           : run_live(vms, options);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) vms = NULL;
    static char *default_patterns[] = { VM_DEFAULT_PATTERN, NULL };
    LiveOptions options = { 0 };
    int status;

    options_parse(entries, "[SOCKET...]", summary, &argc, &argv);
    options.is_utf8 = g_get_charset(NULL);
    options.patterns = patterns ? patterns : default_patterns;
    options.period = options_milliseconds("--period", period_option);
    options.timeout = options_milliseconds("--timeout", timeout_option);
    check_options();
    allow_many_files();
    vms = replay_option
          ? g_ptr_array_new_with_free_func((GDestroyNotify)vm_free)
          : find_vms(options.patterns, options.timeout);
    open_session(&options);
    status = run(vms, &options);
    session_writer_free(options.record);
    session_reader_free(options.replay);
    g_strfreev(patterns);
    return status;
}
