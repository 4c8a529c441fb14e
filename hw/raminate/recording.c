/*
 * RAMinate: the recording that a placer makes, if the user wants one
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qapi/qapi-events-raminate.h"
#include "hw/raminate/record/recorder.h"
#include "hw/raminate/part.h"
#include "hw/raminate/recording.h"

/* For how long QEMU's main loop waits for a file that takes no data */
#define STALL_MS 100

struct RaminateRecording {
    /* Fixed */
    const RaminateMemory *memory;
    char *path;
    RaminateRecorder *recorder; /* has a lock of its own */

    /* Under the placer's lock */
    bool ended;                 /* before it was told to */
};

/* In the recorder's thread. */
static void ended_cb(const char *reason, void *opaque)
{
    RaminateRecording *recording = opaque;

    qapi_event_send_raminate_record_ended(recording->memory->id,
                                          recording->path, reason);
}

/* Returns: what the samplers tell of which any may take over in time. */
static unsigned kinds_of_samplers(const RaminateMemory *memory)
{
    unsigned kinds = RAMINATE_WRITTEN;  /* as all do */

    for (const RaminatePart *const *list = raminate_samplers; *list; list++) {
        const RaminatePart *part = *list;
        unsigned more;

        if (!raminate_part_suits(part, memory)) {
            continue;
        }
        more = raminate_part_kinds(part, memory) & ~kinds;
        if (more && (!part->probe || part->probe(memory, NULL))) {
            kinds |= more;
        }
    }
    return kinds;
}

/*
 * Returns: where the frames of a tier would begin if it had had as many from
 * the start as it has now.
 */
static uint32_t first_frame(const RaminatePlacement *placement, unsigned tier)
{
    const RaminateFrameRange *ranges =
        raminate_placement_layout(placement)->ranges;
    uint32_t first = 0;

    for (unsigned i = 0; i < raminate_placement_tiers(placement); i++) {
        if (ranges[i].first < ranges[tier].first) {
            first += raminate_placement_tier_pages(placement, i);
        }
    }
    return first;
}

RaminateRecording *raminate_recording_new(const RaminateMemory *memory,
                                          const char *path,
                                          uint32_t scan_period_ms,
                                          Error **errp)
{
    const RaminateLayout *layout =
        raminate_placement_layout(memory->placement);
    g_autoptr(GError) err = NULL;
    RaminateRecording *recording = g_new0(RaminateRecording, 1);
    RaminateRecordHeader header = {
        .page_size = layout->unit,
        .nr_pages = layout->nr_pages,
        .started_us = g_get_real_time(),
        .scan_period_ms = scan_period_ms,
        .kinds = kinds_of_samplers(memory),
        .nr_tiers = layout->nr_tiers,
    };

    for (unsigned i = 0; i < memory->nr_tiers; i++) {
        header.tiers[i].id = memory->tiers[i].id;
        header.tiers[i].rank = memory->tiers[i].rank;
        header.tiers[i].first = first_frame(memory->placement, i);
        header.tiers[i].count =
            raminate_placement_tier_pages(memory->placement, i);
        header.tiers[i].costs = layout->costs[i];
    }
    recording->memory = memory;
    recording->path = g_strdup(path);
    recording->recorder = raminate_recorder_new(path, &header, ended_cb,
                                                recording, &err);
    if (!recording->recorder) {
        error_setg(errp, "%s '%s': %s", memory->type, memory->id,
                   err->message);
        raminate_recording_free(recording);
        return NULL;
    }
    return recording;
}

void raminate_recording_free(RaminateRecording *recording)
{
    if (recording) {
        if (recording->recorder &&
            !raminate_recorder_leave(recording->recorder, STALL_MS)) {
            warn_report("%s '%s': %s takes no data; the "
                        "recording is completed as soon as it does, while "
                        "QEMU is there", recording->memory->type,
                        recording->memory->id,
                        recording->path);
        }
        g_free(recording->path);
        g_free(recording);
    }
}

void raminate_recording_encode(const RaminateMemory *memory,
                               GByteArray *entries,
                               const RaminateRecordEntry *entry)
{
    raminate_record_put_entry(
        entries, raminate_placement_pages(memory->placement), entry);
}

void raminate_recording_add(RaminateRecording *recording, GByteArray *entries)
{
    if (recording && entries && !recording->ended) {
        recording->ended = !raminate_recorder_hand_over(recording->recorder,
                                                        entries);
    }
}

void raminate_recording_end(RaminateRecording *recording, const char *reason)
{
    if (!recording->ended) {
        ended_cb(reason, recording);
    }
}

bool raminate_recording_is_to(const RaminateRecording *recording,
                              const char *path)
{
    struct stat ours, theirs;

    return stat(recording->path, &ours) == 0 && stat(path, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

const char *raminate_recording_path(const RaminateRecording *recording)
{
    return recording->ended ? NULL : recording->path;
}
