/*
 * Memory checker: finds any write that was lost or misplaced.
 *
 * One thread on each vCPU stamps memory without pause and verifies what
 * it wrote before; each of the devices named by disk= and net=, in lists with
 * commas, has another.  The line "finish" on standard input ends it with a
 * verdict.  With wait=1 it begins only at the line "start".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker.h"

#define ERRORS_SHOWN 20
#define DEFAULT_PERCENT 75

typedef struct Stamper {
    Checker *c;
    unsigned thread;
} Stamper;

bool checker_stopped(Checker *c)
{
    return __atomic_load_n(&c->stop, __ATOMIC_RELAXED);
}

void checker_error(Checker *c, const char *what, uint64_t where,
                   uint64_t want, uint64_t got)
{
    if (__atomic_fetch_add(&c->errors, 1, __ATOMIC_RELAXED) < ERRORS_SHOWN) {
        printf("checker: ERROR in %s at 0x%llx: "
               "expected 0x%llx, found 0x%llx\n", what,
               (unsigned long long)where, (unsigned long long)want,
               (unsigned long long)got);
    }
}

bool stamp_check(Checker *c, const char *what, const uint64_t *words,
                 size_t n, uint64_t tag, uint64_t counter)
{
    bool good = true;
    size_t i;

    for (i = 0; i < n; i++) {
        uint64_t want = stamp_value(tag, i, counter);

        if (words[i] != want) {
            checker_error(c, what, tag + i * sizeof(uint64_t), want,
                          words[i]);
            good = false;
        }
    }
    return good;
}

void *checker_map(size_t pages, bool executable)
{
    int prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
    void *p = mmap(NULL, pages * PAGE_SIZE, prot,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED) {
        perror("checker: mmap");
        exit(1);
    }
    return p;
}

static void *stamper_thread(void *opaque)
{
    Stamper *s = opaque;
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(s->thread, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
    while (!checker_stopped(s->c)) {
        stamps_round(s->c, s->thread);
        atomics_round(s->c, s->thread);
        code_round(s->c, s->thread);
        file_round(s->c, s->thread);
    }
    stamps_final(s->c, s->thread);
    return NULL;
}

static CheckerCounts sum_counts(const Checker *c)
{
    CheckerCounts sum = { 0 };
    unsigned i;

    for (i = 0; i < MAX_THREADS + MAX_DEVICES; i++) {
        sum.stamps += c->counts[i].stamps;
        sum.passes += c->counts[i].passes;
        sum.atomics += c->counts[i].atomics;
        sum.calls += c->counts[i].calls;
        sum.file_blocks += c->counts[i].file_blocks;
        sum.net_frames += c->counts[i].net_frames;
        sum.disk_blocks += c->counts[i].disk_blocks;
    }
    return sum;
}

static void print_counts(const Checker *c, const char *what)
{
    CheckerCounts sum = sum_counts(c);

    printf("checker: %s errors=%llu threads=%u stamps=%llu passes=%llu "
           "atomics=%llu calls=%llu file=%llu net=%llu disk=%llu\n", what,
           (unsigned long long)c->errors, c->threads,
           (unsigned long long)sum.stamps, (unsigned long long)sum.passes,
           (unsigned long long)sum.atomics, (unsigned long long)sum.calls,
           (unsigned long long)sum.file_blocks,
           (unsigned long long)sum.net_frames,
           (unsigned long long)sum.disk_blocks);
}

/* Prints progress once a second until it is told to finish. */
static void serve_console(Checker *c)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char line[80];

    for (;;) {
        if (poll(&in, 1, 1000) == 0) {
            print_counts(c, "running");
        } else if (fgets(line, sizeof(line), stdin) &&
                   !strncmp(line, "finish", 6)) {
            return;
        }
    }
}

static size_t available_pages(void)
{
    unsigned long long kib = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");

    while (f && fgets(line, sizeof(line), f) &&
           sscanf(line, "MemAvailable: %llu kB", &kib) != 1) {
        continue;
    }
    if (f) {
        fclose(f);
    }
    return kib * 1024 / PAGE_SIZE;
}

static char *argument(int argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    int i;

    for (i = 1; i < argc; i++) {
        if (!strncmp(argv[i], name, len) && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return NULL;
}

/* Tells at every line how much memory there is, until the line "start". */
static void wait_for_start(void)
{
    char line[80] = "";

    while (strncmp(line, "start", 5)) {
        printf("checker: waiting available=%zu\n", available_pages());
        if (!fgets(line, sizeof(line), stdin)) {
            perror("checker: read");
            exit(1);
        }
    }
}

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    if (pthread_create(thread, NULL, fn, arg)) {
        perror("checker: pthread_create");
        exit(1);
    }
}

/* @names: with commas in between, or NULL */
static void start_devices(Checker *c, char *names, void *(*fn)(void *),
                          pthread_t *threads)
{
    static CheckerDevice devices[MAX_DEVICES];
    char *name;

    for (name = names ? strtok(names, ",") : NULL; name;
         name = strtok(NULL, ",")) {
        unsigned i = c->devices++;

        if (i == MAX_DEVICES) {
            printf("checker: more than %d devices\n", MAX_DEVICES);
            exit(1);
        }
        devices[i] = (CheckerDevice) {
            .c = c, .counts = &c->counts[MAX_THREADS + i], .name = name,
        };
        start_thread(&threads[i], fn, &devices[i]);
    }
}

int main(int argc, char **argv)
{
    static Checker c;
    Stamper stampers[MAX_THREADS];
    pthread_t threads[MAX_THREADS], devices[MAX_DEVICES];
    const char *percent = argument(argc, argv, "percent");
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t pages;
    unsigned i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argument(argc, argv, "wait")) {
        wait_for_start();
    }
    c.threads = cpus < MAX_THREADS ? cpus : MAX_THREADS;
    atomics_init(&c);
    code_init(&c);
    file_init(&c);
    pages = available_pages() * (percent ? atoi(percent) : DEFAULT_PERCENT) /
            100;
    stamps_init(&c, pages);
    printf("checker: started pages=%zu\n", pages);

    for (i = 0; i < c.threads; i++) {
        stampers[i] = (Stamper) { .c = &c, .thread = i };
        start_thread(&threads[i], stamper_thread, &stampers[i]);
    }
    start_devices(&c, argument(argc, argv, "disk"), disk_thread, devices);
    start_devices(&c, argument(argc, argv, "net"), net_thread, devices);
    serve_console(&c);

    __atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
    for (i = 0; i < c.threads; i++) {
        pthread_join(threads[i], NULL);
    }
    for (i = 0; i < c.devices; i++) {
        pthread_join(devices[i], NULL);
    }
    atomics_final(&c);
    print_counts(&c, c.errors ? "FAIL" : "PASS");
    return c.errors != 0;
}
