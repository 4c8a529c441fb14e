/*
 * RAMinate: a balloon in a container gives back the right pages, no others
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "tests/qtest/libqos/libqos-pc.h"
#include "tests/qtest/libqos/pci.h"
#include "tests/qtest/libqos/virtio-pci.h"
#include "standard-headers/linux/virtio_ring.h"
#include "faults-control.h"
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

#define CONTAINER_OF_TWO \
    "-object memory-backend-container,id=c,size=16M,policy=null" \
    " -object memory-backend-devmem,id=fast,parent=c,size=4M,mem-path=dram" \
    " -object memory-backend-devmem,id=slow,parent=c,size=12M,offset=4M," \
    "mem-path=nvm"

/* @args: the backend "c" of 16 MiB, and more arguments */
static Balloon *balloon_start_on(const char *args)
{
    Balloon *balloon = g_new0(Balloon, 1);
    QPCIAddress addr = { .devfn = QPCI_DEVFN(BALLOON_SLOT, 0) };
    uint64_t features;

    balloon->qos = qtest_pc_boot(
        "-machine pc,memory-backend=c -m 16M %s"
        " -device virtio-balloon-pci,addr=%d,free-page-reporting=on",
        args, BALLOON_SLOT);
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

static Balloon *balloon_start(void)
{
    raminate_make_file("dram", 4 << 20);
    raminate_make_file("nvm", 12 << 20);
    return balloon_start_on(CONTAINER_OF_TWO);
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
    g_assert_true(raminate_has_block("dram", FIRST_TESTED_PAGE + 1));
    balloon_send_page(balloon, inflate, page);
    g_assert_false(raminate_has_block("dram", FIRST_TESTED_PAGE + 1));
    g_assert_true(raminate_has_block("nvm", page - FIRST_SLOW_PAGE));
    assert_other_pages(balloon, page);
    balloon_send_page(balloon, deflate, page);
    raminate_assert_zero_page(balloon->qts, page);
    assert_page_usable(balloon, page);
    balloon_send_page(balloon, inflate, page + 1);
    g_assert_false(raminate_has_block("nvm", page + 1 - FIRST_SLOW_PAGE));
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
    g_assert_false(raminate_has_block("dram", FIRST_TESTED_PAGE + 1));
    g_assert_true(raminate_has_block("nvm", page - FIRST_SLOW_PAGE));
    assert_page_usable(balloon, page);

    qvirtqueue_cleanup(balloon->virtio->bus, queue, &balloon->qos->alloc);
    balloon_quit(balloon);
}

/* Of pages in both tiers, one of which is not where it was at the start */
static void test_reported_range(void)
{
    Balloon *balloon = balloon_start();
    QVirtQueue *queue = balloon_queue(balloon, REPORTING_QUEUE);
    uint32_t first = FIRST_SLOW_PAGE - 3, nr = 6;
    uint32_t away = FIRST_SLOW_PAGE + 9;

    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    raminate_assert_swap(balloon->qts, first + 1, away);
    balloon_send(balloon, queue, (uint64_t)first * PAGE_SIZE, nr * PAGE_SIZE,
                 false);
    g_assert_true(raminate_has_block("dram", first - 1));
    g_assert_false(raminate_has_block("dram", first));
    g_assert_true(raminate_has_block("dram", first + 1));
    g_assert_false(raminate_has_block("dram", first + 2));
    for (uint32_t frame = 0; frame < 12; frame++) {
        g_assert_cmpint(raminate_has_block("nvm", frame), ==,
                        frame >= 3 && frame != 9);
    }
    for (uint32_t i = 0; i < NR_TESTED_PAGES; i++) {
        uint32_t page = FIRST_TESTED_PAGE + i;

        if (page >= first && page < first + nr) {
            raminate_assert_zero_page(balloon->qts, page);
        } else {
            raminate_assert_page(balloon->qts, page, 1);
        }
    }
    qvirtqueue_cleanup(balloon->virtio->bus, queue, &balloon->qos->alloc);
    balloon_quit(balloon);
}

/* Sends off a batch of random exchanges of the tested pages. */
static void send_swaps(QTestState *qts, GRand *random)
{
    g_autoptr(GString) pairs = g_string_new(NULL);
    uint32_t shift = g_rand_int_range(random, 1, NR_TESTED_PAGES);

    for (uint32_t i = 0; i < NR_TESTED_PAGES / 2; i++) {
        uint32_t a = FIRST_TESTED_PAGE + (2 * i + shift) % NR_TESTED_PAGES;
        uint32_t b = FIRST_TESTED_PAGE + (2 * i + 1 + shift) % NR_TESTED_PAGES;

        g_string_append_printf(pairs, "%s{ \"a\": %u, \"b\": %u }",
                               i ? ", " : "", a, b);
    }
    qtest_qmp_send_raw(qts, "{ \"execute\": \"raminate-swap-pages\", "
                       "\"arguments\": { \"id\": \"c\", "
                       "\"pairs\": [ %s ] } }\n", pairs->str);
}

/* Pages are given up, taken back and written while all are exchanged. */
static void test_swap_storm(void)
{
    Balloon *balloon = balloon_start();
    QTestState *qts = balloon->qts;
    QVirtQueue *inflate = balloon_queue(balloon, INFLATE_QUEUE);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    bool given_up[NR_TESTED_PAGES] = { false };

    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    raminate_assert_swap(qts, FIRST_TESTED_PAGE, FIRST_SLOW_PAGE);
    for (unsigned round = 0; round < 500; round++) {
        uint32_t give = g_rand_int_range(random, 0, NR_TESTED_PAGES);
        uint32_t take = g_rand_int_range(random, 0, NR_TESTED_PAGES);
        QDict *response;

        send_swaps(qts, random);
        balloon_send_page(balloon, inflate, FIRST_TESTED_PAGE + give);
        given_up[give] = true;
        raminate_write_page(qts, FIRST_TESTED_PAGE + take, 1);
        given_up[take] = false;
        response = qtest_qmp_receive(qts);
        g_assert_true(qdict_haskey(response, "return"));
        qobject_unref(response);
    }
    for (uint32_t i = 0; i < NR_TESTED_PAGES; i++) {
        if (given_up[i]) {
            raminate_assert_zero_page(qts, FIRST_TESTED_PAGE + i);
        } else {
            raminate_assert_page(qts, FIRST_TESTED_PAGE + i, 1);
        }
    }
    qvirtqueue_cleanup(balloon->virtio->bus, inflate, &balloon->qos->alloc);
    balloon_quit(balloon);
}

/* What it can't give back, it says once, whatever the guest does. */
static void test_device(void)
{
    Balloon *balloon =
        balloon_start_on("-object memory-backend-devmem,id=c,size=16M,"
                         "mem-path=/dev/zero 2>stderr");
    QVirtQueue *inflate = balloon_queue(balloon, INFLATE_QUEUE);
    g_autofree char *text = NULL;

    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    for (uint32_t i = 0; i < 100; i++) {
        balloon_send_page(balloon, inflate, FIRST_SLOW_PAGE + 100 + i);
    }
    assert_other_pages(balloon, 0);
    qvirtqueue_cleanup(balloon->virtio->bus, inflate, &balloon->qos->alloc);
    balloon_quit(balloon);
    g_assert_true(g_file_get_contents("stderr", &text, NULL, NULL));
    g_test_message("%s", text);
    g_assert_true(g_str_has_suffix(text, "warning: memory-backend-devmem 'c': "
                                   "/dev/zero is a device, to which no memory "
                                   "can be given back; what the guest gives up "
                                   "(balloon, free page reporting, virtio-mem) "
                                   "stays the VM's\n"));
    g_assert_true(strstr(text, "warning") ==
                  g_strrstr(text, "warning"));
}

/* What the file system does not take back, it keeps, with the contents. */
static void give_back_in_vain(int error)
{
    Balloon *balloon;
    QVirtQueue *inflate;
    g_autofree char *text = NULL;
    g_autofree char *warning = g_strdup_printf(
        "warning: memory-backend-devmem 'slow': memory can't be given back to "
        "nvm: %s; what the guest gives up (balloon, free page reporting, "
        "virtio-mem) stays the VM's\n", strerror(error));
    uint32_t page = FIRST_SLOW_PAGE + 5;

    raminate_make_file("dram", 4 << 20);
    raminate_make_file("nvm", 12 << 20);
    raminate_faults_preload();
    balloon = balloon_start_on(CONTAINER_OF_TWO " 2>stderr");
    raminate_faults_end_preload();
    inflate = balloon_queue(balloon, INFLATE_QUEUE);
    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    raminate_faults_order(FAULT_PUNCH, 0, FAULTS_FOR_EVER, error);
    for (unsigned i = 0; i < 10; i++) {
        balloon_send_page(balloon, inflate, page);
    }
    g_assert_cmpuint(raminate_faults_end(), ==, 10);
    g_assert_true(raminate_has_block("nvm", page - FIRST_SLOW_PAGE));
    raminate_assert_page(balloon->qts, page, 1);
    assert_page_usable(balloon, page);

    /* As soon as it takes memory back, it gets it. */
    balloon_send_page(balloon, inflate, page);
    g_assert_false(raminate_has_block("nvm", page - FIRST_SLOW_PAGE));
    assert_page_usable(balloon, page);
    qvirtqueue_cleanup(balloon->virtio->bus, inflate, &balloon->qos->alloc);
    balloon_quit(balloon);

    g_assert_true(g_file_get_contents("stderr", &text, NULL, NULL));
    g_assert_true(g_str_has_suffix(text, warning));
    g_assert_true(strstr(text, "warning") == g_strrstr(text, "warning"));
}

static void test_not_taken_back(void)
{
    static const int errors[] = { ENOMEM, ENOSPC, EBUSY, EIO, EOPNOTSUPP };

    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        give_back_in_vain(errors[i]);
    }
}

/* A page that was given up, in slow memory, and one in use, in fast memory */
#define GIVEN_UP (FIRST_SLOW_PAGE + 5)
#define IN_USE (FIRST_TESTED_PAGE + 1)

static void assert_given_up_is_slow(Balloon *balloon)
{
    g_assert_false(raminate_has_block("nvm", GIVEN_UP - FIRST_SLOW_PAGE));
    g_assert_true(raminate_has_block("dram", IN_USE));
    raminate_assert_page(balloon->qts, IN_USE, 1);
}

static void assert_given_up_is_fast(Balloon *balloon)
{
    g_assert_false(raminate_has_block("dram", IN_USE));
    g_assert_true(raminate_has_block("nvm", GIVEN_UP - FIRST_SLOW_PAGE));
    raminate_assert_page(balloon->qts, IN_USE, 1);
}

static void fail_to_swap(Balloon *balloon, unsigned fault)
{
    RaminateTestPair pair = { GIVEN_UP, IN_USE };

    raminate_faults_order(fault, 0, FAULTS_FOR_EVER, ENOMEM);
    g_assert_cmpuint(raminate_swap_some(balloon->qts, &pair, 1), ==, 0);
    g_assert_cmpuint(raminate_faults_end(), >, 0);
}

/* What was given back is not taken again when pages move. */
static void test_moved_stays_given_back(void)
{
    Balloon *balloon;
    QVirtQueue *inflate;

    raminate_faults_preload();
    balloon = balloon_start();
    raminate_faults_end_preload();
    inflate = balloon_queue(balloon, INFLATE_QUEUE);
    qvirtio_set_driver_ok(balloon->virtio);
    write_pages(balloon);
    balloon_send_page(balloon, inflate, GIVEN_UP);
    assert_given_up_is_slow(balloon);

    raminate_assert_swap(balloon->qts, GIVEN_UP, IN_USE);
    assert_given_up_is_fast(balloon);
    fail_to_swap(balloon, FAULT_LOAD);
    assert_given_up_is_fast(balloon);
    raminate_assert_swap(balloon->qts, IN_USE, GIVEN_UP);
    assert_given_up_is_slow(balloon);
    fail_to_swap(balloon, FAULT_LOAD);
    assert_given_up_is_slow(balloon);

    /* With one that was given up as well */
    balloon_send_page(balloon, inflate, GIVEN_UP + 1);
    raminate_assert_swap(balloon->qts, GIVEN_UP, GIVEN_UP + 1);
    g_assert_false(raminate_has_block("nvm", GIVEN_UP - FIRST_SLOW_PAGE));
    g_assert_false(raminate_has_block("nvm", GIVEN_UP + 1 - FIRST_SLOW_PAGE));
    raminate_assert_swap(balloon->qts, GIVEN_UP, GIVEN_UP + 1);
    raminate_write_page(balloon->qts, GIVEN_UP + 1, 1);

    /* Where the file takes nothing back, zeroes are written. */
    raminate_faults_order(FAULT_PUNCH, 0, FAULTS_FOR_EVER, EIO);
    raminate_assert_swap(balloon->qts, GIVEN_UP, IN_USE);
    g_assert_cmpuint(raminate_faults_end(), ==, 1);
    g_assert_true(raminate_has_block("dram", IN_USE));
    raminate_assert_zero_page(balloon->qts, GIVEN_UP);
    raminate_assert_swap(balloon->qts, GIVEN_UP, IN_USE);
    assert_page_usable(balloon, GIVEN_UP);

    qvirtqueue_cleanup(balloon->virtio->bus, inflate, &balloon->qos->alloc);
    balloon_quit(balloon);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/balloon/not-taken-back", test_not_taken_back);
    qtest_add_func("raminate/balloon/inflate-and-deflate",
                   test_inflate_and_deflate);
    qtest_add_func("raminate/balloon/free-page-reporting",
                   test_free_page_reporting);
    qtest_add_func("raminate/balloon/reported-range", test_reported_range);
    qtest_add_func("raminate/balloon/moved-stays-given-back",
                   test_moved_stays_given_back);
    qtest_add_func("raminate/balloon/swap-storm", test_swap_storm);
    qtest_add_func("raminate/balloon/device", test_device);
    return g_test_run();
}
