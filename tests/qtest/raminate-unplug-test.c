/*
 * RAMinate: memory that virtio-mem unplugs is given back
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "tests/qtest/libqos/libqos-pc.h"
#include "tests/qtest/libqos/pci.h"
#include "tests/qtest/libqos/virtio-pci.h"
#include "standard-headers/linux/virtio_mem.h"
#include "standard-headers/linux/virtio_ring.h"
#include "raminate-common.h"

#define SLOT 4
#define TIMEOUT_US (120 * 1000 * 1000)

/* Blocks of 2 MiB; the first is fast, the others are slow. */
#define BLOCK_PAGES (2 * MiB / PAGE_SIZE)
#define NR_BLOCKS 4

typedef struct Device {
    QOSState *qos;
    QTestState *qts;
    QVirtioPCIDevice *pci;
    QVirtioDevice *virtio;
    QVirtQueue *queue;
    uint64_t addr;              /* of its memory, to the guest */
} Device;

static Device *device_start(void)
{
    Device *device = g_new0(Device, 1);
    QPCIAddress addr = { .devfn = QPCI_DEVFN(SLOT, 0) };

    raminate_make_file("dram", 2 * MiB);
    raminate_make_file("nvm", 6 * MiB);
    device->qos = qtest_pc_boot(
        "-machine pc -m 16M,maxmem=64M"
        " -object memory-backend-container,id=c,size=8M,policy=null"
        " -object memory-backend-devmem,id=fast,parent=c,size=2M,"
        "mem-path=dram"
        " -object memory-backend-devmem,id=slow,parent=c,size=6M,offset=2M,"
        "mem-path=nvm"
        " -device virtio-mem-pci,addr=%d,memdev=c,block-size=2M,"
        "requested-size=8M", SLOT);
    device->qts = device->qos->qts;
    device->pci = virtio_pci_new(device->qos->pcibus, &addr);
    device->virtio = &device->pci->vdev;
    qvirtio_pci_device_enable(device->pci);
    qvirtio_start_device(device->virtio);
    qvirtio_set_features(device->virtio,
                         qvirtio_get_features(device->virtio) &
                         ~(1ull << VIRTIO_RING_F_INDIRECT_DESC |
                           1ull << VIRTIO_RING_F_EVENT_IDX));
    device->queue = qvirtqueue_setup(device->virtio, &device->qos->alloc, 0);
    qvirtio_set_driver_ok(device->virtio);
    device->addr = qvirtio_config_readq(
        device->virtio, offsetof(struct virtio_mem_config, addr));
    return device;
}

static void device_quit(Device *device)
{
    qvirtqueue_cleanup(device->virtio->bus, device->queue,
                       &device->qos->alloc);
    qvirtio_pci_device_disable(device->pci);
    qos_object_destroy((QOSGraphObject *)device->pci);
    qtest_shutdown(device->qos);
    g_free(device);
}

static void device_ask(Device *device, unsigned type, unsigned block,
                       unsigned nr_blocks)
{
    QTestState *qts = device->qts;
    struct virtio_mem_req request = {
        .type = cpu_to_le16(type),
        .u.plug.addr = cpu_to_le64(device->addr + block * 2 * MiB),
        .u.plug.nb_blocks = cpu_to_le16(nr_blocks),
    };
    struct virtio_mem_resp response = { .type = 0xff };
    uint64_t out = guest_alloc(&device->qos->alloc, sizeof(request));
    uint64_t in = guest_alloc(&device->qos->alloc, sizeof(response));
    uint32_t head;

    qtest_memwrite(qts, out, &request, sizeof(request));
    head = qvirtqueue_add(qts, device->queue, out, sizeof(request), false,
                          true);
    qvirtqueue_add(qts, device->queue, in, sizeof(response), true, false);
    qvirtqueue_kick(qts, device->virtio, device->queue, head);
    qvirtio_wait_used_elem(qts, device->virtio, device->queue, head, NULL,
                           TIMEOUT_US);
    qtest_memread(qts, in, &response, sizeof(response));
    g_assert_cmpuint(le16_to_cpu(response.type), ==, VIRTIO_MEM_RESP_ACK);
    guest_free(&device->qos->alloc, out);
    guest_free(&device->qos->alloc, in);
}

static void write_block(Device *device, unsigned block)
{
    uint8_t data[PAGE_SIZE];

    for (uint32_t i = 0; i < BLOCK_PAGES; i++) {
        uint32_t page = block * BLOCK_PAGES + i;

        raminate_fill_page(data, page, 1);
        qtest_memwrite(device->qts, device->addr + (uint64_t)page * PAGE_SIZE,
                       data, PAGE_SIZE);
    }
}

/* @filled: whether it holds what was written, and not zero */
static void assert_block(Device *device, unsigned block, bool filled)
{
    uint8_t data[PAGE_SIZE], wanted[PAGE_SIZE] = { 0 };

    for (uint32_t i = 0; i < BLOCK_PAGES; i++) {
        uint32_t page = block * BLOCK_PAGES + i;

        if (filled) {
            raminate_fill_page(wanted, page, 1);
        }
        qtest_memread(device->qts, device->addr + (uint64_t)page * PAGE_SIZE,
                      data, PAGE_SIZE);
        g_assert_cmpmem(data, PAGE_SIZE, wanted, PAGE_SIZE);
    }
}

/* Exchanges every third page of two blocks. */
static void swap_blocks(Device *device, unsigned a, unsigned b)
{
    for (uint32_t i = 0; i < BLOCK_PAGES; i += 3) {
        raminate_assert_swap(device->qts, a * BLOCK_PAGES + i,
                             b * BLOCK_PAGES + i);
    }
}

static void test_unplug(void)
{
    Device *device = device_start();

    device_ask(device, VIRTIO_MEM_REQ_PLUG, 0, NR_BLOCKS);
    for (unsigned block = 0; block < NR_BLOCKS; block++) {
        write_block(device, block);
    }
    swap_blocks(device, 0, 2);
    device_ask(device, VIRTIO_MEM_REQ_UNPLUG, 2, 1);
    for (uint32_t i = 0; i < BLOCK_PAGES; i++) {
        bool moved = i % 3 == 0;

        /* Frames of the fast tier, and of the second block of the slow one */
        g_assert_cmpint(raminate_has_block("dram", i), ==, !moved);
        g_assert_cmpint(raminate_has_block("nvm", BLOCK_PAGES + i), ==, moved);
    }
    for (unsigned block = 0; block < NR_BLOCKS; block++) {
        if (block != 2) {
            assert_block(device, block, true);
        }
    }
    device_ask(device, VIRTIO_MEM_REQ_PLUG, 2, 1);
    assert_block(device, 2, false);
    swap_blocks(device, 0, 2);
    assert_block(device, 0, true);
    assert_block(device, 2, false);
    device_quit(device);
}

static void test_unplug_all(void)
{
    Device *device = device_start();

    device_ask(device, VIRTIO_MEM_REQ_PLUG, 0, NR_BLOCKS);
    write_block(device, 0);
    write_block(device, 3);
    swap_blocks(device, 0, 3);
    device_ask(device, VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0);
    for (uint32_t i = 0; i < BLOCK_PAGES; i++) {
        g_assert_false(raminate_has_block("dram", i));
        for (unsigned block = 0; block < NR_BLOCKS - 1; block++) {
            g_assert_false(raminate_has_block("nvm", block * BLOCK_PAGES + i));
        }
    }
    device_ask(device, VIRTIO_MEM_REQ_PLUG, 0, 1);
    assert_block(device, 0, false);
    device_quit(device);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/unplug/blocks", test_unplug);
    qtest_add_func("raminate/unplug/all", test_unplug_all);
    return g_test_run();
}
