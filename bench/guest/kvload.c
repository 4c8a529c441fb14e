/*
 * Load for memcached: keys by Zipf's law, most of them asked for, some set
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <arpa/inet.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "random.h"

#define PORT 11211
#define MAX_SIZE 65536
#define MAX_REQUEST (MAX_SIZE + 128)
#define REQUESTS_AT_ONCE 16

typedef struct Load {
    int socket;
    unsigned nr_keys;
    unsigned mean_size;         /* of values, in bytes */
    unsigned sets_percent;
    double skew;                /* Zipf's exponent, 0 for all keys alike */
    double *sums;               /* of the odds of all keys up to each */
    uint64_t random;
    char *answers;
    unsigned answers_size;
} Load;

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int connect_to_server(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(PORT),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        fail("kvload: connect to memcached");
    }
    return fd;
}

static void make_odds(Load *load)
{
    double sum = 0;

    load->sums = malloc(load->nr_keys * sizeof(*load->sums));
    if (!load->sums) {
        fail("kvload");
    }
    for (unsigned i = 0; i < load->nr_keys; i++) {
        sum += pow(i + 1, -load->skew);
        load->sums[i] = sum;
    }
}

static unsigned choose_rank(Load *load)
{
    double value = random_share(&load->random) *
                   load->sums[load->nr_keys - 1];
    unsigned low = 0;
    unsigned high = load->nr_keys - 1;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (load->sums[middle] <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Sizes from half the mean to one and a half, the same for a key always */
static unsigned size_of(const Load *load, unsigned key)
{
    uint64_t random = key;

    return load->mean_size / 2 + random_next(&random) % load->mean_size;
}

/* Returns: length of the request to set @key, which is written to @out. */
static size_t make_set(const Load *load, unsigned key, char *out)
{
    unsigned size = size_of(load, key);
    int length = sprintf(out, "set key%u 0 0 %u\r\n", key, size);

    memset(out + length, 'a' + key % 26, size);
    memcpy(out + length + size, "\r\n", 2);
    return length + size + 2;
}

static void send_all(const Load *load, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = write(load->socket, data, size);

        if (sent < 0) {
            fail("kvload: write to memcached");
        }
        data += sent;
        size -= sent;
    }
}

/* Reads until so many answers have come; a value is part of one. */
static void read_answers(Load *load, unsigned nr)
{
    static const char *const ends[] = { "END\r\n", "STORED\r\n" };
    unsigned used = 0;

    while (nr) {
        ssize_t got = read(load->socket, load->answers + used,
                           load->answers_size - used);
        char *start = load->answers;
        char *line_end;

        if (got <= 0) {
            fail("kvload: read from memcached");
        }
        used += got;
        while ((line_end = memchr(start, '\n',
                                  load->answers + used - start))) {
            for (unsigned i = 0; i < 2; i++) {
                nr -= strncmp(start, ends[i], strlen(ends[i])) == 0;
            }
            start = line_end + 1;
        }
        used -= start - load->answers;
        memmove(load->answers, start, used);
    }
}

static void fill(Load *load, char *requests)
{
    for (unsigned key = 0; key < load->nr_keys;) {
        size_t size = 0;
        unsigned nr;

        for (nr = 0; nr < REQUESTS_AT_ONCE && key < load->nr_keys; nr++) {
            size += make_set(load, key++, requests + size);
        }
        send_all(load, requests, size);
        read_answers(load, nr);
    }
}

static void run(Load *load, char *requests)
{
    while (true) {
        size_t size = 0;

        for (unsigned i = 0; i < REQUESTS_AT_ONCE; i++) {
            /* Popular keys are spread all over; both are odd. */
            unsigned key = choose_rank(load) * UINT64_C(0x9e3779b1) %
                           load->nr_keys;

            if (random_next(&load->random) % 100 < load->sets_percent) {
                size += make_set(load, key, requests + size);
            } else {
                size += sprintf(requests + size, "get key%u\r\n", key);
            }
        }
        send_all(load, requests, size);
        read_answers(load, REQUESTS_AT_ONCE);
    }
}

static double parse(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);

    if (*end || !(value >= min && value <= max)) {
        fprintf(stderr, "kvload: '%s' is no number from %g to %g\n", text, min,
                max);
        exit(EXIT_FAILURE);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "keys", required_argument, NULL, 'k' },
        { "size", required_argument, NULL, 's' },
        { "sets", required_argument, NULL, 'w' },
        { "skew", required_argument, NULL, 'z' },
        { "fill", no_argument, NULL, 'f' },
        { NULL, 0, NULL, 0 },
    };
    Load load = {
        .nr_keys = 100000,
        .mean_size = 400,
        .sets_percent = 10,
        .skew = 0.99,
        .random = 1,
        .answers_size = 1 << 20,
    };
    bool only_fill = false;
    char *requests = malloc(REQUESTS_AT_ONCE * (size_t)MAX_REQUEST);
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'k':
            load.nr_keys = parse(optarg, 1, 1 << 30);
            break;
        case 's':
            load.mean_size = parse(optarg, 2, MAX_SIZE / 2);
            break;
        case 'w':
            load.sets_percent = parse(optarg, 0, 100);
            break;
        case 'z':
            load.skew = parse(optarg, 0, 10);
            break;
        case 'f':
            only_fill = true;
            break;
        default:
            fprintf(stderr, "Usage: kvload [--keys N] [--size BYTES] "
                    "[--sets PERCENT] [--skew EXPONENT] [--fill]\n");
            return EXIT_FAILURE;
        }
    }
    load.answers = malloc(load.answers_size);
    if (!requests || !load.answers) {
        fail("kvload");
    }
    load.socket = connect_to_server();
    if (only_fill) {
        fill(&load, requests);
        return EXIT_SUCCESS;
    }
    make_odds(&load);
    run(&load, requests);
}
