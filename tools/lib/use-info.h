/*
 * RAMinate: what QEMU says of the use of memory and of moves, checked
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_USE_INFO_H
#define RAMINATE_USE_INFO_H

#include <json-glib/json-glib.h>

#define USE_MAX_SHARES 16
#define MOVES_MAX 1000

typedef struct EnoughInfo {
    guint64 share;              /* per cent */
    guint64 size;               /* bytes that are enough for it */
} EnoughInfo;

/* The working set; sizes are in bytes. */
typedef struct UseInfo {
    guint64 since;              /* milliseconds since the first scan */
    guint64 granule;            /* that a page looked at stands for */
    guint64 minute;             /* used within it */
    guint64 ten_minutes;
    guint64 hour;
    unsigned nr_enough;
    EnoughInfo enough[USE_MAX_SHARES];
} UseInfo;

/* Returns: what query-raminate-working-set returned, to be freed; or NULL. */
UseInfo *use_info_parse(JsonNode *node, GError **error);

typedef struct MoveInfo {
    guint64 page;
    guint64 ms_ago;
    char *reason;
    char *policy;               /* or NULL */
    char *from;
    char *to;
    gboolean has_with;
    guint64 with;               /* the page it changed places with */
    guint64 heat;
} MoveInfo;

/* Returns: what query-raminate-moves returned, MoveInfo; or NULL. */
GPtrArray *moves_info_parse(JsonNode *node, GError **error);

#endif
