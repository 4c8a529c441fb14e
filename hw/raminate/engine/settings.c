/*
 * RAMinate: what can be set for an engine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "hw/raminate/engine/settings.h"

#define HOUR_MS (60 * 60 * 1000)

const char raminate_default_policy[] = "payback";

const RaminateSetting raminate_setting_list[] = {
    { "scan-period", "Time from scan to scan in milliseconds",
      offsetof(RaminateSettings, scan_period), 1, HOUR_MS, 1000 },
    { "second-look",
      "Time from a scan to a second look in milliseconds, 0 for none",
      offsetof(RaminateSettings, second_look), 0, HOUR_MS, 20 },
    { "swap-period", "Time from batch to batch of exchanges in milliseconds",
      offsetof(RaminateSettings, swap_period), 1, HOUR_MS, 2000 },
    { "life-time", "Time in milliseconds for which a write keeps a page hot",
      offsetof(RaminateSettings, life_time), 1, HOUR_MS, 5000 },
    { "max-swaps", "Most pairs of pages exchanged in one batch",
      offsetof(RaminateSettings, max_swaps), 1, 1 << 20, 1000 },
    { "reverse-window",
      "Time in milliseconds within which a page that moves back counts as "
      "reversed",
      offsetof(RaminateSettings, reverse_window), 1, 24 * HOUR_MS, 60000 },
    { "max-cpu",
      "Most processor time that the placer takes, in per cent of one "
      "processor, 0 for no bound",
      offsetof(RaminateSettings, max_cpu), 0, 100, 10 },
    { "fault-budget",
      "Most faults a second that the guest takes because its pages are "
      "watched (samplers pagemap, pagemap-rwp), 0 for no bound",
      offsetof(RaminateSettings, fault_budget), 0, 1000000000, 5000 },
    { NULL, NULL, 0, 0, 0, 0 },
};

void raminate_settings_init(RaminateSettings *settings)
{
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        *raminate_setting_value(settings, s) = s->initial;
    }
}

const RaminateSetting *raminate_setting_find(const char *name)
{
    for (const RaminateSetting *s = raminate_setting_list; s->name; s++) {
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

uint32_t *raminate_setting_value(RaminateSettings *settings,
                                 const RaminateSetting *setting)
{
    return (uint32_t *)((char *)settings + setting->offset);
}
