/*
 * A graph search, as graph500 has it: makes a Kronecker graph, sorts its
 * edges by vertex, and searches it breadth first from random vertices; then
 * the next graph.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define NOT_REACHED (-1)

typedef struct Edge {
    uint32_t from;
    uint32_t to;
} Edge;

typedef struct Graph {
    uint32_t nr_vertices;
    uint64_t nr_edges;
    Edge *edges;                /* as they were made */
    uint64_t *first;            /* of each vertex's neighbours, and the end */
    uint32_t *neighbours;       /* each edge is in it twice */
    int64_t *parents;           /* of the search */
    uint32_t *queue;
} Graph;

static void *allocate(uint64_t nr, size_t size)
{
    void *memory = malloc(nr * size);

    if (!memory) {
        fprintf(stderr, "bfs: no memory for %" PRIu64 " items\n", nr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* One bit of both ends a round, with graph500's odds: 57, 19, 19, 5 of 100 */
static Edge make_edge(unsigned scale, uint64_t *random)
{
    Edge edge = { 0, 0 };
    uint64_t bits = 0;

    for (unsigned i = 0; i < scale; i++) {
        unsigned odds;

        if (i % 4 == 0) {
            bits = random_next(random);
        }
        odds = (bits & 0xffff) * 100 >> 16;
        bits >>= 16;
        edge.from = edge.from << 1 | (odds >= 76);
        edge.to = edge.to << 1 | ((odds >= 57 && odds < 76) || odds >= 95);
    }
    return edge;
}

/* Vertices with many edges are spread all over. */
static uint32_t scramble(uint32_t vertex, unsigned scale, uint64_t seed)
{
    uint32_t mask = (UINT32_C(1) << scale) - 1;

    vertex = (vertex ^ seed) & mask;
    vertex = vertex * UINT32_C(0x9e3779b1) & mask;
    vertex ^= vertex >> scale / 2;
    return vertex * UINT32_C(0x85ebca6b) & mask;
}

static void make_edges(Graph *graph, unsigned scale, uint64_t seed)
{
    uint64_t random = seed;

    for (uint64_t i = 0; i < graph->nr_edges; i++) {
        Edge edge = make_edge(scale, &random);

        graph->edges[i].from = scramble(edge.from, scale, seed);
        graph->edges[i].to = scramble(edge.to, scale, seed);
    }
}

static void sort_edges(Graph *graph)
{
    uint64_t *first = graph->first;

    memset(first, 0, (graph->nr_vertices + UINT64_C(2)) * sizeof(*first));
    for (uint64_t i = 0; i < graph->nr_edges; i++) {
        first[graph->edges[i].from + 2]++;
        first[graph->edges[i].to + 2]++;
    }
    for (uint32_t i = 2; i < graph->nr_vertices + 2; i++) {
        first[i] += first[i - 1];
    }
    /* Ends as the first of each, one further on. */
    for (uint64_t i = 0; i < graph->nr_edges; i++) {
        Edge edge = graph->edges[i];

        graph->neighbours[first[edge.from + 1]++] = edge.to;
        graph->neighbours[first[edge.to + 1]++] = edge.from;
    }
}

/* Returns: number of vertices reached. */
static uint32_t search(Graph *graph, uint32_t root)
{
    uint32_t head = 0;
    uint32_t tail = 0;

    for (uint32_t i = 0; i < graph->nr_vertices; i++) {
        graph->parents[i] = NOT_REACHED;
    }
    graph->parents[root] = root;
    graph->queue[tail++] = root;
    while (head < tail) {
        uint32_t vertex = graph->queue[head++];

        for (uint64_t i = graph->first[vertex]; i < graph->first[vertex + 1];
             i++) {
            uint32_t next = graph->neighbours[i];

            if (graph->parents[next] == NOT_REACHED) {
                graph->parents[next] = vertex;
                graph->queue[tail++] = next;
            }
        }
    }
    return tail;
}

/* Returns: a vertex that has an edge. */
static uint32_t choose_root(const Graph *graph, uint64_t *random)
{
    uint32_t root;

    do {
        root = random_next(random) & (graph->nr_vertices - 1);
    } while (graph->first[root] == graph->first[root + 1]);
    return root;
}

static Graph new_graph(unsigned scale, unsigned edges_per_vertex)
{
    Graph graph = { .nr_vertices = UINT32_C(1) << scale };

    graph.nr_edges = (uint64_t)graph.nr_vertices * edges_per_vertex;
    graph.edges = allocate(graph.nr_edges, sizeof(*graph.edges));
    graph.first = allocate(graph.nr_vertices + UINT64_C(2),
                           sizeof(*graph.first));
    graph.neighbours = allocate(2 * graph.nr_edges,
                                sizeof(*graph.neighbours));
    graph.parents = allocate(graph.nr_vertices, sizeof(*graph.parents));
    graph.queue = allocate(graph.nr_vertices, sizeof(*graph.queue));
    return graph;
}

static unsigned parse(const char *text, unsigned max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end || value < 1 || value > max) {
        fprintf(stderr, "bfs: '%s' is no number from 1 to %u\n", text, max);
        exit(EXIT_FAILURE);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "scale", required_argument, NULL, 's' },
        { "edges", required_argument, NULL, 'e' },
        { "searches", required_argument, NULL, 'n' },
        { NULL, 0, NULL, 0 },
    };
    unsigned scale = 18;
    unsigned edges = 16;
    unsigned searches = 16;
    int option;
    Graph graph;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            scale = parse(optarg, 30);
            break;
        case 'e':
            edges = parse(optarg, 1024);
            break;
        case 'n':
            searches = parse(optarg, 1 << 20);
            break;
        default:
            fprintf(stderr, "Usage: bfs [--scale LOG2-OF-VERTICES] "
                    "[--edges OF-A-VERTEX] [--searches OF-A-GRAPH]\n");
            return EXIT_FAILURE;
        }
    }
    graph = new_graph(scale, edges);
    for (uint64_t seed = 1; ; seed++) {
        uint64_t random = ~seed;

        make_edges(&graph, scale, seed);
        sort_edges(&graph);
        for (unsigned i = 0; i < searches; i++) {
            uint32_t root = choose_root(&graph, &random);

            printf("graph %" PRIu64 ": %" PRIu32 " vertices reached\n", seed,
                   search(&graph, root));
        }
    }
}
