/*
 * RAMinate: each call of KVM's extension fails, in each way that is known
 *
 * The test stands in for KVM.  Whatever fails, in its midst or at once: what
 * was done is known, the caller is told of the rest, and the next call works.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/main-loop.h"
#include "hw/raminate/kvm.h"
#include "hw/raminate/mover/mover.h"
#include "hw/raminate/sampler/sampler.h"
#include "kvm/raminate.h"
#include "system/kvm.h"

#define NR_PAGES 1000           /* the last word of their bits is not full */
#define NR_TIERS 2
#define MEMORY_START 0x10000000 /* where nobody looks */
#define PART 128                /* pages of a scan that fails in its midst */
#define NR_PAIRS 5

static const int errors[] = { EFAULT, EINTR, EBUSY, ENOMEM };

/* KVM */

static struct {
    unsigned long fails;        /* which call */
    int error;
    unsigned let;               /* so many are made before the first fails */
    unsigned nr;                /* so many fail */

    unsigned calls;             /* of that kind */
    unsigned attached, claimed;         /* ranges */
    bool written[NR_PAGES], accessed[NR_PAGES];
    uint32_t frame[NR_PAGES];
} host;

KVMState *kvm_state;

int kvm_vm_check_extension(KVMState *s, unsigned int extension)
{
    g_assert_cmpuint(extension, ==, KVM_CAP_RAMINATE_2);
    return KVM_RAMINATE_WRITTEN | KVM_RAMINATE_ACCESSED;
}

static uint32_t page_at(uint64_t address)
{
    uint64_t page = (address - MEMORY_START) / RAMINATE_PAGE_SIZE;

    g_assert_cmpuint(page, <, NR_PAGES);
    return page;
}

/* Returns: the bits of a region's pages, which are clear afterwards. */
static uint64_t take_bits(bool *pages, uint32_t first, uint32_t nr)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; i < MIN(nr, 64); i++) {
        bits |= (uint64_t)pages[first + i] << i;
        pages[first + i] = false;
    }
    return cpu_to_le64(bits);
}

/* What could not be handed over is kept. */
static void find(struct kvm_raminate_find *find, bool fails)
{
    struct kvm_raminate_region *regions = (void *)(uintptr_t)find->regions;
    uint32_t start = page_at(find->start);

    g_assert_cmpuint(start + find->nr_pages, <=, NR_PAGES);
    find->done = fails ? (host.error == EFAULT ? 0 : PART) : find->nr_pages;
    find->nr_regions = 0;
    for (uint32_t page = 0; page < find->done; page += 64) {
        uint32_t of = page % KVM_RAMINATE_REGION_PAGES;
        struct kvm_raminate_region *region;

        if (of == 0) {
            g_assert_cmpuint(find->nr_regions, <, find->max_regions);
            regions[find->nr_regions++] =
                (struct kvm_raminate_region) { .first = page };
        }
        region = &regions[find->nr_regions - 1];
        region->written[of / 64] = take_bits(host.written, start + page,
                                             find->done - page);
        if (find->kinds & KVM_RAMINATE_ACCESSED) {
            region->accessed[of / 64] = take_bits(host.accessed, start + page,
                                                  find->done - page);
        }
    }
}

static void swap(struct kvm_raminate_swap *swap, bool fails)
{
    struct kvm_raminate_pair *pairs = (void *)(uintptr_t)swap->pairs;

    swap->done = fails ? MIN(1, swap->nr_pairs) : swap->nr_pairs;
    for (uint32_t i = 0; i < swap->done; i++) {
        uint32_t *a = &host.frame[page_at(pairs[i].a)];
        uint32_t *b = &host.frame[page_at(pairs[i].b)];
        uint32_t frame = *a;

        g_assert_cmpint(pairs[i].result, ==, KVM_RAMINATE_SWAP_PENDING);
        *a = *b;
        *b = frame;
        pairs[i].result = 0;
    }
}

int kvm_vm_ioctl(KVMState *s, unsigned long type, ...)
{
    bool fails = false;
    va_list list;
    void *arg;

    va_start(list, type);
    arg = va_arg(list, void *);
    va_end(list);
    if (type == host.fails) {
        fails = host.calls >= host.let && host.calls < host.let + host.nr;
        host.calls++;
    }
    if (type == KVM_RAMINATE_FIND) {
        find(arg, fails);
    } else if (type == KVM_RAMINATE_SWAP) {
        swap(arg, fails);
    } else if (!fails) {
        struct kvm_raminate_attach *range = arg;
        bool releases = range->flags & KVM_RAMINATE_CLAIM_RELEASE;

        host.attached += (type == KVM_RAMINATE_ATTACH) -
                         (type == KVM_RAMINATE_DETACH);
        if (type == KVM_RAMINATE_CLAIM) {
            host.claimed += releases ? -(host.claimed > 0) : 1;
        }
    }
    return fails ? -host.error : 0;
}

static void fail(unsigned long call, int error, unsigned let, unsigned nr)
{
    host.fails = call;
    host.error = error;
    host.let = let;
    host.nr = nr;
    host.calls = 0;
}

/* QEMU */

static RaminateTier tiers[NR_TIERS];
static RaminateMemory memory = {
    .type = "memory-backend-container",
    .id = "c",
    .host = (uint8_t *)MEMORY_START,
    .tiers = tiers,
    .nr_tiers = NR_TIERS,
};
static uint32_t placement[NR_PAGES];

bool raminate_memory_has_costly_reads(const RaminateMemory *of)
{
    return true;
}

void raminate_memory_exchanged(const RaminateMemory *of, uint32_t a,
                               uint32_t b)
{
    uint32_t frame = placement[a];

    g_assert_true(of == &memory);
    placement[a] = placement[b];
    placement[b] = frame;
}

/* Ranges that no test before had, since QEMU remembers some */
static void new_tiers(void)
{
    static uint64_t next = 1ULL << 32;

    for (unsigned i = 0; i < NR_TIERS; i++) {
        tiers[i] = (RaminateTier) {
            .id = "t", .mem_path = "/dev/mem", .is_dev_mem = true,
            .phy_offset = next, .size = 1 << 20,
        };
        next += 1 << 20;
    }
}

static void attach_all(void)
{
    g_assert_true(raminate_kvm_attach(&memory, &error_abort));
    g_assert_cmpuint(host.attached, ==, NR_TIERS);
}

static void begin(void)
{
    memset(&host, 0, sizeof(host));
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        placement[page] = host.frame[page] = page;
    }
    new_tiers();
}

/* Ranges */

static void assert_attach_fails(int error, unsigned which)
{
    Error *err = NULL;

    begin();
    fail(KVM_RAMINATE_ATTACH, error, which, 1);
    g_assert_false(raminate_kvm_attach(&memory, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "KVM doesn't attach the range of 't', "));
    error_free(err);
    for (unsigned i = 0; i < NR_TIERS; i++) {
        g_assert_cmpint(tiers[i].is_attached, ==, i < which);
    }
    attach_all();
    raminate_kvm_detach(&memory);
    g_assert_cmpuint(host.attached, ==, 0);
}

static void test_attach(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        for (unsigned which = 0; which < NR_TIERS; which++) {
            assert_attach_fails(errors[i], which);
        }
    }
}

static void assert_claim_fails(int error, unsigned which)
{
    Error *err = NULL;
    RaminateMover *mover;

    begin();
    attach_all();
    fail(KVM_RAMINATE_CLAIM, error, which, 1);
    g_assert_null(raminate_mover_kvm.open(&memory, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "KVM doesn't claim the range of 't', "));
    error_free(err);
    g_assert_cmpuint(host.claimed, ==, 0);
    mover = raminate_mover_kvm.open(&memory, &error_abort);
    g_assert_cmpuint(host.claimed, ==, NR_TIERS);
    raminate_mover_kvm.close(mover);
    raminate_kvm_detach(&memory);
}

static void test_claim(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        for (unsigned which = 0; which < NR_TIERS; which++) {
            assert_claim_fails(errors[i], which);
        }
    }
}

/* What KVM does not let go is there for the next who has just that range. */
static void test_detach(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        for (unsigned which = 0; which < NR_TIERS; which++) {
            begin();
            attach_all();
            fail(KVM_RAMINATE_DETACH, errors[i], which, 1);
            raminate_kvm_detach(&memory);
            g_assert_cmpuint(host.calls, ==, NR_TIERS);
            g_assert_cmpuint(host.attached, ==, 1);
            g_assert_false(tiers[0].is_attached || tiers[1].is_attached);
            attach_all();
        }
    }
}

/* Scans */

static bool is_written(uint32_t page)
{
    return page % 3 == 0 || page == NR_PAGES - 1;
}

static bool is_read(uint32_t page)
{
    return page % 5 == 0 || page % 64 == 63;
}

static unsigned kinds_of(uint32_t page, unsigned kinds)
{
    return is_written(page) ? kinds : is_read(page) ? kinds & RAMINATE_READ : 0;
}

static void use_pages(void)
{
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        host.written[page] = is_written(page);
        host.accessed[page] = is_written(page) || is_read(page);
    }
}

static void assert_finds(RaminateSampler *sampler, RaminateSample *sample)
{
    uint32_t done = 0;

    while (done < NR_PAGES) {
        uint32_t nr = raminate_sampler_kvm.scan(sampler, done, NR_PAGES - done,
                                                sample, &error_abort);

        g_assert_cmpuint(nr, >, 0);
        done += nr;
    }
    for (uint32_t page = 0; page < NR_PAGES; page++) {
        g_assert_cmpint(raminate_sample_find(sample, page), ==,
                        kinds_of(page, sampler->kinds));
    }
}

static void assert_scan_fails(int error, unsigned nr, unsigned kinds)
{
    RaminateSampler *sampler;
    RaminateSample sample = { .kinds = kinds };
    Error *err = NULL;

    begin();
    attach_all();
    sampler = raminate_sampler_kvm.open(&memory, &error_abort);
    sampler->kinds = kinds;
    use_pages();
    fail(KVM_RAMINATE_FIND, error, 0, nr);
    if (error == EINTR) {
        assert_finds(sampler, &sample);
        g_assert_cmpuint(host.calls, ==, nr + 1);
    } else {
        g_assert_cmpuint(raminate_sampler_kvm.scan(sampler, 0, NR_PAGES,
                                                   &sample, &err), ==, 0);
        g_assert_true(g_str_has_prefix(error_get_pretty(err), "KVM can't scan "
                                       "pages 0 to 999 of 'c'"));
        error_free(err);
        g_assert_cmpuint(sample.nr_pages, ==, 0);
    }
    raminate_sample_clear(&sample);
    use_pages();
    assert_finds(sampler, &sample);
    raminate_sample_destroy(&sample);
    raminate_sampler_kvm.close(sampler);
    raminate_kvm_detach(&memory);
}

static void test_scan(void)
{
    static const unsigned kinds[] = { RAMINATE_WRITTEN, RAMINATE_ACCESSED };

    g_assert_cmpuint(raminate_sampler_kvm.part.tells(&memory), ==,
                     RAMINATE_ACCESSED);
    for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
            assert_scan_fails(errors[i], 1, kinds[kind]);
        }
        /* Signals come one after the other. */
        assert_scan_fails(EINTR, 7, kinds[kind]);
    }
}

/* Exchanges */

static RaminateExchangeResult expected_result(int error)
{
    switch (error) {
    case EINTR:
        return RAMINATE_EXCHANGE_OK;
    case EFAULT:
        return RAMINATE_EXCHANGE_BROKEN;
    default:
        return RAMINATE_EXCHANGE_REFUSED;
    }
}

static RaminateExchangeResult exchange(RaminateMover *mover,
                                       RaminateMove *moves, Error **errp)
{
    RaminateExchangeResult result;

    for (uint32_t i = 0; i < NR_PAIRS; i++) {
        moves[i] = (RaminateMove) { .page = i, .with = NR_PAGES - 1 - i };
    }
    g_assert_true(mover->ops->begin(mover, &error_abort));
    result = mover->ops->exchange(mover, moves, NR_PAIRS, 0, errp);
    mover->ops->end(mover);
    g_assert_cmpmem(placement, sizeof(placement), host.frame,
                    sizeof(host.frame));
    return result;
}

static unsigned count_done(const RaminateMove *moves)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < NR_PAIRS; i++) {
        nr += moves[i].status == RAMINATE_MOVE_DONE;
        g_assert_true(moves[i].status == RAMINATE_MOVE_DONE ||
                      moves[i].status == RAMINATE_MOVE_PENDING);
    }
    return nr;
}

static void assert_swap_fails(int error, unsigned nr)
{
    RaminateExchangeResult expected = expected_result(error);
    RaminateMove moves[NR_PAIRS];
    RaminateMover *mover;
    Error *err = NULL;

    begin();
    attach_all();
    mover = raminate_mover_kvm.open(&memory, &error_abort);
    fail(KVM_RAMINATE_SWAP, error, 0, nr);
    g_assert_cmpint(exchange(mover, moves, &err), ==, expected);
    g_assert_cmpuint(count_done(moves), ==,
                     expected == RAMINATE_EXCHANGE_OK ? NR_PAIRS : 1);
    g_assert_cmpint(expected == RAMINATE_EXCHANGE_OK, ==, err == NULL);
    error_free(err);
    g_assert_cmpint(exchange(mover, moves, &error_abort), ==,
                    RAMINATE_EXCHANGE_OK);
    g_assert_cmpuint(count_done(moves), ==, NR_PAIRS);
    raminate_mover_kvm.close(mover);
    raminate_kvm_detach(&memory);
}

static void test_swap(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        assert_swap_fails(errors[i], 1);
    }
    assert_swap_fails(EINTR, NR_PAIRS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    rust_bql_mock_lock();
    g_test_add_func("/raminate/kvm/attach", test_attach);
    g_test_add_func("/raminate/kvm/claim", test_claim);
    g_test_add_func("/raminate/kvm/detach", test_detach);
    g_test_add_func("/raminate/kvm/scan", test_scan);
    g_test_add_func("/raminate/kvm/swap", test_swap);
    return g_test_run();
}
