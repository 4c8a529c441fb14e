/*
 * RAMinate: the name of a device that stands in the way
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_DEVICE_NAME_H
#define HW_RAMINATE_DEVICE_NAME_H

#include "net/net.h"
#include "qom/object.h"

/*
 * Returns: " 'ID'" of the device, or of that which it is a part of; its type if
 * the user gave it no id.  To be freed.
 */
char *raminate_device_name(Object *device);

/*
 * @types: what names of types may begin with; NULL is behind the last
 * @netdev: a kind of network backend that counts as well
 * Returns: the name of one that there is, "" if none is found.  To be freed.
 */
char *raminate_find_device(const char *const *types, NetClientDriver netdev);

#endif
