#!/usr/bin/env python3
# Disk I/O goes to the right pages while they are swapped.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from contextlib import contextmanager
from pathlib import Path
import signal
import time
from typing import ContextManager, Iterator, Sequence, Tuple

from guestlib import (FULL_RATE, MIB, PATIENCE, Boot, Guest, check,
                      check_figures, finish_checker, hybrid, run_tests,
                      start_checker, start_swapper, swapper_args,
                      wait_for_passes, wait_for_swaps, wait_until)
from loads import Checker, full_kernel
from nbd import nbd_server
from raminate import paths
from slowfile import SlowFile

SWAPS = 10000
DISK_BLOCKS = 300
FLASH_SIZE = 65536
STOP_TIME = 15          # seconds
LONGEST = 3             # seconds; a batch waits for 20 ms


def io_under_swaps(directory: Path, node: str, module: str,
                   device: Sequence[str]) -> None:
    image = directory / 'disk.img'
    with image.open('wb') as file:
        file.truncate(8 * MIB)
    boot = Boot(['/bin/checker', f'disk={node}'],
                ['virtio_pci', module, 'sd_mod'])
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2',
            '-drive', f'file={image},format=raw,if=none,id=disk0', *device,
            *swapper_args(directory)]
    with Guest(directory, boot, args) as guest:
        start_checker(guest)
        swapper = start_swapper(guest, directory)
        wait_until(lambda: swapper.swaps > SWAPS or swapper.error, "swaps",
                   guest)
        while int(guest.console.wait(r'disk=(\d+)\n').group(1)) < DISK_BLOCKS:
            check(swapper.error is None, f"{swapper.error!r}")
        wait_for_passes(guest, 1)
        swapper.finish()
        finish_checker(guest)
        check_figures(guest.raminate())


def virtio_blk(directory: Path) -> None:
    io_under_swaps(directory, '/dev/vda', 'virtio_blk',
                   ['-device', 'virtio-blk-pci,drive=disk0'])


def virtio_blk_in_an_iothread(directory: Path) -> None:
    io_under_swaps(directory, '/dev/vda', 'virtio_blk',
                   ['-object', 'iothread,id=io0', '-device',
                    'virtio-blk-pci,drive=disk0,iothread=io0'])


def ide(directory: Path) -> None:
    io_under_swaps(directory, '/dev/sda', 'ata_piix',
                   ['-device', 'ide-hd,drive=disk0'])


def swap_in_small_batches(guest: Guest, directory: Path) -> None:
    """It is when one begins that a vCPU may be in an access."""
    swapper = start_swapper(guest, directory, batch=5)
    wait_until(lambda: swapper.swaps > SWAPS or swapper.error, "swaps", guest)
    swapper.finish()


def sd_card(directory: Path) -> None:
    """As with flash memory, and both reads and writes."""
    load = Checker(['sd-card'], full_kernel())
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2',
            *load.args(directory), *swapper_args(directory)]
    with Guest(directory, load.boot(), args) as guest:
        load.start(guest)
        swap_in_small_batches(guest, directory)
        load.finish(guest)
        check_figures(guest.raminate())


def flash_that_is_written(directory: Path) -> None:
    """A vCPU waits for the disk in the middle of an access."""
    code = paths.firmware('bios-256k.bin')
    store = directory / 'flash'
    store.write_bytes(bytes(FLASH_SIZE))
    place = 4096 * MIB - code.stat().st_size - FLASH_SIZE
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2', *swapper_args(
        directory)]
    for unit, file, options in (0, code, ',readonly=on'), (1, store, ''):
        args += ['-drive', f'if=pflash,unit={unit},file={file},'
                 f'format=raw{options}']
    with Guest(directory, Boot(['/bin/flash-writer', hex(place)]),
               args) as guest:
        guest.launch()
        guest.console.wait('flash-writer: started')
        swap_in_small_batches(guest, directory)
        written, read = guest.console.wait(
            r'writes=(\d+), reads (\d+)\n').groups()
        check(int(written) % 256 == int(read), (written, read))
        check_figures(guest.raminate())


def longest_waits(guest: Guest, seconds: float) -> Tuple[float, float]:
    """Returns the longest time for a QMP answer, and between two beats."""
    longest, gap = 0.0, 0.0
    guest.console.wait(r'passes=(\d+) ', PATIENCE)
    start = beat = time.monotonic()
    while beat - start < seconds:
        asked = time.monotonic()
        guest.cmd('query-status')
        longest = max(longest, time.monotonic() - asked)
        guest.console.wait(r'passes=(\d+) ', PATIENCE)
        gap = max(gap, time.monotonic() - beat)
        beat = time.monotonic()
    return longest, gap


def check_goes_on(guest: Guest, stop: ContextManager[None],
                  because: str) -> None:
    """Neither guest nor QMP wait while storage stops."""
    start_checker(guest)
    wait_for_swaps(guest, 200)
    before = longest_waits(guest, STOP_TIME)
    with stop:
        given_up = guest.raminate()['batches-given-up']
        stopped = longest_waits(guest, STOP_TIME)
        held = guest.raminate()
    print(f"# longest answer and gap between beats: {stopped}, with "
          f"storage that answers {before}")
    check(held['batches-given-up'] > given_up, held)
    check(because in held['held-because'], held)
    check(max(stopped) - max(before) < LONGEST, stopped)
    wait_for_swaps(guest, 200)
    wait_for_passes(guest, 1)
    finish_checker(guest)
    check_figures(guest.raminate())


def io_that_stops(directory: Path, device: Sequence[str]) -> None:
    """A disk's server does not answer."""
    image = directory / 'disk.img'
    with image.open('wb') as file:
        file.truncate(8 * MIB)
    boot = Boot(['/bin/checker', 'disk=/dev/vda'],
                ['virtio_pci', 'virtio_blk'])
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2', '-blockdev',
            'driver=nbd,node-name=disk0,server.type=unix,'
            f'server.path={directory / "nbd"}',
            *device]
    with nbd_server(directory, image) as server, \
            Guest(directory, boot, args) as guest:
        @contextmanager
        def stop() -> Iterator[None]:
            server.send_signal(signal.SIGSTOP)
            yield
            server.send_signal(signal.SIGCONT)

        check_goes_on(guest, stop(), 'requests of a disk have not ended')


def storage_that_stops(directory: Path) -> None:
    io_that_stops(directory, ['-device', 'virtio-blk-pci,drive=disk0'])


def storage_of_an_iothread_that_stops(directory: Path) -> None:
    io_that_stops(directory,
                  ['-object', 'iothread,id=io0', '-device',
                   'virtio-blk-pci,drive=disk0,iothread=io0'])


def directory_by_9p_that_stops(directory: Path) -> None:
    """A file of the host can't be read."""
    load = Checker(['9p'], full_kernel())
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2',
            *load.args(directory)]
    with SlowFile(directory / 'share' / 'disk') as file, \
            Guest(directory, load.boot(), args) as guest:
        check_goes_on(guest, file.stopped(),
                      'requests of devices are in flight')


run_tests(virtio_blk_in_an_iothread, ide, flash_that_is_written, sd_card,
          storage_of_an_iothread_that_stops, directory_by_9p_that_stops,
          slow=[virtio_blk, storage_that_stops])
