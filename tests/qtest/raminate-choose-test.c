/*
 * RAMinate: which sampler or mover is chosen
 *
 * Of parts made up for it: those of QEMU all tell what was written, or may have
 * been, which is what all policies go by.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/raminate/part.h"

enum { READS = 1, HOST, WRITES, BOTH, OF_NODES, SOME, MISSING };

#define NOT_WRITTEN \
    "it doesn't find pages that were written, by which the policy goes; " \
    "choose another policy"
#define NOT_READ \
    "it doesn't find pages that were read, by which the policy goes; choose " \
    "another policy"

static unsigned probes;

static bool probe_fails(const RaminateMemory *memory, Error **errp)
{
    probes++;
    error_setg(errp, "the host lacks it");
    return false;
}

static const RaminatePart reads = {
    .type = READS,
    .kinds = RAMINATE_READ,
    .backings = RAMINATE_OF_RANGES,
};
static const RaminatePart writes = {
    .type = WRITES,
    .kinds = RAMINATE_WRITTEN,
    .backings = RAMINATE_OF_RANGES,
};
static const RaminatePart both = {
    .type = BOTH,
    .kinds = RAMINATE_READ | RAMINATE_WRITTEN,
    .backings = RAMINATE_OF_RANGES | RAMINATE_OF_NODES,
};
static const RaminatePart host = {
    .type = HOST,
    .kinds = RAMINATE_WRITTEN,
    .backings = RAMINATE_OF_RANGES,
    .probe = probe_fails,
};
static const RaminatePart of_nodes = {
    .type = OF_NODES,
    .kinds = RAMINATE_WRITTEN,
    .backings = RAMINATE_OF_NODES,
};

static bool is_served;

static bool serves_some(const RaminateMemory *memory)
{
    return is_served;
}

static const RaminatePart some = {
    .type = SOME,
    .kinds = RAMINATE_WRITTEN,
    .backings = RAMINATE_OF_RANGES,
    .serves = serves_some,
};

/* A tier of each kind, alone in its container */
static RaminateTier range = {
    .id = "r",
    .type = "memory-backend-devmem",
    .node = RAMINATE_NO_NODE,
};
static const RaminateMemory ranges = { .tiers = &range, .nr_tiers = 1 };
static RaminateTier node = { .id = "n", .type = "memory-backend-node" };
static const RaminateMemory nodes = { .tiers = &node, .nr_tiers = 1 };

static const RaminatePart *const all[] = {
    &reads, &host, &writes, &both, NULL
};

/* @reason: expected if a part is chosen; NULL for none */
static void assert_chosen(const RaminatePart *const *parts, int type,
                          unsigned kinds, unsigned failed,
                          const RaminatePart *part, const char *reason)
{
    g_autofree char *why = NULL;

    g_assert_true(raminate_part_choose(parts, type, kinds, failed, &ranges,
                                       &why, &error_abort) == part);
    g_assert_cmpstr(why, ==, reason);
}

static void assert_none(const RaminatePart *const *parts, int type,
                        unsigned kinds, const char *message)
{
    Error *err = NULL;
    char *why;

    g_assert_null(raminate_part_choose(parts, type, kinds, 0, &ranges, &why,
                                       &err));
    g_assert_null(why);
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    error_free(err);
}

static void test_auto_passes_over_other_kinds(void)
{
    assert_chosen(all, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, 0, &writes,
                  NOT_WRITTEN);
    assert_chosen(all + 2, RAMINATE_PART_AUTO, RAMINATE_READ, 0, &both,
                  NOT_READ);
}

static void test_other_kind_by_name(void)
{
    assert_none(all, READS, RAMINATE_WRITTEN, NOT_WRITTEN);
    assert_none(all, WRITES, RAMINATE_READ, NOT_READ);
    /* What the host lacks doesn't matter then. */
    probes = 0;
    assert_none(all, HOST, RAMINATE_READ, NOT_READ);
    g_assert_cmpuint(probes, ==, 0);
}

static void test_one_of_the_kinds_is_enough(void)
{
    assert_chosen(all, RAMINATE_PART_AUTO, RAMINATE_READ | RAMINATE_WRITTEN, 0,
                  &reads, NULL);
    assert_chosen(all, BOTH, RAMINATE_READ, 0, &both, NULL);
}

static void test_kinds_do_not_matter(void)
{
    assert_chosen(all, RAMINATE_PART_AUTO, 0, 0, &reads, NULL);
    assert_chosen(all, WRITES, 0, 0, &writes, NULL);
}

static void test_none_tells_what_is_wanted(void)
{
    static const RaminatePart *const one[] = { &reads, NULL };
    static const RaminatePart *const two[] = { &host, &writes, NULL };

    assert_none(one, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, NOT_WRITTEN);
    assert_none(two, RAMINATE_PART_AUTO, RAMINATE_READ, NOT_READ);
}

static void test_host_lacks_it(void)
{
    assert_none(all, HOST, RAMINATE_WRITTEN, "the host lacks it");
    assert_chosen(all + 1, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, 0, &writes,
                  "the host lacks it");
}

static void test_failed_before(void)
{
    probes = 0;
    assert_chosen(all + 1, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, BIT(HOST),
                  &writes, NULL);
    g_assert_cmpuint(probes, ==, 0);
    /* By name, it is tried again. */
    assert_chosen(all, WRITES, RAMINATE_WRITTEN, BIT(WRITES), &writes, NULL);
}

/* They are no worse choice for tiers of the other kind, but none. */
static void test_other_tiers(void)
{
    static const RaminatePart *const four[] = {
        &host, &of_nodes, &writes, &both, NULL
    };
    g_autofree char *why = NULL;

    assert_chosen(four + 1, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, 0, &writes,
                  NULL);
    assert_none(four, OF_NODES, RAMINATE_WRITTEN,
                "it is for tiers that are NUMA nodes (memory-backend-node), "
                "and 'r' is a memory-backend-devmem");
    g_assert_true(raminate_part_choose(four, RAMINATE_PART_AUTO,
                                       RAMINATE_WRITTEN, 0, &nodes, &why,
                                       &error_abort) == &of_nodes);
    g_assert_null(why);
    g_assert_true(raminate_part_choose(four, RAMINATE_PART_AUTO,
                                       RAMINATE_WRITTEN, BIT(OF_NODES), &nodes,
                                       &why, &error_abort) == &both);
    g_assert_null(why);
}

/* It is no better choice for those that it doesn't serve, but a choice. */
static void test_not_served(void)
{
    static const RaminatePart *const two[] = { &some, &writes, NULL };

    is_served = false;
    assert_chosen(two, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, 0, &writes, NULL);
    assert_chosen(two, SOME, RAMINATE_WRITTEN, 0, &some, NULL);
    is_served = true;
    assert_chosen(two, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, 0, &some, NULL);
    assert_chosen(two, RAMINATE_PART_AUTO, RAMINATE_WRITTEN, BIT(SOME),
                  &writes, NULL);
}

static void test_not_built(void)
{
    assert_none(all, MISSING, 0, "this QEMU was built without it");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raminate/choose/auto-passes-over-other-kinds",
                    test_auto_passes_over_other_kinds);
    g_test_add_func("/raminate/choose/other-kind-by-name",
                    test_other_kind_by_name);
    g_test_add_func("/raminate/choose/one-of-the-kinds-is-enough",
                    test_one_of_the_kinds_is_enough);
    g_test_add_func("/raminate/choose/kinds-do-not-matter",
                    test_kinds_do_not_matter);
    g_test_add_func("/raminate/choose/none-tells-what-is-wanted",
                    test_none_tells_what_is_wanted);
    g_test_add_func("/raminate/choose/host-lacks-it", test_host_lacks_it);
    g_test_add_func("/raminate/choose/failed-before", test_failed_before);
    g_test_add_func("/raminate/choose/other-tiers", test_other_tiers);
    g_test_add_func("/raminate/choose/not-served", test_not_served);
    g_test_add_func("/raminate/choose/not-built", test_not_built);
    return g_test_run();
}
