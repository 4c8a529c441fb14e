#!/usr/bin/env python3
# Disk I/O goes to the right pages while they are swapped.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Sequence

from guestlib import (FULL_RATE, MIB, Boot, Guest, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      start_swapper, swapper_args, wait_for_passes,
                      wait_until)

SWAPS = 10000
DISK_BLOCKS = 300


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


run_tests(virtio_blk, virtio_blk_in_an_iothread, ide)
