/*
 * RAMinate: figures of VMs in the text format of Prometheus
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_METRICS_H
#define RAMINATE_METRICS_H

#include "lib/vm.h"

/* What the exporter says of itself */
typedef struct MetricsOwn {
    double seconds;             /* that it took to ask all VMs */
    unsigned sockets;           /* all VMs' that were found, domains too */
    unsigned left_out;          /* those of them that were not asked */
    const char *libvirt;        /* its URI, or NULL if it is not asked */
    gboolean libvirt_answers;
} MetricsOwn;

/* @vms: Vm, refreshed, each once */
char *metrics_format(const GPtrArray *vms, const MetricsOwn *own);

#endif
