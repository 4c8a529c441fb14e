/*
 * RAMinate: what the qtests share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef RAMINATE_COMMON_H
#define RAMINATE_COMMON_H

#include "tests/qtest/libqtest.h"
#include "qobject/qdict.h"

#define PAGE_SIZE 4096

/*
 * The machine that most tests use: RAM from address 0 on, a CPU that does
 * nothing, and no device, so that nobody but the test writes.  Its container
 * "c" has 256 pages: 64 in "fast", of the file "dram" from page 16 on, and 192
 * in "slow", of the file "nvm" from page 32 on.
 */
#define FAST_PAGES 64
#define SLOW_PAGES 192
#define NR_PAGES (FAST_PAGES + SLOW_PAGES)
#define FAST_FIRST 16
#define SLOW_FIRST 32
#define FAST \
    "memory-backend-devmem,id=fast,parent=c,size=256K,mem-path=dram," \
    "phy-offset=64K"
#define SLOW \
    "memory-backend-devmem,id=slow,parent=c,size=768K,mem-path=nvm," \
    "phy-offset=128K,offset=256K"
#define CONTAINER "memory-backend-container,id=c,size=1M"
#define MACHINE "-cpu qemu64,apic-id=0 -machine none,memory-backend=c -m 1M"

/*
 * Makes a directory for temporary files the current one, which is removed at
 * exit.  Takes the place of g_test_init().
 */
void raminate_test_init(int *argc, char ***argv);

/*
 * Programs that are started from now on find @value before what the variable
 * says already, after a colon.  Returns: what it says, or NULL, which is the
 * caller's to put back.
 */
char *raminate_env_prepend(const char *variable, const char *value);
void raminate_env_put_back(const char *variable, char *before);

/* Files: all are sparse and read as zero at first. */
void raminate_make_file(const char *name, uint64_t size);
void raminate_make_tier_files(void);
void raminate_read_file(const char *name, uint64_t offset, void *data,
                        size_t size);
void raminate_write_file(const char *name, uint64_t offset, const void *data,
                         size_t size);

/* Returns: whether frame @frame of the file takes a block. */
bool raminate_has_block(const char *name, uint32_t frame);

/*
 * A file without a name, kept until exit.
 * @memory: whether it is in memory, as on a tmpfs; else it is on the file
 *          system of the directory in which the test was started
 * Returns: a path to it, for this process and its children, owned by the
 * caller; NULL if it can't be made so.
 */
char *raminate_make_nameless(bool memory, uint64_t size);

/*
 * @settings: options of the container, each with a comma in front
 * @args: more arguments
 * Returns: QEMU with the machine above and new files.
 */
QTestState *raminate_start(const char *settings, const char *args);

/* Returns: what QEMU prints on stdout before it exits with status 0. */
char *raminate_run(const char *args);

/* Returns: the same of stderr. */
char *raminate_run_warns(const char *args);

/* Returns: what QEMU prints on stderr before it exits with status 1. */
char *raminate_run_fails(const char *args);

/* The same of one that waits for a guest, and is not told to end. */
char *raminate_incoming_fails(const char *args);

/* Checks that QEMU refuses to start, with this message and no other. */
void raminate_assert_run_fails(const char *args, const char *message);

/*
 * Commands.  The caller owns what they return.
 * @options: as after -object, "TYPE,id=ID,..."
 */
QDict *raminate_object_add(QTestState *qts, const char *options);
void raminate_assert_object_add(QTestState *qts, const char *options);
void raminate_assert_object_del(QTestState *qts, const char *id);
QDict *raminate_qom_get(QTestState *qts, const char *path,
                        const char *property);
void raminate_assert_qom_string(QTestState *qts, const char *path,
                                const char *property, const char *value);
void raminate_assert_qom_uint(QTestState *qts, const char *path,
                              const char *property, uint64_t value);
void raminate_set_uint(QTestState *qts, const char *property, uint64_t value);
void raminate_set_string(QTestState *qts, const char *property,
                         const char *value);

/* Checks that @response is an error with this message; drops it. */
void raminate_assert_error(QDict *response, const char *message);

/* Checks that the VM answers, and that its guest runs. */
void raminate_assert_vm_runs(QTestState *qts);

/* Returns: the settings and figures of container @id. */
QDict *raminate_query(QTestState *qts, const char *id);
/* Returns: one figure of the container "c". */
uint64_t raminate_figure(QTestState *qts, const char *name);
/* Returns: figure @name of the tier of rank @tier of the container "c". */
uint64_t raminate_tier_figure(QTestState *qts, unsigned tier,
                              const char *name);

/* Returns: the tier that @page of the container "c" is in. */
unsigned raminate_tier_of(QTestState *qts, uint32_t page);

/* Waits until the figure is @value at least. */
void raminate_wait_figure(QTestState *qts, const char *name, uint64_t value);
/* Waits until @nr more scans were begun and ended. */
void raminate_wait_scans(QTestState *qts, unsigned nr);
void raminate_wait_state(QTestState *qts, const char *state);
/* Counts rounds of waiting in @rounds, and fails after many. */
void raminate_wait(unsigned *rounds, const char *what);

/* Returns: QEMU's mappings, a line of text each, to be freed by the caller. */
char **raminate_host_mappings(QTestState *qts);

/* Does what the guest of a PC does that lets go of the DIMM in slot 0. */
void raminate_eject_dimm(QTestState *qts);

typedef struct RaminateTestPair {
    uint32_t a;
    uint32_t b;
} RaminateTestPair;

/* Returns: the response. */
QDict *raminate_swap_pages(QTestState *qts, const RaminateTestPair *pairs,
                           size_t nr);
/*
 * Exchanges pairs of the container "c"; waits for the placer to start.
 * Returns: how many were exchanged.
 */
size_t raminate_swap_some(QTestState *qts, const RaminateTestPair *pairs,
                          size_t nr);
/* The same for one, which is. */
void raminate_assert_swap(QTestState *qts, uint32_t a, uint32_t b);

/* Each page gets contents of its own, which depend on @generation too. */
void raminate_fill_page(void *page, uint32_t number, uint32_t generation);
void raminate_write_page(QTestState *qts, uint32_t page, uint32_t generation);
void raminate_assert_page(QTestState *qts, uint32_t page,
                          uint32_t generation);
void raminate_assert_zero_page(QTestState *qts, uint32_t page);
/* Checks that frame @frame of file @name holds what @page was filled with. */
void raminate_assert_frame(const char *name, uint32_t frame, uint32_t page,
                           uint32_t generation);

#endif
