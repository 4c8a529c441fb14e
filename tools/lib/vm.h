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

/* Returns: a new connection to a VM's QMP server, or -1. */
typedef int VmOpen(const Vm *vm, void *opaque, GError **error);

struct Vm {
    char *path;
    char *name;                 /* QEMU's -name, or that of the socket */
    GPtrArray *containers;      /* ContainerInfo; NULL if never answered */
    JsonNode *raw;              /* the same as QEMU sent it */
    GError *error;              /* why the last refresh failed, or NULL */
    gboolean keeps_raw;         /* whether @raw is wanted */
    char *uuid;                 /* or NULL if it has none */
    pid_t peer;                 /* QEMU's process, or 0 if not known */
    void *opaque;               /* the tool's */

    /* For vm.c */
    VmOpen *open;               /* NULL: it is at @path */
    void *open_opaque;
    GDestroyNotify open_free;
    QmpClient *client;
    unsigned timeout;
    GQueue *requests;           /* VmRequest, not answered yet */
    VmDone *done;               /* NULL if no refresh goes on */
    void *done_opaque;
};

/* @timeout: milliseconds for each answer */
Vm *vm_new(const char *path, unsigned timeout);

/*
 * Lets connections come from @open, and @path be but what the VM is called by.
 * @free: for @opaque, when the VM is freed
 */
void vm_set_open(Vm *vm, VmOpen *open, void *opaque, GDestroyNotify free);

void vm_free(Vm *vm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vm, vm_free)

/*
 * The socket serves one client at a time.  So that others have their turn, a
 * connection lasts for as long as an answer is waited for.
 */

/* Asks for name, UUID and figures. */
void vm_refresh(Vm *vm, VmDone *done, void *opaque);

/* Drops what is not answered yet. */
void vm_disconnect(Vm *vm);

/* As qmp_client_execute() */
void vm_query_map(Vm *vm, const char *container, unsigned buckets,
                  QmpDone *done, void *opaque);
void vm_query_working_set(Vm *vm, const char *container, QmpDone *done,
                          void *opaque);
void vm_query_moves(Vm *vm, const char *container, unsigned max,
                    QmpDone *done, void *opaque);
void vm_query_page(Vm *vm, const char *container, guint64 page,
                   QmpDone *done, void *opaque);
void vm_set(Vm *vm, const char *container, const char *property,
            JsonNode *value, QmpDone *done, void *opaque);

/* Refreshes VMs that are free to; returns when all have answered or failed. */
void vm_refresh_all(GPtrArray *vms);

/* Returns: whether two sockets are those of one VM, as far as is known. */
gboolean vm_is_same(const Vm *vm, const Vm *other);

/* Returns: whether another of @vms is the same VM, and is to stand for it. */
gboolean vm_is_duplicate(const GPtrArray *vms, const Vm *vm);

/* Returns: those of @vms that are no duplicates, which stay the property. */
GPtrArray *vm_distinct(const GPtrArray *vms);

/*
 * Returns: the paths that the patterns stand for, sorted, each once.  What
 * has no wildcard stands for itself.
 */
GPtrArray *vm_find_sockets(char *const *patterns);

#endif
