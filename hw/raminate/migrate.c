/*
 * RAMinate: the section of a migration stream in which heat goes along
 *
 * One section is for all containers.  It is sent at the beginning, when
 * the guest still runs: the placers hold during a migration, so nothing in it
 * changes, and it costs no downtime.  Every QEMU that has containers knows it,
 * also a VM that has none, and what is for nobody is left out there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/id.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/raminate/engine/handover.h"
#include "hw/raminate/placer.h"
#include "migration/qemu-file-types.h"
#include "migration/vmstate.h"

/* An id's length is in a byte; 0 ends the list. */
#define MAX_ID UINT8_MAX

/* Going */

static void append_be32(GByteArray *bytes, uint32_t value)
{
    value = cpu_to_be32(value);
    g_byte_array_append(bytes, (const uint8_t *)&value, sizeof(value));
}

static void append_container(RaminatePlacer *placer, void *opaque)
{
    GByteArray *bytes = opaque;
    const char *id = raminate_placer_id(placer);
    uint8_t length = MIN(strlen(id), MAX_ID);
    g_autofree uint8_t *data = NULL;
    size_t size;

    if (length != strlen(id)) {
        return;
    }
    data = raminate_placer_hand_over(placer, &size);
    if (data) {
        g_byte_array_append(bytes, &length, 1);
        g_byte_array_append(bytes, (const uint8_t *)id, length);
        append_be32(bytes, raminate_placer_pages(placer));
        append_be32(bytes, size);
        g_byte_array_append(bytes, data, size);
    }
}

/*
 * Whoever is to take it may take long.  A migration's thread has the big lock
 * at this time, and gives it back meanwhile, as that of RAM does in its own
 * setup.  The main thread, which saves a snapshot, needs it for its file.
 */
static int put_containers(QEMUFile *f, void *pv, size_t size,
                          const VMStateField *field, JSONWriter *vmdesc)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    bool unlocks = qemu_get_thread_id() != getpid();
    const uint8_t end = 0;

    raminate_placer_foreach(append_container, bytes);
    g_byte_array_append(bytes, &end, 1);
    if (unlocks) {
        bql_unlock();
    }
    qemu_put_buffer(f, bytes->data, bytes->len);
    if (unlocks) {
        bql_lock();
    }
    return 0;
}

static void look_for_heat(RaminatePlacer *placer, void *opaque)
{
    *(bool *)opaque |= raminate_placer_hands_over(placer);
}

static bool is_needed(void *opaque)
{
    bool needed = false;

    raminate_placer_foreach(look_for_heat, &needed);
    return needed;
}

/* Coming: all that is in it may be anything. */

static int complain(const char *id, const char *what)
{
    error_report("migration: the heat of memory-backend-container '%s' can't "
                 "be used: %s; the data is damaged, or not from QEMU: migrate "
                 "again, or with migrate-heat=off at the source", id, what);
    return -EINVAL;
}

/* Returns: 0, or -errno after a message. */
static int get_data(QEMUFile *f, const char *id)
{
    uint32_t nr_pages = qemu_get_be32(f);
    uint32_t size = qemu_get_be32(f);
    RaminatePlacer *placer;
    g_autofree uint8_t *data = NULL;
    const char *wrong;

    if (size > RAMINATE_HANDOVER_MAX) {
        return complain(id, "it is larger than 16 MiB");
    }
    data = g_malloc(size);
    if (qemu_get_buffer(f, data, size) != size) {
        return complain(id, "it ends too early");
    }
    wrong = raminate_handover_check(data, size, nr_pages);
    if (wrong) {
        return complain(id, wrong);
    }
    /*
     * Only now: while data is waited for, containers can go.  Another size is
     * refused with the RAM itself.
     */
    placer = raminate_placer_find(id, NULL);
    if (placer && raminate_placer_pages(placer) == nr_pages) {
        raminate_placer_take_over(placer, g_steal_pointer(&data), size);
    }
    return 0;
}

static int get_containers(QEMUFile *f, void *pv, size_t size,
                          const VMStateField *field)
{
    int length;

    while ((length = qemu_get_byte(f))) {
        char id[MAX_ID + 1] = "";
        int ret;

        if (qemu_get_buffer(f, (uint8_t *)id, length) != length ||
            strlen(id) != length || !id_wellformed(id)) {
            return complain("?", "there is no id");
        }
        ret = get_data(f, id);
        if (ret) {
            return ret;
        }
    }
    return 0;
}

static const VMStateInfo containers_info = {
    .name = "raminate containers",
    .get = get_containers,
    .put = put_containers,
};

static const VMStateDescription vmstate = {
    .name = "raminate-heat",
    .version_id = 1,
    .minimum_version_id = 1,
    .early_setup = true,
    .needed = is_needed,
    .fields = (const VMStateField[]) {
        {
            .name = "containers",
            .info = &containers_info,
            .flags = VMS_SINGLE,
        },
        VMSTATE_END_OF_LIST()
    }
};

static void register_section(void)
{
    vmstate_register(NULL, 0, &vmstate, NULL);
}

migration_init(register_section)
