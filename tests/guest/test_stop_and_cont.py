#!/usr/bin/env python3
# The placer holds while the guest is stopped, and goes on with it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import time

from guestlib import (CHECKER, FULL_RATE, Guest, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      wait_for_passes, wait_for_swaps, wait_until)
from qemu.qmp import ExecuteError

TIMES = 10
PAIR = [{'a': 1, 'b': 40000}]


def check_held(guest: Guest) -> None:
    """No scan and no swap while the guest is stopped, on no account."""
    wait_until(lambda: guest.raminate()['state'] == 'held', "state held")
    before = guest.raminate()
    check(before.get('held-because'), "no reason is given")
    time.sleep(5 * before['scan-period'] / 1000)
    after = guest.raminate()
    for figure in ('scans', 'swaps', 'batches'):
        check(before[figure] == after[figure],
              f"{figure} went on while the guest was stopped")
    try:
        guest.cmd('raminate-swap-pages', id='dmcon0', pairs=PAIR)
    except ExecuteError:
        return
    raise AssertionError("raminate-swap-pages works on a stopped guest")


def swaps_hold_while_stopped(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        for _ in range(TIMES):
            wait_for_swaps(guest, 500)
            guest.cmd('stop')
            check_held(guest)
            guest.cmd('cont')
        wait_for_swaps(guest, 500)
        wait_for_passes(guest)
        finish_checker(guest)
        check_figures(guest.raminate())


def stop_and_cont_at_once(directory: Path) -> None:
    """Stops come in every part of a batch."""
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        for _ in range(200):
            guest.cmd('stop')
            guest.cmd('cont')
            time.sleep(0.02)
        wait_for_swaps(guest, 500)
        wait_for_passes(guest)
        finish_checker(guest)


run_tests(swaps_hold_while_stopped, stop_and_cont_at_once)
