/*
 * RAMinate: reads members of what QEMU answers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_READER_H
#define RAMINATE_READER_H

#include <json-glib/json-glib.h>

/*
 * Reads members until one is wrong.  There is one for a whole answer, whose
 * @object changes, so that only the first that is wrong sets the error.
 */
typedef struct Reader {
    const char *command;
    JsonObject *object;
    GError **error;
    gboolean failed;
} Reader;

/* The member @name is not as it should be. */
void reader_fail(Reader *reader, const char *name);

/* Returns: NULL if there is none, or another was wrong. */
JsonNode *reader_member(Reader *reader, const char *name);

/* Returns: 0 if it is @optional and not there. */
guint64 reader_uint(Reader *reader, const char *name, gboolean optional);
gint64 reader_int(Reader *reader, const char *name);

/* Returns: whether the number is there; one without a part comes as integer. */
gboolean reader_number(Reader *reader, const char *name, double *value);

/* Returns: less than 0 if it is not there. */
double reader_percent(Reader *reader, const char *name);

/* Returns: NULL if it is @optional and not there. */
char *reader_string(Reader *reader, const char *name, gboolean optional);

/* Returns: one of QAPI's names, which does no harm wherever it is shown. */
char *reader_name(Reader *reader, const char *name);

/* Returns: an array of 1 to @max elements, or NULL. */
JsonArray *reader_array(Reader *reader, const char *name, unsigned max);

/* Returns: whether the answer is an object, which is read from now on. */
gboolean reader_open(Reader *reader, JsonNode *answer);

/*
 * Returns: whether an element of the array @name is an object, which is read
 * from now on.
 */
gboolean reader_enter(Reader *reader, JsonArray *array, unsigned i,
                      const char *name);

#endif
