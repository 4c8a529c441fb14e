#!/usr/bin/env python3
# The guest can be reset while pages are swapped, and boots again.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (CHECKER, FULL_RATE, PATIENCE, Guest, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      start_swapper, swapper_args, wait_for_passes,
                      wait_for_swaps)

TIMES = 3


def reset_while_swapping(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2',
            *swapper_args(directory)]
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        swapper = start_swapper(guest, directory)
        for _ in range(TIMES):
            wait_for_swaps(guest, 2000)
            guest.console.skip()
            guest.cmd('system_reset')
            guest.console.wait('checker: started', PATIENCE)
        wait_for_swaps(guest, 2000)
        wait_for_passes(guest)
        swapper.finish()
        finish_checker(guest)
        check_figures(guest.raminate())


run_tests(reset_while_swapping)
