/*
 * RAMinate: settings and commands that are refused, by what is wrong
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "raminate-common.h"

/* Properties of an object that is there */

/* @value: as it is in QMP */
static void assert_set_refused(QTestState *qts, const char *path,
                               const char *property, const char *value,
                               const char *message)
{
    QDict *before = raminate_qom_get(qts, path, property);
    QDict *after;
    QObject *was, *is;
    g_autofree char *command =
        g_strdup_printf("{ 'execute': 'qom-set', 'arguments': { 'path': '%s',"
                        "  'property': '%s', 'value': %s } }",
                        path, property, value);

    qtest_qmp_send_raw(qts, "%s", command);
    raminate_assert_error(qtest_qmp_receive(qts), message);
    after = raminate_qom_get(qts, path, property);
    was = qdict_get(before, "return");
    is = qdict_get(after, "return");
    g_assert_true(qobject_is_equal(was, is));
    qobject_unref(before);
    qobject_unref(after);
}

static void test_set_container(void)
{
    QTestState *qts = raminate_start("", "");

    assert_set_refused(qts, "/objects/c", "scan-period", "0",
                       "memory-backend-container 'c': scan-period must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "scan-period", "3600001",
                       "memory-backend-container 'c': scan-period must be 1 "
                       "to 3600000, not 3600001");
    assert_set_refused(qts, "/objects/c", "swap-period", "0",
                       "memory-backend-container 'c': swap-period must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "life-time", "0",
                       "memory-backend-container 'c': life-time must be 1 "
                       "to 3600000, not 0");
    assert_set_refused(qts, "/objects/c", "max-swaps", "0",
                       "memory-backend-container 'c': max-swaps must be 1 to "
                       "1048576, not 0");
    assert_set_refused(qts, "/objects/c", "reverse-window", "0",
                       "memory-backend-container 'c': reverse-window must be "
                       "1 to 86400000, not 0");
    assert_set_refused(qts, "/objects/c", "max-cpu", "101",
                       "memory-backend-container 'c': max-cpu must be 0 to "
                       "100, not 101");
    assert_set_refused(qts, "/objects/c", "scan-period", "'soon'",
                       "Parameter 'scan-period' expects uint64");
    assert_set_refused(qts, "/objects/c", "policy", "7",
                       "Invalid parameter type for 'policy', expected: "
                       "string");
    assert_set_refused(qts, "/objects/c", "monitor", "'maybe'",
                       "Invalid parameter type for 'monitor', expected: "
                       "boolean");
    assert_set_refused(qts, "/objects/c", "size", "2097152",
                       "cannot change property size of "
                       "memory-backend-container ");
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

/* There may be more choices than these. */
static void test_set_enums(void)
{
    static const struct {
        const char *property;
        const char *first_choices;
        const char *value;
    } enums[] = {
        { "policy", "cmq, lru, null", "payback" },
        { "sampler", "auto, ", "auto" },
        { "mover", "auto, ", "auto" },
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(enums); i++) {
        QDict *response =
            qtest_qmp(qts, "{ 'execute': 'qom-set', 'arguments':"
                      "  { 'path': '/objects/c', 'property': %s,"
                      "    'value': 'fifo' } }", enums[i].property);
        QDict *error = qdict_get_qdict(response, "error");
        g_autofree char *start =
            g_strdup_printf("memory-backend-container 'c': %s must be one of "
                            "%s", enums[i].property, enums[i].first_choices);

        g_assert_nonnull(error);
        g_assert_true(g_str_has_prefix(qdict_get_str(error, "desc"), start));
        g_assert_true(g_str_has_suffix(qdict_get_str(error, "desc"),
                                       ", not 'fifo'"));
        qobject_unref(response);
        raminate_assert_qom_string(qts, "/objects/c", enums[i].property,
                                   enums[i].value);
    }
    qtest_quit(qts);
}

static void test_set_devmem(void)
{
    static const struct {
        const char *property;
        const char *value;
    } late[] = {
        { "mem-path", "'other'" }, { "parent", "'other'" },
        { "phy-offset", "0" }, { "offset", "4096" }, { "tier", "9" },
        { "scrub", "false" },
    };
    QTestState *qts = raminate_start("", "");

    for (unsigned i = 0; i < ARRAY_SIZE(late); i++) {
        g_autofree char *message =
            g_strdup_printf("memory-backend-devmem 'fast': %s can't be "
                            "changed; delete the object and create it again",
                            late[i].property);

        assert_set_refused(qts, "/objects/fast", late[i].property,
                           late[i].value, message);
    }
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Commands */

static void test_unknown_container(void)
{
    QTestState *qts = raminate_start("", "");
    static const char message[] =
        "'fast' is not a memory-backend-container with all of its tiers, "
        "nor a memory-placement; query-raminate shows those there are";
    g_autofree char *hmp = NULL;

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                  "  'arguments': { 'id': 'fast' } }"), message);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'fast' } }"), message);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'raminate-swap-pages', 'arguments':"
                  "  { 'id': 'fast', 'pairs': [ { 'a': 0, 'b': 1 } ] } }"),
        message);
    hmp = qtest_hmp(qts, "info raminate fast");
    g_assert_nonnull(strstr(hmp, message));
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_incomplete_container(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                  "  'arguments': { 'id': 'c' } }"),
        "'c' is not a memory-backend-container with all of its tiers, "
        "nor a memory-placement; query-raminate shows those there are");
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_map_buckets(void)
{
    QTestState *qts = raminate_start("", "");

    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'c', 'buckets': 0 } }"),
        "memory-backend-container 'c': buckets must be 1 to 65536, not 0");
    raminate_assert_error(
        qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                  "  'arguments': { 'id': 'c', 'buckets': 65537 } }"),
        "memory-backend-container 'c': buckets must be 1 to 65536, not "
        "65537");
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

/* Each is to leave the good pair in front of it alone. */
static const struct {
    const char *pairs;
    const char *message;
} bad_pairs[] = {
    {
        "", "memory-backend-container 'c': pairs must be 1 to 65536, not 0"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 7, 'b': 7 }",
        "memory-backend-container 'c': page 7 can't be exchanged with "
        "itself; give two pages"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 256, 'b': 7 }",
        "memory-backend-container 'c': page 256 is out of range; its pages "
        "are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 7, 'b': 256 }",
        "memory-backend-container 'c': page 256 is out of range; its pages "
        "are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 4294967299, 'b': 7 }",
        "memory-backend-container 'c': page 4294967299 is out of range; its "
        "pages are 0 to 255"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 1, 'b': 66 }",
        "memory-backend-container 'c': page 1 appears twice; give it in one "
        "pair only"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 65, 'b': 66 }",
        "memory-backend-container 'c': page 65 appears twice; give it in one "
        "pair only"
    }, {
        "{ 'a': 1, 'b': 65 }, { 'a': 66, 'b': 1 }",
        "memory-backend-container 'c': page 1 appears twice; give it in one "
        "pair only"
    },
};

static void assert_nothing_exchanged(QTestState *qts)
{
    g_assert_cmpuint(raminate_figure(qts, "swaps"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "batches"), ==, 0);
    g_assert_cmpuint(raminate_figure(qts, "mappings"), ==, 2);
}

static void test_swap_pairs(void)
{
    QTestState *qts = raminate_start(",policy=null,scan-period=1", "");

    raminate_wait_figure(qts, "scans", 1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad_pairs); i++) {
        g_autofree char *command =
            g_strdup_printf("{ 'execute': 'raminate-swap-pages', 'arguments':"
                            "  { 'id': 'c', 'pairs': [ %s ] } }",
                            bad_pairs[i].pairs);

        qtest_qmp_send_raw(qts, "%s", command);
        raminate_assert_error(qtest_qmp_receive(qts), bad_pairs[i].message);
    }
    assert_nothing_exchanged(qts);
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

static void test_too_many_pairs(void)
{
    QTestState *qts = raminate_start("", "");
    g_autofree RaminateTestPair *pairs = g_new0(RaminateTestPair, 65537);

    raminate_assert_error(
        raminate_swap_pages(qts, pairs, 65537),
        "memory-backend-container 'c': pairs must be 1 to 65536, not 65537");
    assert_nothing_exchanged(qts);
    raminate_assert_vm_runs(qts);
    qtest_quit(qts);
}

static void assert_swap_refused(QTestState *qts, const char *message)
{
    RaminateTestPair pair = { 0, FAST_PAGES };

    raminate_assert_error(raminate_swap_pages(qts, &pair, 1), message);
    assert_nothing_exchanged(qts);
}

static void test_swap_without_placer(void)
{
    static const char message[] =
        "memory-backend-container 'c' has no placer to exchange pages with; "
        "set its property monitor to on, and give it two tiers or more";
    QTestState *qts = raminate_start(",monitor=off", "");

    assert_swap_refused(qts, message);
    qtest_quit(qts);
}

static void test_swap_while_stopped(void)
{
    static const char message[] =
        "memory-backend-container 'c': pages can't be exchanged: the VM is "
        "not running";
    QTestState *qts = raminate_start("", "-S");

    assert_swap_refused(qts, message);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    qtest_qmp_assert_success(qts, "{ 'execute': 'stop' }");
    assert_swap_refused(qts, message);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/errors/set-container", test_set_container);
    qtest_add_func("raminate/errors/set-enums", test_set_enums);
    qtest_add_func("raminate/errors/set-devmem", test_set_devmem);
    qtest_add_func("raminate/errors/unknown-container",
                   test_unknown_container);
    qtest_add_func("raminate/errors/incomplete-container",
                   test_incomplete_container);
    qtest_add_func("raminate/errors/map-buckets", test_map_buckets);
    qtest_add_func("raminate/errors/swap-pairs", test_swap_pairs);
    qtest_add_func("raminate/errors/too-many-pairs", test_too_many_pairs);
    qtest_add_func("raminate/errors/swap-without-placer",
                   test_swap_without_placer);
    qtest_add_func("raminate/errors/swap-while-stopped",
                   test_swap_while_stopped);
    return g_test_run();
}
