/*
 * RAMinate: the mover that leaves it to KVM
 *
 * The KVM extension exchanges contents and page table entries while the VM
 * runs on; whoever touches a page in the middle of its exchange waits for the
 * end of it.  Host mappings stay as they are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/kvm.h"
#include "hw/raminate/mover/mover.h"
#include "kvm/raminate.h"

static RaminateMover *kvm_open(RaminateMemory *memory, Error **errp)
{
    RaminateMover *mover;

    if (!raminate_kvm_claim(memory, errp)) {
        return NULL;
    }
    mover = g_new0(RaminateMover, 1);
    mover->ops = &raminate_mover_kvm;
    mover->memory = memory;
    return mover;
}

/* The claim stays: pages keep the frames that they have. */
static void kvm_close(RaminateMover *mover)
{
    g_free(mover);
}

static bool kvm_begin(RaminateMover *mover, Error **errp)
{
    return true;
}

static uint64_t kvm_end(RaminateMover *mover)
{
    return 0;
}

/* After a signal: the pairs from @done on are left. */
static void resume_swap(void *arg)
{
    struct kvm_raminate_swap *swap = arg;

    swap->pairs += swap->done * sizeof(struct kvm_raminate_pair);
    swap->nr_pairs -= swap->done;
}

/* What an errno of KVM_RAMINATE_SWAP means; NULL if it's for good. */
static const char *refusal(int err, uint32_t reason)
{
    switch (err) {
    case EBUSY:
        return raminate_kvm_reason(reason);
    case ENOMEM:
        return "the host has no memory for the kernel's bookkeeping";
    default:
        return NULL;
    }
}

/* Which pages have failed, as RAMINATE_MOVE_BAD_*.  Old modules don't say. */
static unsigned bad_pages(const struct kvm_raminate_pair *pair)
{
    if (pair->result != -EHWPOISON) {
        return 0;
    }
    switch (pair->failed) {
    case KVM_RAMINATE_SWAP_FAILED_A:
        return RAMINATE_MOVE_BAD_PAGE;
    case KVM_RAMINATE_SWAP_FAILED_B:
        return RAMINATE_MOVE_BAD_WITH;
    default:
        return RAMINATE_MOVE_BAD_PAGE | RAMINATE_MOVE_BAD_WITH;
    }
}

static RaminateExchangeResult kvm_exchange(RaminateMover *mover,
                                           RaminateMove *moves, size_t nr,
                                           int64_t deadline, Error **errp)
{
    RaminateMemory *memory = mover->memory;
    g_autofree struct kvm_raminate_pair *pairs =
        g_new0(struct kvm_raminate_pair, nr);
    struct kvm_raminate_swap swap = {
        .flags = KVM_RAMINATE_SWAP_HVA | KVM_RAMINATE_SWAP_REASON,
        .nr_pairs = nr,
        .pairs = (uintptr_t)pairs,
    };
    const char *why;
    int ret;

    for (size_t i = 0; i < nr; i++) {
        pairs[i].a = (uintptr_t)raminate_memory_page(memory, moves[i].page);
        pairs[i].b = (uintptr_t)raminate_memory_page(memory, moves[i].with);
        pairs[i].result = KVM_RAMINATE_SWAP_PENDING;
    }
    ret = raminate_kvm_call(KVM_RAMINATE_SWAP, &swap, resume_swap);

    for (size_t i = 0; i < nr; i++) {
        if (pairs[i].result == 0) {
            moves[i].status = RAMINATE_MOVE_DONE;
            raminate_memory_exchanged(memory, moves[i].page, moves[i].with);
        } else if (pairs[i].result < 0) {
            moves[i].status = RAMINATE_MOVE_FAILED;
            moves[i].error = -pairs[i].result;
            moves[i].bad = bad_pages(&pairs[i]);
        }
    }
    if (ret == 0) {
        return RAMINATE_EXCHANGE_OK;
    }
    why = refusal(-ret, swap.reason);
    if (why) {
        error_setg(errp, "memory-backend-container '%s': pages can't be "
                   "exchanged: %s", memory->id, why);
        return RAMINATE_EXCHANGE_REFUSED;
    }
    error_setg_errno(errp, -ret, "KVM can't exchange pages of '%s'",
                     memory->id);
    return RAMINATE_EXCHANGE_BROKEN;
}

static uint32_t kvm_mappings(const RaminateMover *mover, uint32_t *limit)
{
    *limit = 0;
    return mover->memory->nr_tiers;
}

const RaminateMoverOps raminate_mover_kvm = {
    .part = {
        .type = RAMINATE_MOVER_TYPE_KVM,
        .backings = RAMINATE_OF_RANGES,
        .probe = raminate_kvm_attach,
    },
    .open = kvm_open,
    .close = kvm_close,
    .begin = kvm_begin,
    .exchange = kvm_exchange,
    .end = kvm_end,
    .mappings = kvm_mappings,
};
