/*
 * RAMinate: properties set to what is of another type, or out of all bounds
 *
 * QEMU says which property is meant; nothing changes, and no object is made.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "raminate-common.h"

#define TOO_LARGE "18446744073709551616"

/* What QMP may send; each is of one of these types */
typedef enum ValueType {
    TEXT = 1,
    INTEGER = 2,                /* from -2^63 to 2^64 - 1 */
    FRACTION = 4,               /* a number that is no integer to QEMU */
    BOOLEAN = 8,
    NOTHING = 16,
    LIST = 32,
    OBJECT = 64,
} ValueType;

static const struct {
    const char *json;
    ValueType type;
} values[] = {
    { "'abc'", TEXT }, { "'7'", TEXT }, { "''", TEXT }, { "'on'", TEXT },
    { "7", INTEGER }, { "0", INTEGER },
    { "1.5", FRACTION }, { "-0.5", FRACTION }, { "1e3", FRACTION },
    { "1e300", FRACTION }, { TOO_LARGE, FRACTION },
    { "-9223372036854775809", FRACTION },
    { "true", BOOLEAN }, { "false", BOOLEAN }, { "null", NOTHING },
    { "[]", LIST }, { "[ 7 ]", LIST }, { "[ 'abc' ]", LIST },
    { "{}", OBJECT }, { "{ 'abc': 7 }", OBJECT },
};

typedef struct Property {
    const char *name;
    ValueType type;             /* what it takes */
    const char *number;         /* for QEMU, if it takes 32 or 8 bits */
} Property;

static const Property of_container[] = {
    { "scan-period", INTEGER, "uint32_t" },
    { "second-look", INTEGER, "uint32_t" },
    { "swap-period", INTEGER, "uint32_t" },
    { "life-time", INTEGER, "uint32_t" },
    { "max-swaps", INTEGER, "uint32_t" },
    { "reverse-window", INTEGER, "uint32_t" },
    { "max-cpu", INTEGER, "uint32_t" },
    { "fault-budget", INTEGER, "uint32_t" },
    { "monitor", BOOLEAN, NULL }, { "dump", BOOLEAN, NULL },
    { "migrate-heat", BOOLEAN, NULL },
    { "merge", BOOLEAN, NULL }, { "prealloc", BOOLEAN, NULL },
    { "policy", TEXT, NULL }, { "sampler", TEXT, NULL },
    { "mover", TEXT, NULL }, { "record", TEXT, NULL },
    { NULL, 0, NULL },
};

static const Property of_devmem[] = {
    { "tier", INTEGER, "uint8_t" },
    { "read-cost", INTEGER, "uint32_t" },
    { "write-cost", INTEGER, "uint32_t" },
    { "idle-power", INTEGER, "uint32_t" },
    { "phy-offset", INTEGER, NULL }, { "offset", INTEGER, NULL },
    { "scrub", BOOLEAN, NULL }, { "prealloc", BOOLEAN, NULL },
    { "mem-path", TEXT, NULL }, { "parent", TEXT, NULL },
    { "pool", TEXT, NULL }, { "policy", TEXT, NULL },
    { NULL, 0, NULL },
};

/* Integers that fit into 64 bits, but not into 32 */
static const char *const far_integers[] = {
    "-1", "4294967296", "18446744073709551615", "-9223372036854775808",
};

/* Returns: what QEMU says of a value of another type. */
static char *message_for(const Property *property)
{
    switch (property->type) {
    case INTEGER:
        return g_strdup_printf("Parameter '%s' expects uint64",
                               property->name);
    case BOOLEAN:
        return g_strdup_printf("Invalid parameter type for '%s', expected: "
                               "boolean", property->name);
    case TEXT:
        return g_strdup_printf("Invalid parameter type for '%s', expected: "
                               "string", property->name);
    default:
        g_assert_not_reached();
    }
}

typedef void (*Refused)(QTestState *qts, const Property *property,
                        const char *json, const char *message);

/* Calls @refused with all that a property can't be. */
static void try_all(QTestState *qts, const Property *properties,
                    Refused refused)
{
    for (const Property *p = properties; p->name; p++) {
        g_autofree char *message = message_for(p);
        g_autofree char *range =
            p->number ? g_strdup_printf("Parameter '%s' expects %s", p->name,
                                        p->number) : NULL;

        for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
            if (values[i].type != p->type) {
                refused(qts, p, values[i].json, message);
            }
        }
        for (unsigned i = 0; range && i < ARRAY_SIZE(far_integers); i++) {
            refused(qts, p, far_integers[i], range);
        }
    }
}

static void assert_refused(QTestState *qts, const char *command,
                           const char *message)
{
    qtest_qmp_send_raw(qts, "%s", command);
    raminate_assert_error(qtest_qmp_receive(qts), message);
}

/* Objects that are there */

static void set_refused(QTestState *qts, const char *path,
                        const char *property, const char *json,
                        const char *message)
{
    QDict *before = raminate_qom_get(qts, path, property);
    g_autofree char *command =
        g_strdup_printf("{ 'execute': 'qom-set', 'arguments': { 'path': '%s',"
                        "  'property': '%s', 'value': %s } }",
                        path, property, json);
    QDict *after;

    assert_refused(qts, command, message);
    after = raminate_qom_get(qts, path, property);
    g_assert_true(qobject_is_equal(qdict_get(before, "return"),
                                   qdict_get(after, "return")));
    qobject_unref(before);
    qobject_unref(after);
}

static void set_container(QTestState *qts, const Property *property,
                          const char *json, const char *message)
{
    set_refused(qts, "/objects/c", property->name, json, message);
}

static void set_devmem(QTestState *qts, const Property *property,
                       const char *json, const char *message)
{
    set_refused(qts, "/objects/fast", property->name, json, message);
}

static void test_set(void)
{
    QTestState *qts = raminate_start(",policy=lru,scan-period=70,"
                                     "swap-period=80,record=guest.rec", "");
    QDict *info;

    try_all(qts, of_container, set_container);
    try_all(qts, of_devmem, set_devmem);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        set_refused(qts, "/objects/c", "size", values[i].json,
                    "cannot change property size of "
                    "memory-backend-container ");
    }
    info = raminate_query(qts, "c");
    g_assert_cmpstr(qdict_get_str(info, "policy"), ==, "lru");
    g_assert_cmpuint(qdict_get_int(info, "scan-period"), ==, 70);
    g_assert_cmpuint(qdict_get_int(info, "swap-period"), ==, 80);
    g_assert_cmpstr(qdict_get_str(info, "record"), ==, "guest.rec");
    qobject_unref(info);
    raminate_wait_scans(qts, 2);
    qtest_quit(qts);
}

/* Nothing to allocate or to bind, whether the tiers are there or not */
static void assert_not_set_late(QTestState *qts)
{
    set_refused(qts, "/objects/c", "prealloc", "true",
                "memory-backend-container 'c' has no memory of its own for "
                "prealloc=on; set it on its memory-backend-devmem tiers");
    set_refused(qts, "/objects/c", "host-nodes", "[ 0 ]",
                "memory-backend-container 'c' has no memory of its own for "
                "host-nodes; set host-nodes and policy on its "
                "memory-backend-devmem tiers");
}

static void test_set_before_tiers(void)
{
    QTestState *qts = qtest_init("-machine none");

    raminate_make_tier_files();
    raminate_assert_object_add(qts, CONTAINER);
    try_all(qts, of_container, set_container);
    assert_not_set_late(qts);
    raminate_assert_object_add(qts, FAST);
    assert_not_set_late(qts);
    raminate_assert_object_add(qts, SLOW);
    assert_not_set_late(qts);
    qtest_qmp_assert_success(qts, "{ 'execute': 'qom-set', 'arguments': "
                             "{ 'path': '/objects/fast', 'property':"
                             "  'prealloc', 'value': true } }");
    qtest_quit(qts);
}

/* New objects */

/* @start: of the object, in JSON */
static void add_refused(QTestState *qts, const char *start,
                        const char *property, const char *json,
                        const char *message)
{
    g_autofree char *command =
        g_strdup_printf("{ 'execute': 'object-add', 'arguments':"
                        "  { 'id': 'c', %s, '%s': %s } }",
                        start, property, json);

    assert_refused(qts, command, message);
}

#define QMP_CONTAINER "'qom-type': 'memory-backend-container'"
#define QMP_DEVMEM "'qom-type': 'memory-backend-devmem'"

static void add_container(QTestState *qts, const Property *property,
                          const char *json, const char *message)
{
    add_refused(qts, QMP_CONTAINER ", 'size': 1048576", property->name, json,
                message);
}

static void add_devmem(QTestState *qts, const Property *property,
                       const char *json, const char *message)
{
    add_refused(qts, QMP_DEVMEM ", 'size': 4096", property->name, json,
                message);
}

static void test_add(void)
{
    QTestState *qts = qtest_init("-machine none");

    try_all(qts, of_container, add_container);
    try_all(qts, of_devmem, add_devmem);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        if (values[i].type != INTEGER) {
            add_refused(qts, QMP_CONTAINER, "size", values[i].json,
                        "Parameter 'size' expects uint64");
            add_refused(qts, QMP_DEVMEM, "size", values[i].json,
                        "Parameter 'size' expects uint64");
        }
    }
    /* None of them has left an object, or its name. */
    raminate_assert_object_add(qts, CONTAINER);
    qtest_quit(qts);
}

/* The command line, where all is text */

#define NUMBER(name) "Parameter '" name "' expects a uint64 value"
#define SIZE(name) \
    "Parameter '" name "' expects a size value\n" \
    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, " \
    "peta-\nand exabytes, respectively."
#define SWITCH(name) "Parameter '" name "' expects 'on' or 'off'"

static const struct {
    const char *object;
    const char *message;
} lines[] = {
    { CONTAINER ",scan-period=abc", NUMBER("scan-period") },
    { CONTAINER ",scan-period=-1", NUMBER("scan-period") },
    { CONTAINER ",scan-period=1e3", NUMBER("scan-period") },
    { CONTAINER ",scan-period=1.5", NUMBER("scan-period") },
    { CONTAINER ",scan-period=7ms", NUMBER("scan-period") },
    { CONTAINER ",scan-period=", NUMBER("scan-period") },
    { CONTAINER ",scan-period=" TOO_LARGE, NUMBER("scan-period") },
    { CONTAINER ",scan-period=4294967296",
      "Parameter 'scan-period' expects uint32_t" },
    { CONTAINER ",max-swaps=-1", NUMBER("max-swaps") },
    { CONTAINER ",second-look=no", NUMBER("second-look") },
    { CONTAINER ",monitor=maybe", SWITCH("monitor") },
    { CONTAINER ",monitor=1", SWITCH("monitor") },
    { CONTAINER ",monitor=", SWITCH("monitor") },
    { CONTAINER ",period=7", "Invalid parameter 'period'\n"
      "-object memory-backend-container,help lists the options." },
    { CONTAINER ",policy.name=lru", "Invalid parameter 'policy.name'" },
    { "memory-backend-container,id=c,size=abc", SIZE("size") },
    { "memory-backend-container,id=c,size=-1", SIZE("size") },
    { "memory-backend-container,id=c,size=1e3", SIZE("size") },
    { "memory-backend-container,id=c,size=", SIZE("size") },
    { "memory-backend-container,id=c,size=16E", SIZE("size") },
    { FAST ",tier=-1", NUMBER("tier") },
    { FAST ",tier=256", "Parameter 'tier' expects uint8_t" },
    { FAST ",tier=fast", NUMBER("tier") },
    { FAST ",read-cost=1.5", NUMBER("read-cost") },
    { FAST ",write-cost=-1", NUMBER("write-cost") },
    { FAST ",write-cost=4294967296",
      "Parameter 'write-cost' expects uint32_t" },
    { FAST ",idle-power=low", NUMBER("idle-power") },
    { FAST ",scrub=maybe", SWITCH("scrub") },
    { "memory-backend-devmem,id=d,size=4K,phy-offset=-1", SIZE("phy-offset") },
    { "memory-backend-devmem,id=d,size=4K,offset=abc", SIZE("offset") },
};

static void test_command_line(void)
{
    raminate_make_tier_files();
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        g_autofree char *args = g_strdup_printf("-machine none -object %s",
                                                lines[i].object);

        raminate_assert_run_fails(args, lines[i].message);
    }
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/types/set", test_set);
    qtest_add_func("raminate/types/set-before-tiers", test_set_before_tiers);
    qtest_add_func("raminate/types/add", test_add);
    qtest_add_func("raminate/types/command-line", test_command_line);
    return g_test_run();
}
