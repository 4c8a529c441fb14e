#!/usr/bin/env python3
# Pages that only a device writes are found, and promoted.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import List, Sequence

from guestlib import (MIB, Boot, Guest, hybrid, run_tests, wait_until)

BUFFER = 4 * MIB
PAGES = BUFFER // 4096


def written(guest: Guest) -> List[int]:
    """Pages written at the last scan, by tier."""
    return [tier['written'] for tier in guest.raminate()['tiers']]


def found_and_promoted(directory: Path, node: str, modules: Sequence[str],
                       device: str) -> None:
    image = directory / 'disk.img'
    with image.open('wb') as file:
        file.truncate(BUFFER)
    boot = Boot(['/bin/dma-reader', node, str(BUFFER)], modules)
    args = [*hybrid(directory, policy='cmq', swap_period=1000),
            '-drive', f'file={image},format=raw,if=none,id=disk0',
            '-device', device]
    with Guest(directory, boot, args) as guest:
        guest.launch()
        guest.console.wait('dma-reader: started')
        wait_until(lambda: PAGES * 0.9 < sum(written(guest)) < PAGES * 1.5,
                   "the buffer among the written pages", guest)
        wait_until(lambda: written(guest)[0] > PAGES * 0.9,
                   "the buffer in DRAM", guest)


def virtio_blk(directory: Path) -> None:
    found_and_promoted(directory, '/dev/vda', ['virtio_pci', 'virtio_blk'],
                       'virtio-blk-pci,drive=disk0')


def ide(directory: Path) -> None:
    found_and_promoted(directory, '/dev/sda', ['ata_piix', 'sd_mod'],
                       'ide-hd,drive=disk0')


run_tests(virtio_blk, ide)
