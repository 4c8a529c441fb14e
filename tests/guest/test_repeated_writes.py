#!/usr/bin/env python3
# Pages that are written all the time are found so by scan after scan: what a
# scan has found once, it watches again.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys

from guestlib import MIB, Guest, hybrid, run_tests, wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bench'))

# pylint: disable=wrong-import-position
from benchlib.largeguest import PAGE, Case, Writes, writer  # noqa: E402

# So few pages, each with an entry of its own in the vCPU's TLB, that none is
# dropped there.
CASE = Case('repeated', 256 * MIB, [Writes(4 * MIB + PAGE, PAGE)])
SCANS = 10


def find_in_each_scan(directory: Path, accel: str) -> None:
    args = hybrid(directory, memory=CASE.memory, scan_period=200,
                  second_look=0, swap_period=3600000)
    args += ['-cpu', 'max', '-kernel', str(writer(directory, CASE))]
    complete = set()

    def found_often() -> bool:
        info = guest.raminate()
        # Some others are written as well.
        if sum(tier['written'] for tier in info['tiers']) >= CASE.pages():
            complete.add(info['scans'])
        return len(complete) >= SCANS

    with Guest(directory, None, args, accel) as guest:
        guest.launch()
        wait_until(found_often, f"{SCANS} scans that find all pages", guest)


def by_a_vcpu_with_a_thread_of_its_own(directory: Path) -> None:
    find_in_each_scan(directory, 'tcg,thread=multi')


def by_vcpus_that_share_a_thread(directory: Path) -> None:
    find_in_each_scan(directory, 'tcg,thread=single')


run_tests(by_a_vcpu_with_a_thread_of_its_own, by_vcpus_that_share_a_thread)
