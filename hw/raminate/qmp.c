/*
 * RAMinate: QMP commands
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-raminate.h"
#include "hw/raminate/placer.h"

static void append_info(RaminatePlacer *placer, void *opaque)
{
    RaminateInfoList ***tail = opaque;

    QAPI_LIST_APPEND(*tail, raminate_placer_info(placer));
}

RaminateInfoList *qmp_query_raminate(const char *id, Error **errp)
{
    RaminateInfoList *list = NULL;
    RaminateInfoList **tail = &list;

    if (id) {
        RaminatePlacer *placer = raminate_placer_find(id, errp);

        if (placer) {
            append_info(placer, &tail);
        }
    } else {
        raminate_placer_foreach(append_info, &tail);
    }
    return list;
}

bool raminate_placer_check_page(const RaminatePlacer *placer, uint64_t page,
                                Error **errp)
{
    uint32_t nr_pages = raminate_placer_pages(placer);

    if (page >= nr_pages) {
        error_setg(errp, "%s '%s': page %" PRIu64
                   " is out of range; its pages are 0 to %" PRIu32,
                   raminate_placer_type(placer), raminate_placer_id(placer),
                   page, nr_pages - 1);
        return false;
    }
    return true;
}

RaminatePage *qmp_query_raminate_page(const char *id, uint64_t page,
                                      Error **errp)
{
    RaminatePlacer *placer = raminate_placer_find(id, errp);

    if (!placer || !raminate_placer_check_page(placer, page, errp)) {
        return NULL;
    }
    return raminate_placer_page(placer, page);
}
