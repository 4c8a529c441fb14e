/*
 * RAMinate: the policies that can be replayed, and what can be set for each
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <string.h>

#include "../lib/table.h"
#include "../lib/text.h"
#include "policies.h"

/* Column in which it begins what a policy is, in the list of all */
#define SUMMARY_AT 28

/* Policies of the simulator alone */
static const struct {
    const char *name;
    OracleKind kind;
    const char *summary;
} oracles[] = {
    { "oracle", ORACLE_OF_LINES,
      "knows how often each page is going to be written until the next "
      "batch; only for comparison" },
    { "oracle-scans", ORACLE_OF_PAGES,
      "knows which pages scans are going to find written until the next "
      "batch; only for comparison" },
};

/* What it is goes on below itself where the terminal ends. */
static void print_policy(const char *name, size_t bytes_per_page,
                         const char *summary)
{
    unsigned room = MAX(table_room(), SUMMARY_AT + 10) - SUMMARY_AT;
    gsize length = text_line(summary, room);

    printf("%-12s %2zu bytes/page  %.*s\n", name, bytes_per_page, (int)length,
           summary);
    for (summary += length; *summary; summary += length) {
        summary += *summary == ' ';
        length = text_line(summary, room);
        printf("%*s%.*s\n", SUMMARY_AT, "", (int)length, summary);
    }
}

void policies_print(void)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();

    for (unsigned i = 0; list[i]; i++) {
        print_policy(list[i]->name, list[i]->bytes_per_page, list[i]->summary);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(oracles); i++) {
        print_policy(oracles[i].name, ORACLE_BYTES_PER_PAGE,
                     oracles[i].summary);
    }
}

char **policies_names(void)
{
    const RaminatePolicyOps *const *list = raminate_policy_list();
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (unsigned i = 0; list[i]; i++) {
        g_strv_builder_add(names, list[i]->name);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(oracles); i++) {
        g_strv_builder_add(names, oracles[i].name);
    }
    return g_strv_builder_end(names);
}

/* What an oracle has besides */
static const RaminateSetting foresight = {
    .name = "foresight", .min = 1, .max = 1 << 20,
};

/*
 * Returns: the setting, or NULL if there is no such setting.
 * @value: where it is kept
 */
static const RaminateSetting *find_setting(ReplaySettings *settings,
                                           const char *name, uint32_t **value)
{
    static const char *const known[] = {
        "swap-period", "life-time", "max-swaps", NULL
    };
    const RaminateSetting *setting;

    if (g_strv_contains(known, name)) {
        setting = raminate_setting_find(name);
        *value = raminate_setting_value(&settings->engine, setting);
        return setting;
    }
    if (g_str_equal(name, foresight.name) && settings->oracle) {
        *value = &settings->foresight_ms;
        return &foresight;
    }
    return NULL;
}

static bool parse_setting(const char *policy, const char *text,
                          ReplaySettings *settings, GError **error)
{
    size_t length = strcspn(text, "=");
    g_autofree char *name = g_strndup(text, length);
    uint32_t *value = NULL;
    const RaminateSetting *setting = find_setting(settings, name, &value);
    guint64 number;

    if (!setting || !text[length]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--policy %s: '%s' is not swap-period=N, life-time=N%s or "
                    "max-swaps=N", policy, text,
                    settings->oracle ? ", foresight=N" : "");
        return false;
    }
    if (!g_ascii_string_to_unsigned(text + length + 1, 10, setting->min,
                                    setting->max, &number, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--policy %s: %s must be %u to %u, not '%s'", policy, name,
                    setting->min, setting->max, text + length + 1);
        return false;
    }
    *value = number;
    return true;
}

static bool find_policy(const char *name, ReplaySettings *settings)
{
    settings->policy = raminate_policy_find(name);
    for (unsigned i = 0; i < G_N_ELEMENTS(oracles); i++) {
        if (g_str_equal(name, oracles[i].name)) {
            settings->policy = &raminate_policy_null;
            settings->oracle = oracles[i].kind;
        }
    }
    return settings->policy;
}

bool policies_parse(const char *text, ReplaySettings *settings,
                    GError **error)
{
    size_t length = strcspn(text, ":");
    g_autofree char *name = g_strndup(text, length);

    if (!find_policy(name, settings)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is no policy '%s'; --list shows those there are",
                    name);
        return false;
    }
    if (text[length]) {
        g_auto(GStrv) words = g_strsplit(text + length + 1, ",", -1);

        /* To GLib, nothing has no parts. */
        if (!words[0]) {
            return parse_setting(text, "", settings, error);
        }
        for (unsigned i = 0; words[i]; i++) {
            if (!parse_setting(text, words[i], settings, error)) {
                return false;
            }
        }
    }
    return true;
}
