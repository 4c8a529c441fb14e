/*
 * RAMinate: the file format of what raminate-top has seen
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOP_SESSION_FORMAT_H
#define RAMINATE_TOP_SESSION_FORMAT_H

#include "session.h"

/* The first line has this alone. */
#define SESSION_FORMAT "raminate-top-session"
#define SESSION_VERSION 1

/* Names of what is answered for panes other than the map */
#define SESSION_USE "working-set"
#define SESSION_MOVES "moves"

/* A bucket of a map: heat, hottest, slow tier, and part in fast memory */
#define SESSION_BUCKET_BYTES 4
#define SESSION_ALL_FAST 255

/* A code of an error that is not one of QmpError */
#define SESSION_OTHER_ERROR (-1)

#endif
