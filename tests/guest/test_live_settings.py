#!/usr/bin/env python3
# Settings change while the guest runs and pages are swapped.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (CHECKER, FULL_RATE, Guest, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      wait_for_passes, wait_for_swaps, wait_until)


def wait_for_scans(guest: Guest, scans: int) -> None:
    goal = guest.raminate()['scans'] + scans
    wait_until(lambda: guest.raminate()['scans'] >= goal, "scans", guest)


def policy_and_periods(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        for policy in ('cmq', 'null', 'lru') * 3:
            guest.set('policy', policy)
            check(guest.raminate()['policy'] == policy, f"not {policy}")
            wait_for_scans(guest, 10)
            for name, value in (('scan-period', 20), ('swap-period', 100),
                                ('life-time', 300), ('max-swaps', 100)):
                guest.set(name, value)
                check(guest.raminate()[name] == value, f"{name} is not set")
        wait_for_swaps(guest, 1000)
        wait_for_passes(guest)
        finish_checker(guest)
        check_figures(guest.raminate())


def policy_null_ends_swaps(directory: Path) -> None:
    args = [*hybrid(directory, **FULL_RATE), '-smp', '2']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        wait_for_swaps(guest, 1000)
        guest.set('policy', 'null')
        wait_for_scans(guest, 3)
        before = guest.raminate()
        wait_for_scans(guest, 20)
        check(guest.raminate()['swaps'] == before['swaps'],
              "pages are swapped")
        guest.set('policy', 'lru')
        wait_for_swaps(guest, 1000)
        finish_checker(guest)


run_tests(policy_and_periods, policy_null_ends_swaps)
