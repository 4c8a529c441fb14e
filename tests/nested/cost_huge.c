/*
 * Counts the instructions that it takes to move a region of 2 MiB between two
 * NUMA nodes, in one piece and page by page, to take it apart, and to put it
 * together again. Runs as root on an emulated host whose clock counts
 * instructions; prints JSON, of a region each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define REGION (2ul << 20)
#define REGION_PAGES (REGION / PAGE)
#define REGIONS 16ul

/* Of Linux, for libraries that do not know them */
#define MOVE 2
#define BIND 2
#define COLLAPSE 25

static char *memory;

static uint64_t instructions(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static char *region(unsigned long number)
{
    return memory + number * REGION;
}

/* What of it is in huge pages, in bytes. */
static unsigned long huge_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    unsigned long sum = 0;
    char line[256];

    if (!file) {
        die("/proc/self/smaps_rollup");
    }
    while (fgets(line, sizeof(line), file) &&
           sscanf(line, "AnonHugePages: %lu", &sum) != 1) {
    }
    fclose(file);
    return sum << 10;
}

static void expect_huge(unsigned long bytes, const char *when)
{
    if (huge_bytes() != bytes) {
        fprintf(stderr, "%lu bytes in huge pages %s, not %lu\n",
                huge_bytes(), when, bytes);
        exit(1);
    }
}

/* Moves all pages of a region, and looks at where they are afterwards. */
static void move(unsigned long number, int node)
{
    void *addrs[REGION_PAGES];
    int nodes[REGION_PAGES], status[REGION_PAGES];

    for (unsigned long i = 0; i < REGION_PAGES; i++) {
        addrs[i] = region(number) + i * PAGE;
        nodes[i] = node;
    }
    if (syscall(SYS_move_pages, 0, REGION_PAGES, addrs, nodes, status,
                MOVE) < 0 ||
        syscall(SYS_move_pages, 0, REGION_PAGES, addrs, NULL, status,
                0) < 0) {
        die("move_pages");
    }
    for (unsigned long i = 0; i < REGION_PAGES; i++) {
        if (status[i] != node) {
            fprintf(stderr, "page %lu: %d\n", i, status[i]);
            exit(1);
        }
    }
}

static uint64_t move_all(int node)
{
    uint64_t begin = instructions();

    for (unsigned long i = 0; i < REGIONS; i++) {
        move(i, node);
    }
    return (instructions() - begin) / REGIONS;
}

/* Says of some pages of each region that they are cold. */
static uint64_t split_all(unsigned long pages)
{
    uint64_t begin = instructions();

    for (unsigned long i = 0; i < REGIONS * pages; i++) {
        if (madvise(region(i / pages) + i % pages * PAGE, PAGE,
                    MADV_COLD) < 0) {
            die("MADV_COLD");
        }
    }
    return (instructions() - begin) / REGIONS;
}

static uint64_t collapse_all(void)
{
    uint64_t begin = instructions();

    for (unsigned long i = 0; i < REGIONS; i++) {
        if (madvise(region(i), REGION, COLLAPSE) < 0) {
            die("MADV_COLLAPSE");
        }
    }
    return (instructions() - begin) / REGIONS;
}

static void make_memory(void)
{
    unsigned long node = 1;
    char *all = mmap(NULL, (REGIONS + 1) * REGION, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED) {
        die("mmap");
    }
    memory = (char *)(((uintptr_t)all + REGION - 1) & ~(REGION - 1));
    if (syscall(SYS_mbind, memory, REGIONS * REGION, BIND, &node, 64, 0) < 0) {
        die("mbind");
    }
    if (madvise(memory, REGIONS * REGION, MADV_HUGEPAGE) < 0) {
        die("MADV_HUGEPAGE");
    }
    memset(memory, 1, REGIONS * REGION);
    expect_huge(REGIONS * REGION, "at first");
}

int main(void)
{
    uint64_t whole, split, again, alone, collapse;

    make_memory();
    /* For the first time a page goes somewhere, the kernel has more to do. */
    move_all(1);
    whole = move_all(0);
    expect_huge(REGIONS * REGION, "after moves in one piece");
    split = split_all(1);
    expect_huge(0, "after they were split");
    again = split_all(REGION_PAGES);
    alone = move_all(1);
    collapse = collapse_all();
    expect_huge(REGIONS * REGION, "after they were put together");
    printf("{\"whole\": %" PRIu64 ", \"split\": %" PRIu64 ", \"again\": %"
           PRIu64 ", \"alone\": %" PRIu64 ", \"collapse\": %" PRIu64 "}\n",
           whole, split, again, alone, collapse);
    return 0;
}
