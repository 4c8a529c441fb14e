/*
 * RAMinate: raminate-map, pictures of where a guest's pages are and were
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <string.h>

#include "lib/no-memory.h"
#include "lib/options.h"
#include "lib/text.h"
#include "lib/vm.h"
#include "ask.h"
#include "curve.h"
#include "history-picture.h"
#include "paint.h"
#include "picture.h"
#include "watch.h"

/* A time that nobody gives */
#define NOT_GIVEN (-1e300)

static char *container_option;
static char *output_option;
static char *size_option;
static double timeout_option = 10;
static double over_option = NOT_GIVEN;
static gboolean enough_option;
static gboolean hottest_option;
static gboolean recording_option;
static char **sources;

static const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output_option,
      "Write to this file (default: raminate-map.png)", "FILE.png|FILE.svg" },
    { "container", 'c', 0, G_OPTION_ARG_STRING, &container_option,
      "Show this container (default: the VM's first)", "ID" },
    { "size", 's', 0, G_OPTION_ARG_STRING, &size_option,
      "Size of the picture in pixels (default: 1000x700)", "WIDTHxHEIGHT" },
    { "hottest", 0, 0, G_OPTION_ARG_NONE, &hottest_option,
      "Show the heat of the hottest page, not the mean", NULL },
    { "over", 0, 0, G_OPTION_ARG_DOUBLE, &over_option,
      "Draw the heat over so much time, from now on", "SECONDS" },
    { "enough", 0, 0, G_OPTION_ARG_NONE, &enough_option,
      "Draw how much fast memory would be enough", NULL },
    { "recording", 'r', 0, G_OPTION_ARG_NONE, &recording_option,
      "Draw when which part of the memory was written, from a recording",
      NULL },
    { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &timeout_option,
      "Time that the VM has for each answer (default: 10)", "SECONDS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources,
      NULL, NULL },
    { NULL }
};

static const char summary[] =
    "Draws placement and heat of a running guest's RAM, as the VM at a QMP "
    "socket\nsays; with --recording, what QEMU has recorded (record=FILE).";

static const ContainerInfo *find_container(const Vm *vm, GError **error)
{
    unsigned i;

    for (i = 0; i < vm->containers->len; i++) {
        const ContainerInfo *info = g_ptr_array_index(vm->containers, i);

        if (!container_option || strcmp(info->id, container_option) == 0) {
            return info;
        }
    }
    if (container_option) {
        g_set_error(error, INFO_ERROR, 0, "VM '%s' has no container '%s'; "
                    "see raminate-top --once", vm->name, container_option);
    } else {
        g_set_error(error, INFO_ERROR, 0, "VM '%s' has no hybrid memory: no "
                    "memory-backend-container", vm->name);
    }
    return NULL;
}

static void take_size(Picture *picture)
{
    char rest;

    if (size_option &&
        (sscanf(size_option, "%dx%d%c", &picture->width, &picture->height,
                &rest) != 2 ||
         MIN(picture->width, picture->height) < PICTURE_MIN_SIZE ||
         MAX(picture->width, picture->height) > PICTURE_MAX_SIZE)) {
        options_fail("--size must be WIDTHxHEIGHT, each %d to %d, not '%s'",
                     PICTURE_MIN_SIZE, PICTURE_MAX_SIZE, size_option);
    }
}

static gboolean draw(Vm *vm, Picture *picture, const char *path,
                     GError **error)
{
    const ContainerInfo *info = find_container(vm, error);
    g_autofree char *title = NULL;
    g_autoptr(MapInfo) map = NULL;
    g_autofree UseInfo *use = NULL;

    if (!info) {
        return FALSE;
    }
    title = g_strdup_printf("%s/%s", vm->name, info->id);
    picture->title = title;
    if (over_option != NOT_GIVEN) {
        return watch_write(picture, vm, info, over_option, path, error);
    }
    if (enough_option) {
        use = ask_use(vm, info->id, error);
        return use && curve_write(picture, info, use, path, error);
    }
    map = ask_map(vm, info->id, picture_cells(picture), error);
    return map && picture_write(picture, map, info, path, error);
}

static void draw_vm(const char *socket, unsigned timeout, Picture *picture,
                    GError **error)
{
    g_autoptr(GPtrArray) vms =
        g_ptr_array_new_with_free_func((GDestroyNotify)vm_free);
    Vm *vm = vm_new(socket, timeout);

    g_ptr_array_add(vms, vm);
    vm_refresh_all(vms);
    if (vm->error) {
        g_propagate_error(error, g_error_copy(vm->error));
    } else {
        draw(vm, picture, output_option, error);
    }
}

/* Exits with status 2 if options are wrong, or don't go with each other. */
static void check_options(void)
{
    gboolean has_over = over_option != NOT_GIVEN;

    if (!g_str_has_suffix(output_option, ".png") &&
        !g_str_has_suffix(output_option, ".svg")) {
        options_fail("the name of '%s' must end with .png or .svg",
                     output_option);
    }
    if (!sources || g_strv_length(sources) != 1) {
        options_fail("give the path of one QMP socket, or of one recording "
                     "with --recording");
    }
    if (recording_option &&
        (container_option || hottest_option || has_over || enough_option)) {
        options_fail("--container, --hottest, --over and --enough are for "
                     "running guests");
    }
    if (enough_option && (hottest_option || has_over)) {
        options_fail("--enough draws no heat; leave out --hottest and --over");
    }
    if (has_over && !(over_option >= WATCH_MIN_SECONDS &&
                      over_option <= WATCH_MAX_SECONDS)) {
        options_fail("--over must be %d to %g seconds, not %g",
                     WATCH_MIN_SECONDS, WATCH_MAX_SECONDS, over_option);
    }
}

int main(int argc, char **argv)
{
    Picture picture = { .width = 1000, .height = 700 };
    g_autoptr(GError) error = NULL;
    gboolean says_where;
    unsigned timeout;

    no_memory_ends_tool("raminate-map");
    options_parse(entries, "SOCKET | --recording FILE", summary, &argc, &argv);
    timeout = options_milliseconds("--timeout", timeout_option);
    says_where = !output_option;
    if (!output_option) {
        output_option = g_strdup("raminate-map.png");
    }
    check_options();
    take_size(&picture);
    picture.hottest = hottest_option;
    /* Better told now than after all of --over */
    if (paint_can_write(output_option, &error)) {
        if (recording_option) {
            history_picture_write(sources[0], output_option, picture.width,
                                  picture.height, &error);
        } else {
            draw_vm(sources[0], timeout, &picture, &error);
        }
    }
    if (error) {
        text_complain("raminate-map", error->message);
    } else if (says_where) {
        printf("The picture is in %s.\n", output_option);
    }
    g_strfreev(sources);
    g_free(output_option);
    g_free(container_option);
    g_free(size_option);
    return error != NULL;
}
