#!/usr/bin/env python3
# The display shows what the guest paints while pages are sampled, and a guest
# that resets its GPU can be stopped.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (FULL_RATE, Boot, Guest, check, hybrid, run_tests,
                      start_swapper, swapper_args)
from painted import HEIGHT, SCREEN, white_lines

LINES = range(5, HEIGHT, 37)
STOPS = 100


def painted_lines_are_shown(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), *SCREEN,
            *swapper_args(directory)]
    with Guest(directory, Boot(['/bin/painter']), args) as guest:
        guest.launch()
        guest.console.wait('painter: started')
        picture = directory / 'screen.ppm'
        check(not white_lines(guest, picture), "the screen is not black")
        swapper = start_swapper(guest, directory)
        for number, line in enumerate(LINES, 1):
            guest.console.send(str(line))
            guest.console.wait(f'painter: painted {line}\n')
            shown = white_lines(guest, picture)
            check(shown == list(LINES)[:number], f"white lines: {shown}")
        swapper.finish()


def guest_is_stopped_while_it_resets_its_gpu(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), '-device', 'virtio-vga,addr=2']
    with Guest(directory, Boot(['/bin/gpu-resetter']), args) as guest:
        guest.launch()
        guest.console.wait('gpu-resetter: started')
        for _ in range(STOPS):
            guest.cmd('stop')
            guest.cmd('cont')
            guest.console.wait(r'resets=\d+')


run_tests(painted_lines_are_shown, guest_is_stopped_while_it_resets_its_gpu)
