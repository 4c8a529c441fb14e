/*
 * RAMinate: raminate-pool, who has which part of the pools
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "lib/options.h"
#include "lib/text.h"
#include "list.h"

/* More than a domain has; it may come from a pipe. */
#define MAX_XML (16 * 1024 * 1024)

static char *file_option;
static char *id_option;
static char *emulator_option;
static gboolean resize_option;
static gboolean back_option;
static char **words;

static const GOptionEntry entries[] = {
    { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file_option,
      "Read the pools from this file (default: $" RAMINATE_POOLS_VARIABLE
      ", or " RAMINATE_POOLS_FILE ")", "FILE" },
    { "id", 'i', 0, G_OPTION_ARG_STRING, &id_option,
      "With args and xml: id of the container (default: dmcon0)", "ID" },
    { "resize", 0, 0, G_OPTION_ARG_NONE, &resize_option,
      "With xml: give the domain as much memory as the type has", NULL },
    { "emulator", 0, 0, G_OPTION_ARG_FILENAME, &emulator_option,
      "With xml: the QEMU that the domain runs on (default: " RAMINATE_EMULATOR
      "; with --back, the one it has)", "PATH" },
    { "back", 0, 0, G_OPTION_ARG_NONE, &back_option,
      "With xml, in place of TYPE: back to ordinary memory", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, NULL,
      NULL },
    { NULL }
};

static const char summary[] =
    "Commands:\n"
    "  list        Show all ranges and nodes of the pools, and who holds them\n"
    "  args TYPE   Print QEMU's options for a VM of this type\n"
    "  xml TYPE    Read the XML of a libvirt domain, and print it with hybrid\n"
    "              memory of this type";

static gboolean print_args(const RaminateInstance *instance, const char *id)
{
    g_autoptr(GPtrArray) args = args_words(instance, id);
    unsigned i;

    printf("-m %" G_GUINT64_FORMAT "k", args_size(instance) / 1024);
    for (i = 0; i < args->len; i++) {
        printf(" %s", (char *)g_ptr_array_index(args, i));
    }
    printf("\n");
    return TRUE;
}

static GString *read_input(GError **error)
{
    GString *text = g_string_new(NULL);
    char buffer[65536];
    size_t size;

    while (text->len <= MAX_XML &&
           (size = fread(buffer, 1, sizeof(buffer), stdin)) > 0) {
        g_string_append_len(text, buffer, size);
    }
    if (ferror(stdin) || text->len > MAX_XML) {
        g_set_error(error, DOMAIN_ERROR, 0, "can't read the domain: %s",
                    ferror(stdin) ? "there is no input" : "it is too long");
        g_string_free(text, TRUE);
        return NULL;
    }
    return text;
}

static gboolean print_xml(const DomainOptions *options, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    GString *text = read_input(error);
    g_autofree char *xml = NULL;
    unsigned i;

    if (!text) {
        return FALSE;
    }
    xml = domain_change(text->str, text->len, options, warnings, error);
    g_string_free(text, TRUE);
    for (i = 0; i < warnings->len; i++) {
        text_complain("raminate-pool", g_ptr_array_index(warnings, i));
    }
    if (xml) {
        fputs(xml, stdout);
    }
    return xml != NULL;
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

/* Returns: the command; exits if it is not as it must be. */
static const char *check_command(void)
{
    unsigned nr = words ? g_strv_length(words) : 0;
    const char *command = nr ? words[0] : "";
    gboolean is_xml = strcmp(command, "xml") == 0;

    if (!(nr == 1 && strcmp(command, "list") == 0) &&
        !(nr == 2 && strcmp(command, "args") == 0) &&
        !(is_xml && nr == (back_option ? 1 : 2))) {
        options_fail("give a command, list, args TYPE, xml TYPE or xml "
                     "--back");
    }
    if (!is_xml && (resize_option || back_option || emulator_option)) {
        options_fail("--resize, --emulator and --back are for xml");
    }
    if (resize_option && back_option) {
        options_fail("--back leaves the size as it is; leave out --resize");
    }
    return command;
}

static gboolean run(const char *command, GError **error)
{
    DomainOptions options = {
        .id = container_id(),
        .emulator = emulator_option,
        .resize = resize_option,
    };
    g_autoptr(RaminatePools) pools = NULL;

    if (back_option) {
        return print_xml(&options, error);
    }
    pools = raminate_pools_load(error);
    if (!pools) {
        return FALSE;
    }
    if (strcmp(command, "list") == 0) {
        return list_pools(pools, g_get_charset(NULL));
    }
    options.instance = raminate_pools_find_instance(pools, words[1], error);
    if (!options.instance) {
        return FALSE;
    }
    if (strcmp(command, "args") == 0) {
        return print_args(options.instance, options.id);
    }
    if (!options.emulator) {
        options.emulator = RAMINATE_EMULATOR;
    }
    return print_xml(&options, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    const char *command;
    gboolean good;

    options_parse(entries, "list | args TYPE | xml TYPE | xml --back", summary,
                  &argc, &argv);
    command = check_command();
    if (file_option) {
        g_setenv(RAMINATE_POOLS_VARIABLE, file_option, TRUE);
    }
    good = run(command, &error);
    if (error) {
        text_complain("raminate-pool", error->message);
    }
    return !good;
}
