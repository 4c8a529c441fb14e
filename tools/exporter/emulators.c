/*
 * RAMinate: which of libvirt's domains run on the wanted QEMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdlib.h>
#include <string.h>

#include "emulators.h"
#include "lib/domain-xml.h"

/* What is known of a run of a domain, which keeps its QEMU */
typedef enum Finding {
    FINDING_NONE,               /* not in the table */
    FINDING_ASKED,              /* libvirt has not answered yet */
    FINDING_OTHER,
    FINDING_WANTED,
} Finding;

struct Emulators {
    gatomicrefcount references;
    char *path;
    GMutex lock;                /* protects what follows */
    GCond answered;
    GHashTable *findings;       /* Finding, by what run_of() returns */
    unsigned asked;             /* of them, not answered */
};

/* A question to libvirt */
typedef struct Question {
    Emulators *emulators;
    virDomainPtr domain;
} Question;

Emulators *emulators_new(const char *path)
{
    Emulators *emulators = g_new0(Emulators, 1);

    g_atomic_ref_count_init(&emulators->references);
    emulators->path = g_strdup(path);
    g_mutex_init(&emulators->lock);
    g_cond_init(&emulators->answered);
    emulators->findings = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                g_free, NULL);
    return emulators;
}

void emulators_unref(Emulators *emulators)
{
    if (g_atomic_ref_count_dec(&emulators->references)) {
        g_hash_table_unref(emulators->findings);
        g_cond_clear(&emulators->answered);
        g_mutex_clear(&emulators->lock);
        g_free(emulators->path);
        g_free(emulators);
    }
}

/* Each start of a domain has an ID of its own. */
static char *run_of(virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    virDomainGetUUIDString(domain, uuid);
    return g_strdup_printf("%s/%u", uuid, virDomainGetID(domain));
}

/* Returns: whether both are one file, or have one name. */
static gboolean is_same_program(const char *path, const char *other)
{
    g_autofree char *real = realpath(path, NULL);
    g_autofree char *other_real = realpath(other, NULL);

    return strcmp(path, other) == 0 ||
           (real && g_strcmp0(real, other_real) == 0);
}

/* Asks libvirt, for as long as that takes. */
static Finding ask(const Emulators *emulators, virDomainPtr domain)
{
    char *xml = virDomainGetXMLDesc(domain, 0);
    g_autofree char *emulator = NULL;

    if (!xml) {
        return FINDING_NONE;
    }
    emulator = domain_emulator(xml, strlen(xml));
    free(xml);
    return emulator && is_same_program(emulator, emulators->path)
           ? FINDING_WANTED : FINDING_OTHER;
}

/* Lock held. */
static void note(Emulators *emulators, const char *run, Finding finding)
{
    if (finding == FINDING_NONE) {
        g_hash_table_remove(emulators->findings, run);
    } else {
        g_hash_table_insert(emulators->findings, g_strdup(run),
                            GUINT_TO_POINTER(finding));
    }
}

static gpointer answer(gpointer opaque)
{
    g_autofree Question *question = opaque;
    Emulators *emulators = question->emulators;
    g_autofree char *run = run_of(question->domain);
    Finding finding = ask(emulators, question->domain);

    g_mutex_lock(&emulators->lock);
    note(emulators, run, finding);
    emulators->asked--;
    g_cond_broadcast(&emulators->answered);
    g_mutex_unlock(&emulators->lock);
    virDomainFree(question->domain);
    emulators_unref(emulators);
    return NULL;
}

/* Lock held. */
static void begin_to_ask(Emulators *emulators, virDomainPtr domain,
                         const char *run)
{
    Question *question = g_new(Question, 1);
    GThread *thread;

    *question = (Question) { .emulators = emulators, .domain = domain };
    virDomainRef(domain);
    g_atomic_ref_count_inc(&emulators->references);
    note(emulators, run, FINDING_ASKED);
    emulators->asked++;
    thread = g_thread_try_new("emulator", answer, question, NULL);
    if (thread) {
        g_thread_unref(thread);
        return;
    }
    note(emulators, run, FINDING_NONE);
    emulators->asked--;
    emulators_unref(emulators);
    virDomainFree(domain);
    g_free(question);
}

static gboolean has_ended(gpointer run, gpointer finding, gpointer running)
{
    return GPOINTER_TO_UINT(finding) != FINDING_ASKED &&
           !g_hash_table_contains(running, run);
}

void emulators_look(Emulators *emulators, virDomainPtr *domains, int nr)
{
    g_autoptr(GHashTable) running = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, NULL);
    gint64 end = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
    gboolean is_late = FALSE;
    int i;

    g_mutex_lock(&emulators->lock);
    for (i = 0; i < nr; i++) {
        char *run = run_of(domains[i]);

        if (!g_hash_table_contains(emulators->findings, run)) {
            begin_to_ask(emulators, domains[i], run);
        }
        g_hash_table_add(running, run);
    }
    while (emulators->asked && !is_late) {
        is_late = !g_cond_wait_until(&emulators->answered, &emulators->lock,
                                     end);
    }
    g_hash_table_foreach_remove(emulators->findings, has_ended, running);
    g_mutex_unlock(&emulators->lock);
}

gboolean emulators_has(Emulators *emulators, virDomainPtr domain)
{
    g_autofree char *run = run_of(domain);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&emulators->lock);

    return GPOINTER_TO_UINT(g_hash_table_lookup(emulators->findings, run)) ==
           FINDING_WANTED;
}
