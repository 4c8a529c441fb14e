/*
 * RAMinate: what a VM says over its QMP socket
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_VM_H
#define RAMINATE_VM_H

#include "info.h"
#include "qmp.h"

/* Where tools look for sockets if they are given none. */
#define VM_DEFAULT_PATTERN "/run/raminate/*.sock"

typedef struct Vm Vm;

/* @error: NULL if it worked */
typedef void VmDone(Vm *vm, const GError *error, void *opaque);

struct Vm {
    char *path;
    char *name;                 /* QEMU's -name, or that of the socket */
    GPtrArray *containers;      /* ContainerInfo; NULL if never answered */
    JsonNode *raw;              /* the same as QEMU sent it */
    GError *error;              /* why the last refresh failed, or NULL */
    gboolean keeps_raw;         /* whether @raw is wanted */
    void *opaque;               /* the tool's */

    /* For vm.c */
    QmpClient *client;
    unsigned timeout;
    gboolean is_named;
    VmDone *done;               /* NULL if no refresh goes on */
    void *done_opaque;
};

/* @timeout: milliseconds for each answer */
Vm *vm_new(const char *path, unsigned timeout);
void vm_free(Vm *vm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vm, vm_free)

/* Connects if need be, then asks for name and figures. */
void vm_refresh(Vm *vm, VmDone *done, void *opaque);

/* Drops the connection; the next refresh makes a new one. */
void vm_disconnect(Vm *vm);

/* As qmp_client_execute(), over the connection of the last refresh. */
void vm_query_map(Vm *vm, const char *container, unsigned buckets,
                  QmpDone *done, void *opaque);
void vm_set(Vm *vm, const char *container, const char *property,
            JsonNode *value, QmpDone *done, void *opaque);

/* Refreshes VMs that are free to; returns when all have answered or failed. */
void vm_refresh_all(GPtrArray *vms);

/*
 * Returns: the paths that the patterns stand for, sorted, each once.  What
 * has no wildcard stands for itself.
 */
GPtrArray *vm_find_sockets(char *const *patterns);

#endif
