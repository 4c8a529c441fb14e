#!/usr/bin/env python3
# Pages that a balloon gives back and takes are the right ones.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (FULL_RATE, MEMORY, MIB, Boot, Guest,
                      check_figures, finish_checker, hybrid, run_tests,
                      start_checker, start_swapper, swapper_args,
                      wait_for_passes, wait_for_swaps, wait_until)

TIMES = 2
SMALL = 112 * MIB


def set_balloon(guest: Guest, size: int) -> None:
    """Waits until the guest has as much memory as it should."""
    guest.cmd('balloon', value=size)
    wait_until(lambda: guest.cmd('query-balloon')['actual'] == size,
               f"the guest to have {size} bytes", guest)


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


run_tests(inflate_and_deflate, free_page_reporting)
