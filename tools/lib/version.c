/*
 * RAMinate: the option --version of the tools
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>

#include "hw/raminate/version.h"
#include "version.h"

static gboolean G_GNUC_NORETURN print_version(const char *option,
                                              const char *value, void *data,
                                              GError **error)
{
    (void)option;
    (void)value;
    (void)data;
    (void)error;
    printf("%s (RAMinate) %s\n", g_get_prgname(), raminate_version);
    exit(EXIT_SUCCESS);
}

void version_add_option(GOptionContext *context)
{
    static const GOptionEntry entries[] = {
        { "version", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
          print_version, "Print the version", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    g_option_context_add_main_entries(context, entries, NULL);
}
