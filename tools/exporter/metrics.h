/*
 * RAMinate: figures of VMs in the text format of Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_METRICS_H
#define RAMINATE_METRICS_H

#include "lib/vm.h"

/*
 * @vms: Vm, refreshed
 * @seconds: that the refresh took
 * @left_out: sockets beyond those in @vms
 */
char *metrics_format(const GPtrArray *vms, double seconds, unsigned left_out);

#endif
