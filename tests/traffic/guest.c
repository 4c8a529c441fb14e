/*
 * A bare guest whose traffic is known by arithmetic.
 *
 * Its command line says what to do, in order:
 *
 *   fill=START+SIZE*PASSES     write all of it, PASSES times
 *   read=START+SIZE*PASSES     read all of it
 *   pages=START+SIZE*PASSES    write page I's first I % 65 lines
 *   random=START+SIZE*WRITES   write lines at random, as next_random() says
 *   straddle=START+SIZE*PASSES write from each line to the next one
 *   both                       from here on, two CPUs do the same at once
 *   halves                     from here on, each does it to one half
 *
 * Addresses are physical, and numbers decimal.  The loops themselves use no
 * other memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdbool.h>
#include <stdint.h>

#define LINE 64
#define PAGE 4096
#define WORD 4

/* Of the local interrupt controller */
#define APIC_COMMAND ((volatile uint32_t *)0xfee00300)
#define TO_ALL_OTHERS 0xc0000
#define INIT 0x4500
#define STARTUP 0x4600
#define PENDING 0x1000
#define OTHER_CODE 0x8000

/* QEMU's isa-debug-exit */
#define EXIT_PORT 0x501

typedef struct Job {
    char kind;                  /* first letter of its name; 0 for none */
    uint32_t start;
    uint32_t size;
    uint32_t times;
} Job;

extern const char other_start[], other_end[];
void first_cpu(const uint32_t *boot);
void other_cpu(void);

static volatile Job shared_job;
static volatile uint32_t handed_out, done;      /* numbers of jobs */

static void fill(uint32_t start, uint32_t size)
{
    for (uint32_t at = start; at < start + size; at += WORD) {
        *(volatile uint32_t *)at = at;
    }
}

static void read(uint32_t start, uint32_t size)
{
    for (uint32_t at = start; at < start + size; at += LINE) {
        *(volatile uint32_t *)at;
    }
}

static void fill_pages(uint32_t start, uint32_t size)
{
    for (uint32_t i = 0; i < size / PAGE; i++) {
        for (uint32_t j = 0; j < i % (PAGE / LINE + 1); j++) {
            *(volatile uint32_t *)(start + i * PAGE + j * LINE) = j;
        }
    }
}

static void straddle(uint32_t start, uint32_t size)
{
    for (uint32_t at = start + LINE - 2; at + LINE < start + size;
         at += LINE) {
        *(volatile uint32_t *)at = at;
    }
}

static uint32_t next_random(uint32_t state)
{
    return state * 1664525 + 1013904223;
}

static void write_random(uint32_t start, uint32_t size, uint32_t writes)
{
    uint32_t state = 1;

    while (writes--) {
        state = next_random(state);
        *(volatile uint32_t *)(start + (state >> 8) % (size / LINE) * LINE) =
            state;
    }
}

static void run(const volatile Job *job)
{
    for (uint32_t i = 0; i < job->times; i++) {
        switch (job->kind) {
        case 'f':
            fill(job->start, job->size);
            break;
        case 'r':
            read(job->start, job->size);
            break;
        case 'p':
            fill_pages(job->start, job->size);
            break;
        case 's':
            straddle(job->start, job->size);
            break;
        case 'n':
            write_random(job->start, job->size, job->times);
            return;
        }
    }
}

void other_cpu(void)
{
    for (uint32_t number = 1;; number++) {
        while (handed_out < number) {
            __builtin_ia32_pause();
        }
        run(&shared_job);
        done = number;
    }
}

/* @halves: each gets its own part of the memory */
static void run_on_both(Job job, bool halves)
{
    if (halves) {
        job.size /= 2;
    }
    shared_job.kind = job.kind;
    shared_job.start = job.start + (halves ? job.size : 0);
    shared_job.size = job.size;
    shared_job.times = job.times;
    handed_out++;
    run(&job);
    while (done < handed_out) {
        __builtin_ia32_pause();
    }
}

static void send(uint32_t message)
{
    *APIC_COMMAND = TO_ALL_OTHERS | message;
    while (*APIC_COMMAND & PENDING) {
        __builtin_ia32_pause();
    }
}

static void start_other_cpu(void)
{
    for (const char *from = other_start; from < other_end; from++) {
        ((volatile char *)OTHER_CODE)[from - other_start] = *from;
    }
    send(INIT);
    send(STARTUP | OTHER_CODE / PAGE);
}

static uint32_t take_number(const char **text)
{
    uint32_t number = 0;

    while (**text >= '0' && **text <= '9') {
        number = number * 10 + *(*text)++ - '0';
    }
    return number;
}

/* Returns: where the next word begins. */
static const char *take_job(const char *text, Job *job)
{
    /* "random" begins like "read". */
    job->kind = text[0] == 'r' && text[1] == 'a' ? 'n' : text[0];
    while (*text && *text != ' ' && *text != '=') {
        text++;
    }
    if (*text == '=') {
        text++;
        job->start = take_number(&text);
        text++;
        job->size = take_number(&text);
        text++;
        job->times = take_number(&text);
    }
    while (*text == ' ') {
        text++;
    }
    return text;
}

/* The loader tells where the command line is; it begins with a file's name. */
void first_cpu(const uint32_t *boot)
{
    const char *text = (const char *)boot[4];
    char cpus = '\0';
    Job job;

    while (*text && *text != ' ') {
        text++;
    }
    while (*text == ' ') {
        text++;
    }
    while (*text) {
        text = take_job(text, &job);
        if (job.kind == 'b' || job.kind == 'h') {
            if (!cpus) {
                start_other_cpu();
            }
            cpus = job.kind;
        } else if (cpus) {
            run_on_both(job, cpus == 'h');
        } else {
            run(&job);
        }
    }
    asm volatile("outb %b0, %w1" : : "a" (0), "Nd" (EXIT_PORT));
}
