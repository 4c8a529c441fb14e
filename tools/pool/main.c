/*
 * RAMinate: raminate-pool, who has which part of the pools
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <string.h>

#include "backends/pools.h"
#include "lib/options.h"
#include "lib/text.h"
#include "list.h"

static char *file_option;
static char *id_option;
static char **words;

static const GOptionEntry entries[] = {
    { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file_option,
      "Read the pools from this file (default: $" RAMINATE_POOLS_VARIABLE
      ", or " RAMINATE_POOLS_FILE ")", "FILE" },
    { "id", 'i', 0, G_OPTION_ARG_STRING, &id_option,
      "With args: id of the container (default: dmcon0)", "ID" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, NULL,
      NULL },
    { NULL }
};

static const char summary[] =
    "Commands:\n"
    "  list        Show all ranges and nodes of the pools, and who holds them\n"
    "  args TYPE   Print QEMU's options for a VM of this type";

static gboolean print_args(const RaminatePools *pools, const char *type,
                           const char *id, GError **error)
{
    const RaminateInstance *instance =
        raminate_pools_find_instance(pools, type, error);
    guint64 size = 0;
    unsigned i;

    if (!instance) {
        return FALSE;
    }
    for (i = 0; i < instance->parts->len; i++) {
        size += g_array_index(instance->parts, RaminatePoolPart, i).size;
    }
    printf("-m %" G_GUINT64_FORMAT "k -machine memory-backend=%s -object "
           "memory-backend-container,id=%s,size=%" G_GUINT64_FORMAT "k",
           size / 1024, id, id, size / 1024);
    for (i = 0, size = 0; i < instance->parts->len; i++) {
        const RaminatePoolPart *part = &g_array_index(instance->parts,
                                                  RaminatePoolPart, i);

        printf(" -object memory-backend-%s,id=%s-%s,size=%" G_GUINT64_FORMAT
               "k,offset=%" G_GUINT64_FORMAT "k,pool=%s,parent=%s",
               raminate_pool_has_nodes(part->pool) ? "node" : "devmem", id,
               part->pool->name, part->size / 1024, size / 1024,
               part->pool->name, id);
        size += part->size;
    }
    printf("\n");
    return TRUE;
}

/* The shell and QEMU take an id apart at other characters. */
static const char *container_id(void)
{
    const char *id = id_option ? id_option : "dmcon0";

    if (!g_ascii_isalpha(*id) ||
        strspn(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_") !=
        strlen(id)) {
        options_fail("'%s' is no id; give a letter, then letters, digits, "
                     "'-' and '_'", id);
    }
    return id;
}

int main(int argc, char **argv)
{
    g_autoptr(RaminatePools) pools = NULL;
    g_autoptr(GError) error = NULL;
    unsigned nr_words;
    gboolean is_list, good;

    options_parse(entries, "list | args TYPE", summary, &argc, &argv);
    nr_words = words ? g_strv_length(words) : 0;
    is_list = nr_words == 1 && strcmp(words[0], "list") == 0;
    if (!is_list && !(nr_words == 2 && strcmp(words[0], "args") == 0)) {
        options_fail("give a command, list or args TYPE");
    }
    if (file_option) {
        g_setenv(RAMINATE_POOLS_VARIABLE, file_option, TRUE);
    }
    pools = raminate_pools_load(&error);
    good = pools && (is_list ? list_pools(pools, g_get_charset(NULL))
                             : print_args(pools, words[1], container_id(),
                                          &error));
    if (error) {
        text_complain("raminate-pool", error->message);
    }
    return !good;
}
