/*
 * RAMinate: figures of VMs in the text format of Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_METRICS_H
#define RAMINATE_METRICS_H

#include "lib/vm.h"

/*
 * @vms: Vm, refreshed, each once
 * @seconds: that the refresh took
 * @sockets: all that were found
 * @left_out: those of them that were not asked
 */
char *metrics_format(const GPtrArray *vms, double seconds, unsigned sockets,
                     unsigned left_out);

#endif
