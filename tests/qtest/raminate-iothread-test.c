/*
 * RAMinate: I/O threads stand still while pages are exchanged
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <sys/syscall.h>
#include "qemu/bswap.h"
#include "tests/qtest/libqos/libqos-pc.h"
#include "tests/qtest/libqos/pci.h"
#include "tests/qtest/libqos/virtio-pci.h"
#include "standard-headers/linux/virtio_ring.h"
#include "standard-headers/linux/virtio_scsi.h"
#include "faults-control.h"
#include "raminate-common.h"

#define SCSI_SLOT 4
#define REQUEST_QUEUE 2
#define DELAY_MS 300

/* Of a guest of 16 MiB, 8 of them fast */
#define ANSWER_PAGE 1024
#define SLOW_PAGE 2560
#define NOT_YET 0xff

typedef struct Controller {
    QOSState *qos;
    QTestState *qts;
    QVirtioPCIDevice *pci;
    QVirtioDevice *virtio;
    QVirtQueue *queue;
} Controller;

static Controller *controller_start(void)
{
    Controller *scsi = g_new0(Controller, 1);
    QPCIAddress addr = { .devfn = QPCI_DEVFN(SCSI_SLOT, 0) };
    uint64_t features;

    raminate_make_file("dram", 8 << 20);
    raminate_make_file("nvm", 8 << 20);
    raminate_faults_preload();
    scsi->qos = qtest_pc_boot(
        "-machine pc,memory-backend=c -m 16M"
        " -object memory-backend-container,id=c,size=16M,policy=null"
        " -object memory-backend-devmem,id=fast,parent=c,size=8M,mem-path=dram"
        " -object memory-backend-devmem,id=slow,parent=c,size=8M,offset=8M,"
        "mem-path=nvm -object iothread,id=io"
        " -device virtio-scsi-pci,addr=%d,iothread=io", SCSI_SLOT);
    raminate_faults_end_preload();
    scsi->qts = scsi->qos->qts;
    scsi->pci = virtio_pci_new(scsi->qos->pcibus, &addr);
    scsi->virtio = &scsi->pci->vdev;
    qvirtio_pci_device_enable(scsi->pci);
    qvirtio_start_device(scsi->virtio);
    features = qvirtio_get_features(scsi->virtio);
    features &= ~(1ull << VIRTIO_RING_F_INDIRECT_DESC |
                  1ull << VIRTIO_RING_F_EVENT_IDX);
    qvirtio_set_features(scsi->virtio, features);
    scsi->queue = qvirtqueue_setup(scsi->virtio, &scsi->qos->alloc,
                                   REQUEST_QUEUE);
    qvirtio_set_driver_ok(scsi->virtio);
    return scsi;
}

static void controller_quit(Controller *scsi)
{
    qvirtqueue_cleanup(scsi->virtio->bus, scsi->queue, &scsi->qos->alloc);
    qvirtio_pci_device_disable(scsi->pci);
    qos_object_destroy((QOSGraphObject *)scsi->pci);
    qtest_shutdown(scsi->qos);
    g_free(scsi);
}

/* Of a request to a disk that isn't there; the device is not told yet. */
static void add_request(Controller *scsi)
{
    struct virtio_scsi_cmd_req request = { .lun = { 1, 1 } };
    uint64_t addr = guest_alloc(&scsi->qos->alloc, sizeof(request));
    uint64_t answer = (uint64_t)ANSWER_PAGE * PAGE_SIZE;
    size_t size = sizeof(struct virtio_scsi_cmd_resp);
    uint32_t head;

    qtest_memwrite(scsi->qts, addr, &request, sizeof(request));
    qtest_memset(scsi->qts, answer, NOT_YET, size);
    head = qvirtqueue_add(scsi->qts, scsi->queue, addr, sizeof(request), false,
                          true);
    qvirtqueue_add(scsi->qts, scsi->queue, answer, size, true, false);
    qtest_writew(scsi->qts, scsi->queue->avail + 4, head);
}

/*
 * Does with descriptor @name of QEMU's what KVM does when a guest has written
 * to a doorbell.  Where it is not one of those, its owner looks up in vain.
 * Returns: false if that is not permitted here.
 */
static bool ring(int pidfd, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *what = g_file_read_link(path, NULL);
    uint64_t one = 1;
    int fd;

    if (g_strcmp0(what, "anon_inode:[eventfd]") != 0) {
        return true;
    }
    fd = syscall(SYS_pidfd_getfd, pidfd, atoi(name), 0);
    if (fd < 0) {
        return false;
    }
    g_assert_cmpint(write(fd, &one, sizeof(one)), ==, sizeof(one));
    close(fd);
    return true;
}

/* The main loop, which a test could ask to do so, is busy. */
static bool ring_all_doorbells(pid_t pid)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", pid);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    bool may = pidfd >= 0;
    const char *name;

    g_assert_nonnull(dir);
    while (may && (name = g_dir_read_name(dir))) {
        may = ring(pidfd, folder, name);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return may;
}

/* Makes the request available as another CPU does, without the main loop. */
static bool send_request(Controller *scsi)
{
    uint16_t one = cpu_to_le16(1);

    raminate_write_file("dram", scsi->queue->avail + 2, &one, sizeof(one));
    return ring_all_doorbells(qtest_pid(scsi->qts));
}

static void assert_answered(Controller *scsi)
{
    uint64_t answer = (uint64_t)ANSWER_PAGE * PAGE_SIZE;
    unsigned rounds = 0;

    while (qtest_readw(scsi->qts, scsi->queue->used + 2) != 1) {
        raminate_wait(&rounds, "the answer");
    }
    g_assert_cmphex(qtest_readb(scsi->qts, answer +
                                offsetof(struct virtio_scsi_cmd_resp,
                                         response)), ==,
                    VIRTIO_SCSI_S_BAD_TARGET);
}

/* While it lasts, the monitor is busy.  A batch may have to be tried again. */
static gpointer swap_back(gpointer qts)
{
    raminate_assert_swap(qts, ANSWER_PAGE, SLOW_PAGE);
    return NULL;
}

/*
 * Drains concern disks.  A controller without any answers requests as well, in
 * its I/O thread: what it writes to a page during an exchange would be lost.
 */
static void test_no_disk(void)
{
    Controller *scsi = controller_start();
    QTestState *qts = scsi->qts;
    unsigned rounds = 0;
    GThread *swapper;
    bool may;

    g_assert_cmpuint(scsi->queue->used, <, (uint64_t)ANSWER_PAGE * PAGE_SIZE);
    add_request(scsi);
    raminate_assert_swap(qts, ANSWER_PAGE, SLOW_PAGE);
    raminate_faults_order_delay(FAULT_LOAD, DELAY_MS);
    swapper = g_thread_new("swapper", swap_back, qts);
    while (!raminate_faults_seen()) {
        raminate_wait(&rounds, "an exchange");
    }
    may = send_request(scsi);
    g_thread_join(swapper);
    raminate_faults_end();
    if (may) {
        assert_answered(scsi);
    } else {
        g_test_skip("descriptors of another process can't be had here");
    }
    controller_quit(scsi);
}

int main(int argc, char **argv)
{
    raminate_test_init(&argc, &argv);
    qtest_add_func("raminate/iothread/no-disk", test_no_disk);
    return g_test_run();
}
