/*
 * RAMinate: what a container has answered for a pane of raminate-top
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answers.h"

void answers_clear(Answers *answers)
{
    g_clear_pointer(&answers->map, map_info_free);
    g_clear_pointer(&answers->use, g_free);
    g_clear_pointer(&answers->moves, g_ptr_array_unref);
}

gboolean answers_take(Answers *answers, Pane pane, JsonNode *result,
                      GError **error)
{
    switch (pane) {
    case PANE_USE:
        g_free(answers->use);
        answers->use = use_info_parse(result, error);
        return answers->use != NULL;
    case PANE_MOVES:
        g_clear_pointer(&answers->moves, g_ptr_array_unref);
        answers->moves = moves_info_parse(result, error);
        return answers->moves != NULL;
    default:
        g_clear_pointer(&answers->map, map_info_free);
        answers->map = map_info_parse(result, error);
        return answers->map != NULL;
    }
}
