/*
 * RAMinate: who has which part of the pools, as a table
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holders.h"
#include "lib/text.h"
#include "list.h"
#include "nodes.h"

/* Columns of a line */
typedef struct Line {
    const char *pool;
    const char *path;           /* or the node */
    const char *start;
    guint64 size;
    const char *pid;
    const char *holder;
} Line;

static gboolean utf8;
/* Of the columns, which are wider if they have to be */
static int pool_width = 10;
static int path_width = 18;

static void print_line(const Line *line)
{
    g_autofree char *size = text_size(line->size);
    g_autofree char *path = text_clean(line->path, utf8);
    g_autofree char *clean = text_clean(line->holder, utf8);

    printf("%-*s %-*s %-16s %9s %8s  %s\n", pool_width, line->pool, path_width,
           path, line->start, size, line->pid, clean);
}

static void print_held(Line line, const Holder *holder)
{
    g_autofree char *pid = g_strdup_printf("%d", holder->pid);

    line.pid = holder->pid ? pid : "?";
    line.holder = holder->pid ? holder->name
                              : "held; only root can see by whom";
    print_line(&line);
}

static void complain(const RaminatePool *pool, const char *message)
{
    g_autofree char *text = g_strdup_printf("pool '%s': %s", pool->name,
                                            message);

    text_complain("raminate-pool", text);
}

/* Ranges */

/* @holder: NULL if it is free */
static void print_part(const RaminatePool *pool, guint64 start, guint64 end,
                       const Holder *holder)
{
    g_autofree char *at = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", start);
    Line line = {
        .pool = pool->name,
        .path = pool->path,
        .start = at,
        .size = end - start,
        .pid = "-",
        .holder = "free",
    };

    if (holder) {
        print_held(line, holder);
    } else {
        print_line(&line);
    }
}

static void print_range(const RaminatePool *pool, const RaminateRange *range,
                        const GPtrArray *holders)
{
    guint64 at = range->start;
    guint64 end = range->start + range->size;
    unsigned i;

    for (i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        guint64 start = MAX(holder->start, range->start);
        guint64 stop = MIN(holder->end + 1, end);

        if (start >= stop) {
            continue;
        }
        if (start > at) {
            print_part(pool, at, start, NULL);
        }
        print_part(pool, start, stop, holder);
        at = MAX(at, stop);
    }
    if (at < end) {
        print_part(pool, at, end, NULL);
    }
}

/* Returns: where a file or block device ends; others don't say. */
static guint64 end_of_path(const char *path)
{
    struct stat st = { 0 };
    off_t end = -1;
    int fd;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        end = st.st_size;
    } else if (S_ISBLK(st.st_mode)) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            end = lseek(fd, 0, SEEK_END);
            close(fd);
        }
    }
    return end < 0 ? G_MAXUINT64 : (guint64)end;
}

static void complain_of_end(const RaminatePool *pool, guint64 end,
                            guint64 wanted)
{
    g_autofree char *size = text_size(end);
    g_autofree char *wanted_size = text_size(wanted);
    g_autofree char *text =
        g_strdup_printf("%s ends after %s (%" G_GUINT64_FORMAT " bytes), but "
                        "its ranges go up to %s (%" G_GUINT64_FORMAT "); make "
                        "it longer, or correct ranges", pool->path, size, end,
                        wanted_size, wanted);

    complain(pool, text);
}

static gboolean list_ranges(const RaminatePool *pool)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) holders = holders_find(pool->path, "WRITE", &error);
    guint64 end = end_of_path(pool->path);
    guint64 last = 0;
    unsigned i;

    if (!holders) {
        complain(pool, error->message);
        return FALSE;
    }
    for (i = 0; i < pool->ranges->len; i++) {
        RaminateRange range = g_array_index(pool->ranges, RaminateRange, i);

        last = MAX(last, range.start + range.size);
        /* QEMU refuses what is beyond. */
        range.size = MIN(range.size, MAX(end, range.start) - range.start);
        print_range(pool, &range, holders);
    }
    if (last > end) {
        complain_of_end(pool, end, last);
    }
    return last <= end;
}

/* Nodes */

/*
 * Prints a line for each process that has claims on a node, with their sum: of
 * a node, it doesn't matter where they begin.
 * Returns: the sum of all.
 */
static guint64 print_claims(Line line, const GPtrArray *holders)
{
    guint64 sum = 0;
    unsigned i, j;

    for (i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        gboolean is_first = TRUE;

        line.size = 0;
        for (j = 0; j < holders->len; j++) {
            const Holder *other = g_ptr_array_index(holders, j);

            if (other->pid == holder->pid) {
                is_first = is_first && j >= i;
                line.size += other->end - other->start + 1;
            }
        }
        if (is_first) {
            print_held(line, holder);
            sum += line.size;
        }
    }
    return sum;
}

static void print_node(const RaminatePool *pool, unsigned node,
                       const NodeMemory *memory, const GPtrArray *holders)
{
    g_autofree char *name = g_strdup_printf("node%u", node);
    g_autofree char *total = text_size(memory->total);
    g_autofree char *others = g_strdup_printf("others; the node has %s", total);
    Line line = { .pool = pool->name, .path = name, .start = "-", .pid = "-" };
    guint64 claimed = print_claims(line, holders);
    guint64 left = memory->total - MIN(memory->total, claimed);

    line.size = MIN(left, memory->free);
    line.holder = "free";
    if (line.size) {
        print_line(&line);
    }
    line.size = left - line.size;
    line.holder = others;
    if (line.size) {
        print_line(&line);
    }
}

static gboolean list_node(const RaminatePool *pool, unsigned node)
{
    g_autofree char *path = g_strdup_printf(RAMINATE_NODE_FILE, node);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    NodeMemory memory;

    if (node_memory_read(path, &memory, &error)) {
        holders = holders_find(path, "READ", &error);
    }
    if (!holders) {
        g_autofree char *text = g_strdup_printf("node %u: %s", node,
                                                error->message);

        complain(pool, text);
        return FALSE;
    }
    print_node(pool, node, &memory, holders);
    return TRUE;
}

static void widen_columns(const RaminatePool *pool)
{
    pool_width = MAX(pool_width, (int)strlen(pool->name));
    if (!raminate_pool_has_nodes(pool)) {
        g_autofree char *path = text_clean(pool->path, utf8);

        path_width = MAX(path_width, (int)strlen(path));
    }
}

gboolean list_pools(const RaminatePools *pools, gboolean is_utf8)
{
    gboolean good = TRUE;
    unsigned i, j;

    utf8 = is_utf8;
    for (i = 0; i < pools->pools->len; i++) {
        widen_columns(g_ptr_array_index(pools->pools, i));
    }
    printf("%-*s %-*s %-16s %9s %8s  %s\n", pool_width, "POOL", path_width,
           "PATH", "START", "SIZE", "PID", "HELD BY");
    for (i = 0; i < pools->pools->len; i++) {
        const RaminatePool *pool = g_ptr_array_index(pools->pools, i);

        if (!raminate_pool_has_nodes(pool)) {
            good &= list_ranges(pool);
        }
        for (j = 0; j < pool->nodes->len; j++) {
            good &= list_node(pool, g_array_index(pool->nodes, unsigned, j));
        }
    }
    return good;
}
