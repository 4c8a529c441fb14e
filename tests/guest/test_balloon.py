#!/usr/bin/env python3
# Pages that a balloon gives back and takes are the right ones, and no longer
# take memory of the host.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (DRAM, FULL_RATE, MEMORY, MIB, Boot, Guest, check,
                      check_figures, finish_checker, hybrid, run_tests,
                      set_balloon, start_checker, start_swapper, swapper_args,
                      wait_for_passes, wait_for_swaps, wait_until)

TIMES = 2
SMALL = 112 * MIB


def balloon_under_swaps(directory: Path, device: str) -> None:
    boot = Boot(['/bin/checker', 'percent=25'],
                ['virtio_pci', 'virtio_balloon'])
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2', '-device', device,
            *swapper_args(directory)]
    with Guest(directory, boot, args) as guest:
        start_checker(guest)
        swapper = start_swapper(guest, directory)
        for _ in range(TIMES):
            set_balloon(guest, SMALL)
            wait_for_swaps(guest, 1000)
            set_balloon(guest, MEMORY)
            wait_for_swaps(guest, 1000)
        wait_for_passes(guest)
        swapper.finish()
        finish_checker(guest)
        check_figures(guest.raminate())


def inflate_and_deflate(directory: Path) -> None:
    balloon_under_swaps(directory, 'virtio-balloon-pci')


def free_page_reporting(directory: Path) -> None:
    balloon_under_swaps(directory,
                        'virtio-balloon-pci,free-page-reporting=on')


def allocated(directory: Path) -> int:
    """Bytes that the files of the tiers take."""
    return sum((directory / name).stat().st_blocks * 512
               for name in ('dram0', 'mram0'))


def start_all_touched(directory: Path, device: str, **options: str) -> Guest:
    """A guest that has written to all of its memory once."""
    boot = Boot(['/bin/checker', 'percent=25'],
                ['virtio_pci', 'virtio_balloon'],
                kernel_args='init_on_free=1')
    return Guest(directory, boot, [*hybrid(directory, **options), '-smp', '2',
                                   '-device', device,
                                   *swapper_args(directory)])


def wait_for_size(guest: Guest, directory: Path, size: int) -> None:
    wait_until(lambda: allocated(directory) <= size,
               f"files of {size} bytes, not {allocated(directory)}", guest)


def inflating_frees_blocks(directory: Path) -> None:
    """In both tiers; and pages that go on being swapped take none again."""
    with start_all_touched(directory, 'virtio-balloon-pci',
                           policy='null') as guest:
        start_checker(guest)
        check(allocated(directory) > MEMORY - 32 * MIB,
              "the guest has not written to all of its memory")
        swapper = start_swapper(guest, directory)
        wait_for_swaps(guest, 20000)
        set_balloon(guest, SMALL)
        wait_for_size(guest, directory, SMALL)
        wait_for_swaps(guest, 20000)
        wait_for_size(guest, directory, SMALL)
        check((directory / 'dram0').stat().st_blocks * 512 < DRAM,
              "no block of the fast tier was freed")
        wait_for_passes(guest)
        set_balloon(guest, MEMORY)
        wait_for_swaps(guest, 1000)
        wait_for_passes(guest)
        swapper.finish()
        finish_checker(guest)


def reporting_frees_blocks(directory: Path) -> None:
    """The checker has a quarter of the memory; the rest is free."""
    device = 'virtio-balloon-pci,free-page-reporting=on'
    with start_all_touched(directory, device, policy='null') as guest:
        start_checker(guest)
        wait_for_size(guest, directory, MEMORY * 3 // 4)
        wait_for_passes(guest)
        finish_checker(guest)


run_tests(inflate_and_deflate, free_page_reporting, inflating_frees_blocks,
          reporting_frees_blocks)
