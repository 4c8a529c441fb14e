#!/usr/bin/env python3
# Guests on ranges of /dev/mem, under a KVM with the extension.  Runs inside
# the machine; test_qemu.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import errno
import mmap
import os
from pathlib import Path
import re
import sys
from typing import Any, Iterator, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, FULL_RATE, HIGH_SHARE, MEMORY, MIB, NODE, PATIENCE,
    REQUIRED_FALL, Info, check, check_figures, check_never_stopped,
    check_parts, fall_twice, finish_checker, message_of_refused, run_tests,
    share, start_checker, start_swapper, swapper_args, wait_for_passes,
    wait_for_swaps, wait_until)
from raminate.guest import (  # noqa: E402
    DEV_MEM, PAGE_SIZE, Boot, Guest, two_physical_tiers)
from qemu.qmp import ExecuteError  # noqa: E402
import host_modules  # noqa: E402
from machine import BESIDE_RAM, SOFT_RESERVED  # noqa: E402
from rounds import SWAPS, swap_from_both_sides  # noqa: E402

POOL = int(os.environ['RAMINATE_POOL'], 0)
HOT_PAGES = 1000
DISK = '/dev/vda'
SCSI_DISK = '/dev/sda'
DAX = Path('/dev/dax0.0')
DISK_BLOCKS = 100


def on_dev_mem(start: int = POOL, memory: int = MEMORY, **options: Any
               ) -> List[str]:
    """The paper's command line, addresses aside."""
    container = two_physical_tiers(start, memory, DRAM, **options)
    return ['-m', f'{memory // MIB}M', *container.args(), *NODE]


def check_is_by_kvm(info: Info) -> None:
    check_parts(info, 'kvm', 'kvm')


def no_write_is_lost(directory: Path) -> None:
    """The placer and an external program both swap all the time."""
    args = [*on_dev_mem(**FULL_RATE), '-smp', '2', *swapper_args(directory)]
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_checker(guest)
        info = swap_from_both_sides(guest, directory)
        counts = finish_checker(guest)
        check(counts['threads'] == 2, "the guest has not two vCPUs")
        check_is_by_kvm(info)
        check_figures(guest.raminate())
        check_never_stopped(guest)


def hot_pages_move_to_dram(directory: Path) -> None:
    """The demo's workload: the share of slow memory falls, twice."""
    boot = Boot(['/bin/workload', f'arena={MEMORY // PAGE_SIZE // 2}',
                 f'hot={HOT_PAGES}', 'thin=50'])
    args = on_dev_mem(scan_period=500, swap_period=1000, policy='null')
    with Guest(directory, boot, args, 'kvm') as guest:
        fall_twice(guest)
        check_is_by_kvm(guest.raminate())
        check_never_stopped(guest)


def pages_only_read_move_where_reads_cost_more(directory: Path) -> None:
    """And stay where only writes do, for as many scans."""
    with guest_that_reads(directory, read_cost=3) as guest:
        wait_until(lambda: share(guest) > HIGH_SHARE, "a high share", guest)
        scans = -guest.raminate()['scans']
        guest.set('policy', 'payback')
        wait_until(lambda: share(guest) < HIGH_SHARE / REQUIRED_FALL,
                   "a low share", guest)
        by_reads = guest.raminate()
        scans += by_reads['scans']
        check_is_by_kvm(by_reads)
        check_figures(by_reads)
    with guest_that_reads(directory) as guest:
        guest.set('policy', 'payback')
        goal = guest.raminate()['scans'] + scans
        wait_until(lambda: guest.raminate()['scans'] >= goal,
                   f"{scans} scans", guest)
        by_writes = guest.raminate()
        check_is_by_kvm(by_writes)
    print(f"# in {scans} scans: {by_reads['swaps']} swaps by reads, "
          f"{by_writes['swaps']} by writes")
    check(by_writes['swaps'] < HOT_PAGES // 4 < by_reads['swaps'],
          "a policy has moved too much or too little")


@contextlib.contextmanager
def guest_that_reads(directory: Path, **cost: int) -> Iterator[Guest]:
    """It has hot pages in slow memory, and writes to next to none."""
    boot = Boot(['/bin/workload', f'arena={MEMORY // PAGE_SIZE // 2}',
                 f'hot={HOT_PAGES}', 'thin=0', 'read'])
    args = on_dev_mem(scan_period=500, swap_period=1000, policy='null', **cost)
    with Guest(directory, boot, args, 'kvm') as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        yield guest


def direct_io_works(directory: Path) -> None:
    """With cache=none, which the kernel can't do to such memory itself."""
    check(direct_read_error() == errno.EFAULT,
          "the kernel reads a disk directly into /dev/mem")
    check_disk(directory, Boot(['/bin/checker', 'disk=/dev/vda'],
                               ['virtio_pci', 'virtio_blk']),
               '-drive', f'file={DISK},format=raw,if=none,id=disk0,cache=none,'
               'aio=native', '-device', 'virtio-blk-pci,drive=disk0')


def check_disk(directory: Path, boot: Boot, *disk: str) -> None:
    """The checker reads and writes it while all pages are swapped."""
    args = [*on_dev_mem(**FULL_RATE), *swapper_args(directory), *disk]
    with Guest(directory, boot, args, 'kvm') as guest:
        start_checker(guest)
        swapper = start_swapper(guest, directory)
        while int(guest.console.wait(r'disk=(\d+)\n', PATIENCE).group(1)
                  ) < DISK_BLOCKS:
            check(swapper.error is None, f"{swapper.error!r}")
        swapper.finish()
        finish_checker(guest)


def passed_through_disk_works(directory: Path) -> None:
    """The kernel can't do what SG_IO asks for to such memory itself."""
    with host_modules.loaded('scsi_debug', 'dev_size_mb=8', ['sd_mod']):
        wait_until(Path(SCSI_DISK).exists, "the host's SCSI disk")
        check_disk(directory, Boot(['/bin/checker', 'disk=/dev/sda'],
                                   ['virtio_pci', 'virtio_scsi', 'sd_mod']),
                   '-drive', f'file={SCSI_DISK},format=raw,if=none,id=disk0',
                   '-device', 'virtio-scsi-pci',
                   '-device', 'scsi-block,drive=disk0')


def direct_read_error() -> int:
    """Reads a block of the disk into /dev/mem; 0 if that works."""
    memory = os.open(DEV_MEM, os.O_RDWR)
    disk = os.open(DISK, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(memory, PAGE_SIZE, offset=POOL) as pages:
            os.preadv(disk, [pages], 0)
    except OSError as err:
        return err.errno or -1
    finally:
        os.close(disk)
        os.close(memory)
    return 0


def dax_device_is_refused(directory: Path) -> None:
    """And what the message says to do works."""
    bus = Path('/sys/bus/dax')
    driver = bus / 'drivers' / 'device_dax'
    with host_modules.loaded('dax_hmem', before=['device_dax']):
        wait_until((bus / 'devices' / DAX.name).exists, "the DAX device")
        (driver / 'new_id').write_text(DAX.name)
        wait_until(DAX.exists, f"{DAX}")
        said = message_of_refused(directory, small_guest(0, DAX))
        match = re.search(rf"'dram0': {DAX} is a DAX device that is mapped "
                          rf"0x200000 bytes at a time, .*disable-device "
                          rf"{DAX.name}.* where it begins at (0x\w+)$", said,
                          re.M)
        check(match, said)
        (driver / 'unbind').write_text(DAX.name)
        (driver / 'remove_id').write_text(DAX.name)
        assert match
        args = small_guest(int(match.group(1), 0), DEV_MEM)
        with Guest(directory, None, args, 'kvm') as guest:
            guest.launch()
            check_is_by_kvm(guest.raminate())


def small_guest(start: int, device: Path) -> List[str]:
    size = 32 * MIB
    container = two_physical_tiers(start, size, size // 2, device,
                                   policy='null')
    return ['-m', f'{size // MIB}M', *container.args(), *NODE]


def second_vm_is_refused(directory: Path) -> None:
    with Guest(directory, CHECKER, on_dev_mem(), 'kvm') as guest:
        guest.launch()
        said = message_of_refused(directory, on_dev_mem())
        check('is in use by another process' in said, said)


def unplugged_ranges_are_given_back(directory: Path) -> None:
    """Also to the same VM, as a part of other ranges."""
    pool = POOL + MEMORY + 4 * MIB
    with Guest(directory, None, on_dev_mem(policy='null'), 'kvm') as guest:
        guest.launch()
        for start in (pool, pool + 4 * MIB, pool + 2 * MIB):
            add_container(guest, start)
            swap_and_remove(guest)
        other = Guest(directory, None, on_dev_mem(pool, memory=64 * MIB,
                                                  policy='null'), 'kvm')
        with other:
            other.launch()
            check_is_by_kvm(other.raminate())


def add_container(guest: Guest, start: int) -> None:
    guest.cmd('object-add', qom_type='memory-backend-container', id='more',
              size=16 * MIB, policy='null')
    for name, offset in (('more0', 0), ('more1', 8 * MIB)):
        guest.cmd('object-add', qom_type='memory-backend-devmem', id=name,
                  size=8 * MIB, phy_offset=start + offset, offset=offset,
                  parent='more')


def swap_and_remove(guest: Guest) -> None:
    wait_until(lambda: guest.raminate('more')['state'] == 'running',
               "the container", guest)
    last = 16 * MIB // PAGE_SIZE - 1
    wait_until(lambda: swaps(guest, 0, last), "a swap", guest)
    check_is_by_kvm(guest.raminate('more'))
    for name in ('more', 'more0', 'more1'):
        guest.cmd('object-del', id=name)


def swaps(guest: Guest, a: int, b: int) -> bool:
    try:
        answer = guest.cmd('raminate-swap-pages', id='more',
                           pairs=[{'a': a, 'b': b}])
    except ExecuteError as err:
        check('try again' in str(err), err)
        return False
    check(answer['done'] == 1, answer)
    return True


def killed_guests_leave_ranges_with_zeroes(directory: Path) -> None:
    """They are in the middle of a swap, and have no time to clean up."""
    for _ in range(3):
        args = [*on_dev_mem(**FULL_RATE), *swapper_args(directory)]
        with Guest(directory, CHECKER, args, 'kvm') as guest:
            start_checker(guest)
            swapper = start_swapper(guest, directory)
            wait_until(lambda: swapper.swaps > 1000 or swapper.error,
                       "swaps by command")
            check(swapper.error is None, f"{swapper.error!r}")
            guest.kill()
            swapper.join()
        (directory / 'swap').unlink(missing_ok=True)
    check(not is_zero(POOL, MEMORY), "a guest leaves nothing in its memory")
    # Stopped, so that it has not yet written anything.
    with Guest(directory, CHECKER, [*on_dev_mem(), '-S'], 'kvm') as guest:
        guest.launch()
        check(is_zero(POOL, MEMORY), "memory of the one before is left")


def is_zero(start: int, size: int) -> bool:
    memory = os.open(DEV_MEM, os.O_RDWR)
    try:
        with mmap.mmap(memory, size, offset=start) as pages:
            return all(pages[at:at + MIB] == bytes(MIB)
                       for at in range(0, size, MIB))
    finally:
        os.close(memory)


def root_can_be_given_up(directory: Path) -> None:
    """QEMU attaches its ranges as root, and needs no privilege afterwards."""
    args = [*on_dev_mem(**FULL_RATE), '-run-with', 'user=nobody']
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_checker(guest)
        status = Path(f'/proc/{guest.get_pid()}/status').read_text()
        for line in (r'Uid:\t[1-9]', r'CapEff:\t0+\n', r'CapPrm:\t0+\n'):
            check(re.search(line, status), status)
        check_is_by_kvm(wait_for_swaps(guest, SWAPS))
        finish_checker(guest)
        check_figures(guest.raminate())


def drivers_are_kept_out(directory: Path) -> None:
    """A driver must not get frames that a guest reaches, wherever swapped."""
    with Guest(directory, CHECKER, on_dev_mem(**FULL_RATE), 'kvm') as guest:
        start_checker(guest)
        wait_for_swaps(guest, SWAPS)
        check(claimed() == [(POOL, POOL + DRAM), (POOL + DRAM, POOL + MEMORY)],
              Path('/proc/iomem').read_text())
        check(not driver_gets(POOL + DRAM), "a driver got memory of a guest")
        wait_for_passes(guest)
        check_is_by_kvm(guest.raminate())
        finish_checker(guest)
        check_figures(guest.raminate())
    check(claimed() == [], Path('/proc/iomem').read_text())
    check(driver_gets(POOL + DRAM), "a driver doesn't get memory of nobody")


def claimed() -> List[Tuple[int, int]]:
    """Starts and ends of what guests have claimed against drivers."""
    found = re.findall(r'^ *(\w+)-(\w+) : RAMinate$',
                       Path('/proc/iomem').read_text(), re.M)
    # Once as an entry, and once within it as the claim.
    return sorted({(int(start, 16), int(end, 16) + 1) for start, end in found})


def driver_gets(start: int) -> bool:
    """Whether a driver can claim the range, which it lets go again."""
    with host_modules.loaded('ramoops',
                             f'mem_address={start:#x} mem_size={MIB:#x}'):
        return 'ramoops' in Path('/proc/iomem').read_text()


def system_ram_is_refused(directory: Path) -> None:
    said = message_of_refused(directory, small_guest(0x1000000, DEV_MEM))
    check('System RAM' in said, said)


def part_of_a_section_is_refused(directory: Path) -> None:
    """KVM would crash the host there, whose kernel has not mapped it."""
    said = message_of_refused(directory, small_guest(BESIDE_RAM, DEV_MEM))
    check('shares a section of 128 MiB' in said, said)


TESTS = [no_write_is_lost, killed_guests_leave_ranges_with_zeroes,
         system_ram_is_refused]
if SOFT_RESERVED in Path('/proc/cmdline').read_text():
    TESTS += [part_of_a_section_is_refused, dax_device_is_refused]
run_tests(*TESTS, slow=[hot_pages_move_to_dram,
                        pages_only_read_move_where_reads_cost_more,
                        direct_io_works, passed_through_disk_works,
                        second_vm_is_refused, unplugged_ranges_are_given_back,
                        root_can_be_given_up, drivers_are_kept_out])
