/*
 * RAMinate: the commands that the qtests share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qobject/qbool.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "raminate-common.h"

/* Returns: the value as QMP wants it for a property of our objects. */
static QObject *typed_value(const char *name, const char *value)
{
    static const char *const strings[] = {
        "id", "mem-path", "mover", "parent", "policy", "pool", "qom-type",
        "record", "sampler",
    };
    uint64_t number;

    for (unsigned i = 0; i < ARRAY_SIZE(strings); i++) {
        if (g_str_equal(name, strings[i])) {
            return QOBJECT(qstring_from_str(value));
        }
    }
    if (g_str_equal(value, "on") || g_str_equal(value, "off")) {
        return QOBJECT(qbool_from_bool(g_str_equal(value, "on")));
    }
    g_assert_cmpint(qemu_strtosz(value, NULL, &number), ==, 0);
    return QOBJECT(qnum_from_uint(number));
}

QDict *raminate_object_add(QTestState *qts, const char *options)
{
    g_auto(GStrv) parts = g_strsplit(options, ",", -1);
    QDict *arguments = qdict_new();

    qdict_put_str(arguments, "qom-type", parts[0]);
    for (char **part = parts + 1; *part; part++) {
        g_auto(GStrv) pair = g_strsplit(*part, "=", 2);

        qdict_put_obj(arguments, pair[0], typed_value(pair[0], pair[1]));
    }
    return qtest_qmp(qts, "{ 'execute': 'object-add', 'arguments': %p }",
                     arguments);
}

static void assert_success(QDict *response)
{
    QDict *error = qdict_get_qdict(response, "error");

    if (error) {
        g_assert_cmpstr(qdict_get_str(error, "desc"), ==, "success");
    }
    qobject_unref(response);
}

void raminate_assert_object_add(QTestState *qts, const char *options)
{
    assert_success(raminate_object_add(qts, options));
}

void raminate_assert_object_del(QTestState *qts, const char *id)
{
    assert_success(qtest_qmp(qts, "{ 'execute': 'object-del',"
                             "  'arguments': { 'id': %s } }", id));
}

QDict *raminate_qom_get(QTestState *qts, const char *path,
                        const char *property)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'qom-get', 'arguments':"
                                "  { 'path': %s, 'property': %s } }",
                                path, property);

    g_assert_true(qdict_haskey(response, "return"));
    return response;
}

void raminate_assert_qom_string(QTestState *qts, const char *path,
                                const char *property, const char *value)
{
    QDict *response = raminate_qom_get(qts, path, property);

    g_assert_cmpstr(qdict_get_str(response, "return"), ==, value);
    qobject_unref(response);
}

void raminate_assert_qom_uint(QTestState *qts, const char *path,
                              const char *property, uint64_t value)
{
    QDict *response = raminate_qom_get(qts, path, property);

    g_assert_cmpuint(qdict_get_int(response, "return"), ==, value);
    qobject_unref(response);
}

void raminate_set_uint(QTestState *qts, const char *property, uint64_t value)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': "
                             "{ 'path': '/objects/c', 'property': %s,"
                             "  'value': %" PRIu64 " } }", property, value);
}

void raminate_set_string(QTestState *qts, const char *property,
                         const char *value)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': "
                             "{ 'path': '/objects/c', 'property': %s,"
                             "  'value': %s } }", property, value);
}

void raminate_assert_error(QDict *response, const char *message)
{
    QDict *error = qdict_get_qdict(response, "error");

    g_assert_nonnull(error);
    g_assert_cmpstr(qdict_get_str(error, "desc"), ==, message);
    qobject_unref(response);
}

QDict *raminate_query(QTestState *qts, const char *id)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate',"
                                "  'arguments': { 'id': %s } }", id);
    QList *list = qdict_get_qlist(response, "return");
    QDict *info;

    g_assert_nonnull(list);
    g_assert_cmpuint(qlist_size(list), ==, 1);
    info = qobject_to(QDict, qlist_pop(list));
    qobject_unref(response);
    return info;
}

uint64_t raminate_figure(QTestState *qts, const char *name)
{
    QDict *info = raminate_query(qts, "c");
    uint64_t value = qdict_get_int(info, name);

    qobject_unref(info);
    return value;
}

uint64_t raminate_tier_figure(QTestState *qts, unsigned tier,
                              const char *name)
{
    QDict *info = raminate_query(qts, "c");
    QList *tiers = qdict_get_qlist(info, "tiers");
    const QListEntry *entry = qlist_first(tiers);
    uint64_t value;

    while (tier--) {
        entry = qlist_next(entry);
    }
    value = qdict_get_int(qobject_to(QDict, entry->value), name);
    qobject_unref(info);
    return value;
}

unsigned raminate_tier_of(QTestState *qts, uint32_t page)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-raminate-map',"
                                "  'arguments': { 'id': 'c',"
                                "                 'buckets': 65536 } }");
    QDict *map = qdict_get_qdict(response, "return");
    const QListEntry *entry = qlist_first(qdict_get_qlist(map, "buckets"));
    unsigned tier = 0;

    g_assert_cmpuint(qdict_get_int(map, "pages-per-bucket"), ==, 1);
    while (page--) {
        entry = qlist_next(entry);
    }
    entry = qlist_first(qdict_get_qlist(qobject_to(QDict, entry->value),
                                        "tiers"));
    while (qnum_get_uint(qobject_to(QNum, entry->value)) == 0) {
        entry = qlist_next(entry);
        tier++;
    }
    qobject_unref(response);
    return tier;
}

void raminate_assert_vm_runs(QTestState *qts)
{
    QDict *response = qtest_qmp(qts, "{ 'execute': 'query-status' }");
    QDict *status = qdict_get_qdict(response, "return");

    g_assert_true(qdict_get_bool(status, "running"));
    qobject_unref(response);
}

QDict *raminate_swap_pages(QTestState *qts, const RaminateTestPair *pairs,
                           size_t nr)
{
    QList *list = qlist_new();

    for (size_t i = 0; i < nr; i++) {
        QDict *pair = qdict_new();

        qdict_put_int(pair, "a", pairs[i].a);
        qdict_put_int(pair, "b", pairs[i].b);
        qlist_append(list, pair);
    }
    return qtest_qmp(qts, "{ 'execute': 'raminate-swap-pages',"
                     "  'arguments': { 'id': 'c', 'pairs': %p } }", list);
}

/* A batch of the placer's own may be under way. */
static bool must_try_again(QDict *response)
{
    QDict *error = qdict_get_qdict(response, "error");

    return error && g_str_has_suffix(qdict_get_str(error, "desc"),
                                     "try again");
}

size_t raminate_swap_some(QTestState *qts, const RaminateTestPair *pairs,
                          size_t nr)
{
    QDict *response = raminate_swap_pages(qts, pairs, nr);
    unsigned rounds = 0;
    size_t done;

    while (must_try_again(response)) {
        qobject_unref(response);
        raminate_wait(&rounds, "the placer");
        response = raminate_swap_pages(qts, pairs, nr);
    }
    done = qdict_get_int(qdict_get_qdict(response, "return"), "done");
    qobject_unref(response);
    return done;
}

void raminate_assert_swap(QTestState *qts, uint32_t a, uint32_t b)
{
    RaminateTestPair pair = { a, b };

    g_assert_cmpuint(raminate_swap_some(qts, &pair, 1), ==, 1);
}
