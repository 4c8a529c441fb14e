/*
 * Memory checker: frames of a network, so that an adapter reads and writes
 * moving pages.
 *
 * A burst of frames of a kind of its own is sent, and a peer sends each back.
 * There is no checksum on the way that could make good what was lost.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "checker.h"

#define KIND 0x88b5         /* for experiments */
#define FRAME_WORDS 180
#define BURST 16
#define PATIENCE 10         /* seconds */
#define MOST_LOST 20        /* as while the link comes up */

typedef struct Frame {
    uint8_t to[6], from[6];
    uint16_t kind;
    uint64_t words[FRAME_WORDS];
} __attribute__((packed)) Frame;

typedef struct Net {
    CheckerDevice *device;
    int fd;
    unsigned lost;          /* bursts */
} Net;

static void fail(const CheckerDevice *device, const char *what)
{
    printf("checker: cannot %s %s: %s\n", what, device->name,
           strerror(errno));
    exit(1);
}

static int open_net(const CheckerDevice *device)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(KIND));
    struct timeval patience = { .tv_sec = PATIENCE };
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(KIND),
    };
    struct ifreq request = { 0 };

    strncpy(request.ifr_name, device->name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
        fail(device, "open");
    }
    request.ifr_flags |= IFF_UP | IFF_PROMISC;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0 ||
        ioctl(fd, SIOCGIFINDEX, &request) < 0) {
        fail(device, "bring up");
    }
    address.sll_ifindex = request.ifr_ifindex;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof(patience)) < 0) {
        fail(device, "bind to");
    }
    return fd;
}

static void send_burst(Net *net, uint64_t counter)
{
    uint64_t words[FRAME_WORDS];
    Frame frame = { .kind = htons(KIND) };
    unsigned i;

    memset(frame.to, 0xff, sizeof(frame.to));
    memset(frame.from, 0x02, sizeof(frame.from));
    for (i = 0; i < BURST; i++) {
        stamp_fill(words, FRAME_WORDS, (uint64_t)i * PAGE_SIZE, counter);
        memcpy(frame.words, words, sizeof(words));
        /* Down at first, or full: then it is missing afterwards. */
        send(net->fd, &frame, sizeof(frame), 0);
    }
}

/* Returns: whether an answer was of this burst; all of them are compared. */
static bool check_frame(Net *net, const Frame *frame, uint64_t counter)
{
    uint64_t words[FRAME_WORDS];
    uint64_t tag;

    memcpy(words, frame->words, sizeof(words));
    tag = words[0] & 0xffffffffffffULL;
    stamp_check(net->device->c, "frame", words, FRAME_WORDS, tag,
                words[0] >> 48);
    net->device->counts->net_frames++;
    return words[0] >> 48 == (counter & 0xffff);
}

/* Returns: false if one did not come back in time. */
static bool check_burst(Net *net, uint64_t counter)
{
    unsigned missing = BURST;
    Frame frame;

    while (missing) {
        memset(&frame, 0, sizeof(frame));
        if (recv(net->fd, &frame, sizeof(frame), 0) < 0) {
            return false;
        }
        missing -= check_frame(net, &frame, counter);
    }
    return true;
}

void *net_thread(void *opaque)
{
    CheckerDevice *device = opaque;
    Net net = { .device = device, .fd = open_net(device) };
    uint64_t counter;

    for (counter = 1; !checker_stopped(device->c); counter++) {
        send_burst(&net, counter);
        if (!check_burst(&net, counter) && ++net.lost == MOST_LOST) {
            checker_error(device->c, "network: bursts lost", counter, 0,
                          net.lost);
        }
    }
    return NULL;
}
