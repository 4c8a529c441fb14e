/*
 * RAMinate: the option --version of the tools
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_TOOLS_VERSION_H
#define RAMINATE_TOOLS_VERSION_H

#include <glib.h>

/* Adds --version, which prints the tool's name and version, and exits. */
void version_add_option(GOptionContext *context);

#endif
