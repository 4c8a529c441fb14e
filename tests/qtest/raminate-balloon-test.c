/*
 * RAMinate: a balloon in a container neither corrupts pages nor crashes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "tests/qtest/libqos/libqos-pc.h"
#include "tests/qtest/libqos/pci.h"
#include "tests/qtest/libqos/virtio-pci.h"
#include "standard-headers/linux/virtio_ring.h"
#include "raminate-common.h"

#define BALLOON_SLOT 4
#define INFLATE_QUEUE 0
#define DEFLATE_QUEUE 1
/* Queue 2 is for statistics. */
#define REPORTING_QUEUE 3
#define TIMEOUT_US (120 * 1000 * 1000)

#define FIRST_SLOW_PAGE 1024        /* of a guest of 16 MiB, 4 of them fast */
#define FIRST_TESTED_PAGE 1000
#define NR_TESTED_PAGES 64

typedef struct Balloon {
    QOSState *qos;
    QTestState *qts;
    QVirtioPCIDevice *pci;
    QVirtioDevice *virtio;
} Balloon;

static Balloon *balloon_start(void)
{
    Balloon *balloon = g_new0(Balloon, 1);
    QPCIAddress addr = { .devfn = QPCI_DEVFN(BALLOON_SLOT, 0) };
    uint64_t features;

    raminate_make_file("dram", 4 << 20);
    raminate_make_file("nvm", 12 << 20);
    balloon->qos = qtest_pc_boot(
        "-machine pc,memory-backend=c -m 16M"
        " -object memory-backend-container,id=c,size=16M,policy=null"
        " -object memory-backend-devmem,id=fast,parent=c,size=4M,"
        "mem-path=dram"
        " -object memory-backend-devmem,id=slow,parent=c,size=12M,offset=4M,"
        "mem-path=nvm"
        " -device virtio-balloon-pci,addr=%d,free-page-reporting=on",
        BALLOON_SLOT);
    balloon->qts = balloon->qos->qts;
    balloon->pci = virtio_pci_new(balloon->qos->pcibus, &addr);
    balloon->virtio = &balloon->pci->vdev;
    qvirtio_pci_device_enable(balloon->pci);
    qvirtio_start_device(balloon->virtio);
    features = qvirtio_get_features(balloon->virtio);
    features &= ~(1ull << VIRTIO_RING_F_INDIRECT_DESC |
                  1ull << VIRTIO_RING_F_EVENT_IDX);
    qvirtio_set_features(balloon->virtio, features);
    return balloon;
}

static void balloon_quit(Balloon *balloon)
{
    qvirtio_pci_device_disable(balloon->pci);
    qos_object_destroy((QOSGraphObject *)balloon->pci);
    qtest_shutdown(balloon->qos);
    g_free(balloon);
}

static QVirtQueue *balloon_queue(Balloon *balloon, unsigned index)
{
    return qvirtqueue_setup(balloon->virtio, &balloon->qos->alloc, index);
}

/* Hands a buffer over, and waits until the device is done with it. */
static void balloon_send(Balloon *balloon, QVirtQueue *queue, uint64_t addr,
                         uint32_t size, bool to_device)
{
    uint32_t head = qvirtqueue_add(balloon->qts, queue, addr, size,
                                   !to_device, false);

    qvirtqueue_kick(balloon->qts, balloon->virtio, queue, head);
    qvirtio_wait_used_elem(balloon->qts, balloon->virtio, queue, head, NULL,
                           TIMEOUT_US);
}

static void balloon_send_page(Balloon *balloon, QVirtQueue *queue,
                              uint32_t page)
{
    uint64_t addr = guest_alloc(&balloon->qos->alloc, sizeof(uint32_t));
    uint32_t number = cpu_to_le32(page);

    qtest_memwrite(balloon->qts, addr, &number, sizeof(number));
    balloon_send(balloon, queue, addr, sizeof(number), true);
    guest_free(&balloon->qos->alloc, addr);
}

static void write_pages(Balloon *balloon)
{
    for (uint32_t i = 0; i < NR_TESTED_PAGES; i++) {
        raminate_write_page(balloon->qts, FIRST_TESTED_PAGE + i, 1);
    }
}

/* @given_up: the guest must not rely on what it held */
static void assert_other_pages(Balloon *balloon, uint32_t given_up)
{
    for (uint32_t i = 0; i < NR_TESTED_PAGES; i++) {
        if (FIRST_TESTED_PAGE + i != given_up) {
            raminate_assert_page(balloon->qts, FIRST_TESTED_PAGE + i, 1);
        }
    }
}

/* A page that was given up can move, and be used again. */
static void assert_page_usable(Balloon *balloon, uint32_t page)
{
    QTestState *qts = balloon->qts;

    assert_other_pages(balloon, page);
    raminate_assert_swap(qts, page, FIRST_TESTED_PAGE);
    assert_other_pages(balloon, page);
    raminate_write_page(qts, page, 1);
    raminate_assert_page(qts, page, 1);
    raminate_assert_swap(qts, page, FIRST_TESTED_PAGE);
    assert_other_pages(balloon, 0);
}

static void test_inflate_and_deflate(void)
{
    Balloon *balloon = balloon_start();
    QVirtQueue *inflate = balloon_queue(balloon, INFLATE_QUEUE);
    QVirtQueue *deflate = balloon_queue(balloon, DEFLATE_QUEUE);
    uint32_t page = FIRST_SLOW_PAGE + 5;

    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);

    /* Of a page that has moved, and of its neighbour. */
    raminate_assert_swap(balloon->qts, page, FIRST_TESTED_PAGE + 1);
    qtest_qmp_assert_success(balloon->qts, "{ 'execute': 'balloon',"
                             "  'arguments': { 'value': 8388608 } }");
    balloon_send_page(balloon, inflate, page);
    assert_other_pages(balloon, page);
    balloon_send_page(balloon, deflate, page);
    assert_page_usable(balloon, page);
    balloon_send_page(balloon, inflate, page + 1);
    assert_page_usable(balloon, page + 1);

    qvirtqueue_cleanup(balloon->virtio->bus, inflate, &balloon->qos->alloc);
    qvirtqueue_cleanup(balloon->virtio->bus, deflate, &balloon->qos->alloc);
    balloon_quit(balloon);
}

static void test_free_page_reporting(void)
{
    Balloon *balloon = balloon_start();
    QVirtQueue *queue = balloon_queue(balloon, REPORTING_QUEUE);
    uint32_t page = FIRST_SLOW_PAGE + 5;

    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    raminate_assert_swap(balloon->qts, page, FIRST_TESTED_PAGE + 1);
    balloon_send(balloon, queue, (uint64_t)page * PAGE_SIZE, PAGE_SIZE,
                 false);
    assert_page_usable(balloon, page);

    qvirtqueue_cleanup(balloon->virtio->bus, queue, &balloon->qos->alloc);
    balloon_quit(balloon);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/balloon/inflate-and-deflate",
                   test_inflate_and_deflate);
    qtest_add_func("raminate/balloon/free-page-reporting",
                   test_free_page_reporting);
    return g_test_run();
}
