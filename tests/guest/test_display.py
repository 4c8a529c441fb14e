#!/usr/bin/env python3
# The display shows what the guest paints while pages are sampled.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (FULL_RATE, Boot, Guest, check, hybrid, run_tests,
                      start_swapper, swapper_args)
from painted import HEIGHT, SCREEN, white_lines

LINES = range(5, HEIGHT, 37)


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


run_tests(painted_lines_are_shown)
