/*
 * RAMinate: what can be set for an engine
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_SETTINGS_H
#define HW_RAMINATE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times are milliseconds.  raminate_setting_list says what each may be. */
typedef struct RaminateSettings {
    uint32_t scan_period;
    uint32_t second_look;       /* after a scan; 0 for none */
    uint32_t swap_period;
    uint32_t life_time;
    uint32_t max_swaps;
    uint32_t reverse_window;
    uint32_t max_cpu;           /* per cent of one processor; 0: no bound */
    uint32_t fault_budget;      /* of the guest, in a second; 0: no bound */
} RaminateSettings;

/* One of them: a property of the container, an option of the simulator */
typedef struct RaminateSetting {
    const char *name;
    const char *help;           /* one line, for people */
    size_t offset;              /* of its uint32_t in RaminateSettings */
    uint32_t min;
    uint32_t max;
    uint32_t initial;           /* unless the user says something else */
} RaminateSetting;

/* All of them, ended by one without a name. */
extern const RaminateSetting raminate_setting_list[];

void raminate_settings_init(RaminateSettings *settings);

/* Returns: the setting of that name, or NULL. */
const RaminateSetting *raminate_setting_find(const char *name);

/* Returns: where @settings keeps it. */
uint32_t *raminate_setting_value(RaminateSettings *settings,
                                 const RaminateSetting *setting);

/* The policy of a container for which none was chosen */
extern const char raminate_default_policy[];

#endif
