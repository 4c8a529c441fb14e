/*
 * RAMinate: the policies that can be replayed, and what can be set for each
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_SIM_POLICIES_H
#define RAMINATE_SIM_POLICIES_H

#include "replay.h"

/* Prints a line for each. */
void policies_print(void);

/* Returns: the names of all, to be freed with g_strfreev(). */
char **policies_names(void);

/*
 * @text: NAME, or NAME:SETTING=N,...
 * @settings: has the defaults; returns them with what @text says
 * Returns: false with @error set if @text can't be understood.
 */
bool policies_parse(const char *text, ReplaySettings *settings,
                    GError **error);

#endif
