/*
 * RAMinate: what all objects have in common whose memory is placed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_PLACING_H
#define RAMINATE_PLACING_H

#include "qom/object.h"
#include "hw/raminate/placer.h"

#define TYPE_RAMINATE_PLACING "raminate-placing"
typedef struct RaminatePlacingClass RaminatePlacingClass;
DECLARE_CLASS_CHECKERS(RaminatePlacingClass, RAMINATE_PLACING,
                       TYPE_RAMINATE_PLACING)

/* Under the big lock, as all of this is */
typedef struct RaminatePlacing {
    RaminatePlacerSettings settings;
    char *record;               /* file, or NULL for none */
    RaminatePlacer *placer;     /* NULL until the memory is there */
    RaminateMemory *memory;     /* the placer's */
} RaminatePlacing;

struct RaminatePlacingClass {
    InterfaceClass parent;

    /* Returns: the object's part of that name. */
    RaminatePlacing *(*placing)(Object *obj);

    /*
     * Has the size of the tier @rank, the fastest being 0, and its claim on a
     * pool if there is one, be of @size bytes.
     * Returns: false with @errp set if the pool's node hasn't so much left;
     * never if it becomes less.
     */
    bool (*resize_claim)(Object *obj, unsigned rank, uint64_t size,
                         Error **errp);
};

/* Returns: false with @errp set if a number is not what it may be. */
bool raminate_placing_check(Object *obj, Error **errp);

/*
 * Brings the placer to life, and has it record if that is wanted.
 * @memory: see raminate_placer_new()
 * Returns: false with @errp set if it can't be; then there is none.
 */
bool raminate_placing_start(Object *obj, RaminateMemory *memory, Error **errp);

void raminate_placing_init(RaminatePlacing *placing);

/* For what is on the command line: warns if the guest hasn't the memory. */
void raminate_placing_warn_unused(const RaminatePlacing *placing);

/* Ends the placer, if there is one. */
void raminate_placing_stop(RaminatePlacing *placing);

/* Frees what @placing points to, without a placer. */
void raminate_placing_destroy(RaminatePlacing *placing);

/* Adds the properties to the class of a type that has the interface. */
void raminate_placing_add_properties(ObjectClass *oc);

#endif
