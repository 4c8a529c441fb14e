#!/usr/bin/env python3
# No write is lost or misplaced while pages are swapped at full rate.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Any

from guestlib import (CHECKER, FULL_RATE, Guest, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      start_swapper, swapper_args, wait_for_passes,
                      wait_for_swaps, wait_until)

SWAPS = 20000


def swap_under_checker(directory: Path, accel: str = 'tcg,thread=multi',
                       batch: int = 200, **options: Any) -> None:
    """The placer and an external program both swap all the time."""
    args = [*hybrid(directory, **{**FULL_RATE, **options}), '-smp', '2',
            *swapper_args(directory)]
    with Guest(directory, CHECKER, args, accel) as guest:
        start_checker(guest)
        swapper = start_swapper(guest, directory, batch=batch)
        wait_until(lambda: swapper.swaps > SWAPS or swapper.error,
                   "swaps by command", guest)
        wait_for_swaps(guest, SWAPS)
        wait_for_passes(guest)
        swapper.finish()
        counts = finish_checker(guest)
        check(counts['threads'] == 2, "the guest has not two vCPUs")
        check_figures(guest.raminate())


def two_vcpus_in_threads_of_their_own(directory: Path) -> None:
    swap_under_checker(directory)


def two_vcpus_in_one_thread(directory: Path) -> None:
    swap_under_checker(directory, 'tcg,thread=single')


def policy_cmq(directory: Path) -> None:
    swap_under_checker(directory, policy='cmq')


def large_batches(directory: Path) -> None:
    swap_under_checker(directory, batch=4000, max_swaps=10000)


run_tests(two_vcpus_in_threads_of_their_own, large_batches,
          slow=[two_vcpus_in_one_thread, policy_cmq])
