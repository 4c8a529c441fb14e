/*
 * RAMinate: what the memory of tiers costs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "raminate-common.h"

/* @fast, @slow: options of the tiers, each with a comma in front */
static char *command_line(const char *fast, const char *slow)
{
    return g_strdup_printf(MACHINE " -object " CONTAINER " -object " FAST
                           "%s -object " SLOW "%s", fast, slow);
}

static QTestState *start(const char *fast, const char *slow)
{
    g_autofree char *args = command_line(fast, slow);

    raminate_make_tier_files();
    return qtest_init(args);
}

static void assert_costs(QTestState *qts, unsigned tier, uint64_t read,
                         uint64_t write, uint64_t idle)
{
    g_assert_cmpuint(raminate_tier_figure(qts, tier, "read-cost"), ==, read);
    g_assert_cmpuint(raminate_tier_figure(qts, tier, "write-cost"), ==, write);
    g_assert_cmpuint(raminate_tier_figure(qts, tier, "idle-power"), ==, idle);
}

/* @expected: what slow writes are taken to cost, in order */
static void assert_estimates(QTestState *qts, const char *expected)
{
    QDict *info = raminate_query(qts, "c");
    g_autoptr(GString) costs = g_string_new(NULL);
    const QListEntry *entry;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(info, "energy"), entry) {
        g_string_append_printf(costs, " %" PRId64,
                               qdict_get_int(qobject_to(QDict, entry->value),
                                             "slow-write-cost"));
    }
    g_assert_cmpstr(costs->str, ==, expected);
    qobject_unref(info);
}

static void test_usual_costs(void)
{
    QTestState *qts = start("", "");

    assert_costs(qts, 0, 1, 1, 125);
    assert_costs(qts, 1, 1, 5, 0);
    assert_estimates(qts, " 10 100 1000");
    qtest_quit(qts);
}

static void test_given_costs(void)
{
    QTestState *qts = start(",read-cost=2,write-cost=3,idle-power=0",
                            ",read-cost=4,write-cost=61,idle-power=7");

    assert_costs(qts, 0, 2, 3, 0);
    assert_costs(qts, 1, 4, 61, 7);
    raminate_assert_qom_uint(qts, "/objects/slow", "read-cost", 4);
    raminate_assert_qom_uint(qts, "/objects/slow", "write-cost", 61);
    raminate_assert_qom_uint(qts, "/objects/slow", "idle-power", 7);
    /* 61 / 2 is the last one. */
    assert_estimates(qts, " 10 100 1000 31");
    qtest_quit(qts);
}

/* What isn't given follows from the next faster tier. */
static void test_costs_given_in_part(void)
{
    QTestState *qts = start(",read-cost=3,write-cost=4", "");

    assert_costs(qts, 0, 3, 4, 125);
    assert_costs(qts, 1, 3, 18, 0);
    qtest_quit(qts);
    qts = start("", ",write-cost=100");
    assert_costs(qts, 1, 1, 100, 0);
    /* One by the tiers' costs, and not another for 100 */
    assert_estimates(qts, " 10 1000 100");
    qtest_quit(qts);
}

static void test_wrong_costs(void)
{
    static const struct {
        const char *fast;
        const char *slow;
        const char *message;
    } cases[] = {
        { ",read-cost=0", "", "memory-backend-devmem 'fast': read-cost must be "
          "1 to 100000000, not 0" },
        { "", ",write-cost=100000001", "memory-backend-devmem 'slow': "
          "write-cost must be 1 to 100000000, not 100000001" },
        { "", ",idle-power=100000001", "memory-backend-devmem 'slow': "
          "idle-power must be 0 to 100000000, not 100000001" },
        { ",write-cost=10", ",write-cost=9", "memory-backend-devmem 'slow': "
          "write-cost 9 is less than 10, that of the faster tier 'fast'; "
          "raise it, or change the order by tier" },
        { ",tier=1", ",tier=0,write-cost=3", NULL },
        { ",tier=1,write-cost=2", ",tier=0,write-cost=3",
          "memory-backend-devmem 'fast': write-cost 2 is less than 3, that of "
          "the faster tier 'slow'; raise it, or change the order by tier" },
    };

    raminate_make_tier_files();
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args = command_line(cases[i].fast, cases[i].slow);

        if (cases[i].message) {
            raminate_assert_run_fails(args, cases[i].message);
        } else {
            qtest_quit(qtest_init(args));
        }
    }
}

static void test_costs_without_container(void)
{
    static const char *const names[] = {
        "read-cost", "write-cost", "idle-power",
    };
    QTestState *qts;

    raminate_make_tier_files();
    qts = qtest_init("-machine none");
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *options = g_strdup_printf(
            "memory-backend-devmem,id=d,size=64K,mem-path=nvm,%s=2", names[i]);
        g_autofree char *message = g_strdup_printf(
            "memory-backend-devmem 'd': %s is for a range in a container; set "
            "parent as well", names[i]);

        raminate_assert_error(raminate_object_add(qts, options), message);
    }
    qtest_quit(qts);
}

static void test_costs_of_a_tier_in_use(void)
{
    QTestState *qts = start("", "");
    QDict *response = qtest_qmp(qts, "{'execute': 'qom-set', 'arguments': {"
                                "'path': '/objects/slow', "
                                "'property': 'write-cost', 'value': 9}}");

    raminate_assert_error(response, "memory-backend-devmem 'slow': write-cost "
                          "can't be changed; delete the object and create it "
                          "again");
    assert_costs(qts, 1, 1, 5, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/costs/usual", test_usual_costs);
    qtest_add_func("raminate/costs/given", test_given_costs);
    qtest_add_func("raminate/costs/given-in-part", test_costs_given_in_part);
    qtest_add_func("raminate/costs/wrong-ones-are-refused", test_wrong_costs);
    qtest_add_func("raminate/costs/only-in-a-container",
                   test_costs_without_container);
    qtest_add_func("raminate/costs/fixed-once-in-use",
                   test_costs_of_a_tier_in_use);
    return g_test_run();
}
