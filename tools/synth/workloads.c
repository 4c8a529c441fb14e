/*
 * RAMinate: made-up workloads
 *
 * Each is a sketch of how programs of a kind write memory; sizes are shares
 * of the guest.  Those whose name ends in 2 are for judging what was tuned on
 * the others.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <math.h>

#include "synth.h"

#define FULL_PAGE 64

/* Building blocks.  Page numbers are places, as the program sees them. */

static void write_at(Synth *s, uint32_t place, uint32_t events, uint32_t lines)
{
    synth_write(s, s->place[place % s->nr_pages], events, lines);
}

static uint32_t part(const Synth *s, double share)
{
    return s->nr_pages * share;
}

/* A kernel and daemons: few pages always, some more now and then */
static void write_system(Synth *s)
{
    uint32_t nr = part(s, 0.02);
    uint32_t start = part(s, 0.97);

    for (uint32_t i = 0; i < nr; i++) {
        write_at(s, start + i, synth_poisson(s, 40.0 / (i + 1)), 3);
    }
    for (uint32_t i = 0; i < 20; i++) {
        write_at(s, synth_below(s, s->nr_pages), 1, 4);
    }
}

/* @rate: writes to all pages of the set; the first ones get the most */
static void write_zipf(Synth *s, uint32_t start, uint32_t nr, double skew,
                       double rate, uint32_t lines)
{
    double sum = 0;

    for (uint32_t i = 0; i < nr; i++) {
        sum += pow(i + 1, -skew);
    }
    for (uint32_t i = 0; i < nr; i++) {
        write_at(s, start + i, synth_poisson(s, rate * pow(i + 1, -skew) / sum),
                 lines);
    }
}

static void write_uniform(Synth *s, uint32_t start, uint32_t nr, double rate,
                          uint32_t lines)
{
    for (uint32_t i = 0; i < nr; i++) {
        write_at(s, start + i, synth_poisson(s, rate), lines);
    }
}

/* Returns: where the sequence goes on next time. */
static uint32_t write_sequence(Synth *s, uint32_t start, uint32_t nr,
                               uint32_t next, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        write_at(s, start + (next + i) % nr, 1, FULL_PAGE);
    }
    return (next + length) % nr;
}

static void *no_state(Synth *s)
{
    (void)s;
    return NULL;
}

/* Zipf: a fixed set of records */

static void zipf_step(Synth *s, void *state)
{
    (void)state;
    write_zipf(s, 0, part(s, 0.6), 0.9, 60000, 1);
    write_system(s);
}

static void zipf2_step(Synth *s, void *state)
{
    (void)state;
    write_zipf(s, part(s, 0.2), part(s, 0.7), 1.1, 20000, 2);
    write_system(s);
}

/* A hot set that moves on */

static void moving_step(Synth *s, void *state)
{
    uint32_t start = s->scan / 40 * part(s, 0.013);

    (void)state;
    write_uniform(s, start, part(s, 0.05), 1.5, 8);
    write_zipf(s, 0, part(s, 0.5), 0.6, 2000, 2);
    write_system(s);
}

static void moving2_step(Synth *s, void *state)
{
    uint32_t start = s->scan * part(s, 0.0005);

    (void)state;
    write_uniform(s, start, part(s, 0.06), 0.7, 12);
    write_system(s);
}

/* Phases that come back */

static void phases_step(Synth *s, void *state)
{
    uint32_t phase = s->scan / 45 % 3;

    (void)state;
    write_zipf(s, part(s, 0.3) * phase, part(s, 0.2), 0.7, 12000, 4);
    write_system(s);
}

static void phases2_step(Synth *s, void *state)
{
    static const double starts[] = { 0.1, 0.55, 0.1, 0.8, 0.3 };
    uint32_t phase = s->scan / 70 % G_N_ELEMENTS(starts);

    (void)state;
    write_uniform(s, part(s, starts[phase]), part(s, 0.08), 2, 6);
    write_zipf(s, 0, part(s, 0.9), 0.8, 3000, 2);
    write_system(s);
}

/* Sets that are written evenly and larger than fast memory */

static void *stream_start(Synth *s)
{
    (void)s;
    return g_new0(uint32_t, 1);
}

static void stream_step(Synth *s, void *state)
{
    uint32_t *next = state;

    *next = write_sequence(s, part(s, 0.1), part(s, 0.7), *next,
                           part(s, 0.04));
    write_system(s);
}

static void stream2_step(Synth *s, void *state)
{
    uint32_t *next = state;

    *next = write_sequence(s, 0, part(s, 0.45), *next, part(s, 0.3));
    write_system(s);
}

static void uniform_step(Synth *s, void *state)
{
    (void)state;
    write_uniform(s, part(s, 0.05), part(s, 0.8), 0.3, 6);
    write_system(s);
}

/* As mcf: nearly all pages all the time, and arcs more than nodes */
static void mcf2_step(Synth *s, void *state)
{
    (void)state;
    write_uniform(s, 0, part(s, 0.75), 3, 2);
    write_uniform(s, part(s, 0.75), part(s, 0.1), 6, 2);
    write_system(s);
}

/* A compiler: processes that come and go, on pages reused last freed first */

#define MAX_JOBS 8

typedef struct Process {
    uint32_t age;
    uint32_t life;
    uint32_t nr;
    uint32_t *pages;
} Process;

typedef struct Compile {
    Process jobs[MAX_JOBS];
    unsigned nr_jobs;
    uint32_t *free;             /* a stack */
    uint32_t nr_free;
    uint32_t output;            /* where files grow */
    double mean_life;
    double mean_size;
} Compile;

static Compile *compile_new(Synth *s, unsigned nr_jobs, double mean_life,
                            double mean_size)
{
    Compile *c = g_new0(Compile, 1);

    c->nr_jobs = nr_jobs;
    c->mean_life = mean_life;
    c->mean_size = mean_size;
    c->nr_free = part(s, 0.6);
    c->free = g_new(uint32_t, c->nr_free);
    synth_shuffle(s, c->free, c->nr_free);
    return c;
}

static void *compile_start(Synth *s)
{
    return compile_new(s, 2, 4, 0.02);
}

static void *compile2_start(Synth *s)
{
    return compile_new(s, 6, 9, 0.008);
}

static void compile_step(Synth *s, void *state)
{
    Compile *c = state;

    for (unsigned i = 0; i < c->nr_jobs; i++) {
        Process *p = &c->jobs[i];
        uint32_t grow;

        if (p->age == p->life) {
            for (uint32_t j = p->nr; j-- > 0;) {
                c->free[c->nr_free++] = p->pages[j];
            }
            p->nr = 0;
            p->age = 0;
            p->life = 1 + synth_poisson(s, c->mean_life);
            p->pages = g_renew(uint32_t, p->pages, part(s, 0.6));
            /* The object file */
            c->output = write_sequence(s, part(s, 0.6), part(s, 0.37),
                                       c->output, part(s, 0.001));
        }
        grow = part(s, c->mean_size) * (0.3 + 1.4 * synth_uniform(s)) /
               p->life;
        for (uint32_t j = 0; j < grow && c->nr_free; j++) {
            uint32_t page = c->free[--c->nr_free];

            p->pages[p->nr++] = page;
            write_at(s, page, 1, FULL_PAGE);
        }
        for (uint32_t j = 0; j < p->nr; j++) {
            write_at(s, p->pages[j], synth_poisson(s, j % 4 ? 0.2 : 3), 4);
        }
        p->age++;
    }
    write_system(s);
}

/* A key-value store: records, a log, and a table that is built anew */

static void kv_step(Synth *s, void *state)
{
    uint32_t *next = state;

    write_zipf(s, 0, part(s, 0.4), 0.99, 30000, 2);
    *next = write_sequence(s, part(s, 0.5), part(s, 0.4), *next,
                           part(s, 0.002));
    write_system(s);
}

static void kv2_step(Synth *s, void *state)
{
    uint32_t *next = state;

    write_zipf(s, part(s, 0.45), part(s, 0.5), 0.8, 12000, 3);
    *next = write_sequence(s, 0, part(s, 0.4), *next, part(s, 0.004));
    if (s->scan % 200 >= 180) {
        write_sequence(s, part(s, 0.4), part(s, 0.05),
                       s->scan * part(s, 0.004), part(s, 0.004));
    }
    write_system(s);
}

/* A graph search: a queue, a map of what was seen, levels of their own size */

static void graph2_step(Synth *s, void *state)
{
    static const double rate[] = { 0.01, 0.1, 0.9, 2.5, 1.2, 0.2, 0.03 };
    uint32_t level = s->scan / 6 % G_N_ELEMENTS(rate);
    uint32_t *next = state;

    write_uniform(s, part(s, 0.1), part(s, 0.02), 20 * rate[level], 1);
    write_uniform(s, part(s, 0.15), part(s, 0.3), rate[level], 2);
    *next = write_sequence(s, part(s, 0.5), part(s, 0.15), *next,
                           part(s, 0.01 * rate[level]));
    write_system(s);
}

/* A managed heap: a nursery written round and round, survivors copied */

static void heap_step(Synth *s, void *state)
{
    uint32_t *next = state;

    *next = write_sequence(s, 0, part(s, 0.06), *next, part(s, 0.05));
    write_zipf(s, part(s, 0.1), part(s, 0.5), 0.7, 4000, 2);
    if (s->scan % 120 > 115) {
        write_uniform(s, part(s, 0.1), part(s, 0.4), 1, 40);
    }
    write_system(s);
}

static void heap2_step(Synth *s, void *state)
{
    uint32_t *next = state;

    *next = write_sequence(s, part(s, 0.4), part(s, 0.25), *next,
                           part(s, 0.03));
    write_zipf(s, 0, part(s, 0.4), 0.85, 5000, 2);
    if (s->scan % 90 > 87) {
        write_uniform(s, 0, part(s, 0.3), 1, 40);
    }
    write_system(s);
}

/* Quiet, and bursts somewhere */

typedef struct Bursts {
    uint32_t start;
    uint32_t nr;
    uint32_t left;
    double rate;
} Bursts;

static void *bursts_start(Synth *s)
{
    (void)s;
    return g_new0(Bursts, 1);
}

static void bursts_step(Synth *s, void *state)
{
    Bursts *b = state;

    if (b->left) {
        b->left--;
        write_uniform(s, b->start, b->nr, b->rate, 10);
    } else if (synth_below(s, 8) == 0) {
        b->start = synth_below(s, s->nr_pages);
        b->nr = part(s, 0.01 + 0.05 * synth_uniform(s));
        b->left = 2 + synth_below(s, 20);
        b->rate = 0.5 + synth_uniform(s);
    }
    write_zipf(s, 0, part(s, 0.1), 0.9, 1500, 2);
    write_system(s);
}

/* A web server: workers, buffers in a ring, a log; rush hours */

static void web2_step(Synth *s, void *state)
{
    uint32_t *next = state;
    double load = 1 + sin(s->scan / 60.0);

    write_uniform(s, part(s, 0.05), part(s, 0.015), 8 * load, 2);
    write_zipf(s, part(s, 0.1), part(s, 0.12), 0.5, 6000 * load, 2);
    *next = write_sequence(s, part(s, 0.3), part(s, 0.02), *next,
                           part(s, 0.012 * load));
    write_sequence(s, part(s, 0.5), part(s, 0.45),
                   s->scan * part(s, 0.001), part(s, 0.001));
    write_system(s);
}

/* A database: a tree, a journal in a ring, checkpoints */

static void db2_step(Synth *s, void *state)
{
    uint32_t *next = state;

    write_zipf(s, 0, part(s, 0.005), 0.4, 8000, 1);
    write_zipf(s, part(s, 0.01), part(s, 0.6), 0.75, 9000, 2);
    *next = write_sequence(s, part(s, 0.65), part(s, 0.03), *next,
                           part(s, 0.004));
    if (s->scan % 150 > 140) {
        write_uniform(s, part(s, 0.7), part(s, 0.05), 1, 30);
    }
    write_system(s);
}

const Workload workloads[] = {
    { "zipf", "records, some more popular than others", no_state, zipf_step },
    { "moving", "a hot set that jumps on every 40 s", no_state, moving_step },
    { "phases", "three hot sets in turn", no_state, phases_step },
    { "stream", "a large array from end to end", stream_start, stream_step },
    { "uniform", "a large set at random", no_state, uniform_step },
    { "compile", "2 short-lived processes at a time", compile_start,
      compile_step },
    { "kv", "a key-value store with a log", stream_start, kv_step },
    { "heap", "a managed heap with a small nursery", stream_start,
      heap_step },
    { "bursts", "bursts in places that are new", bursts_start, bursts_step },
    { "zipf2", "fewer records are popular", no_state, zipf2_step },
    { "moving2", "a hot set that creeps", no_state, moving2_step },
    { "phases2", "four hot sets, one more often", no_state, phases2_step },
    { "stream2", "a smaller array, faster", stream_start, stream2_step },
    { "mcf2", "nearly all memory all the time", no_state, mcf2_step },
    { "compile2", "6 processes that live longer", compile2_start,
      compile_step },
    { "kv2", "a flatter store, and a table built anew", stream_start,
      kv2_step },
    { "graph2", "searches of a graph, one after the other", stream_start,
      graph2_step },
    { "heap2", "a managed heap with a large nursery", stream_start,
      heap2_step },
    { "web2", "a web server with rush hours", stream_start, web2_step },
    { "db2", "a database with checkpoints", stream_start, db2_step },
    { NULL, NULL, NULL, NULL },
};
