#!/usr/bin/env python3
# Mappings of a device are joined by hand, as far as that does not take long.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (CHECKER, DRAM, MEMORY, MIB, NODE, Guest, check,
                      check_figures, finish_checker, run_tests, start_checker,
                      two_physical_tiers, wait_for_passes)
from loop import loop_device

# Pages, all but the last in the fast tier, which ends at page 5120; and how
# many mappings there are once they have been exchanged there and back.
OTHER = 20000
EXPECTED = [
    (1024, 5),      # 1024 from the start: joined; two are cut out for OTHER
    (2050, 7),      # 1025 from where the last one ends: alone
    (4096, 8),      # 1024 to the end: joined to what comes behind
    (4095, 9),      # 1025 to the end: alone
]


def swap(guest: Guest, page: int) -> None:
    answer = guest.cmd('raminate-swap-pages', id='dmcon0',
                       pairs=[{'a': page, 'b': OTHER}])
    check(answer['done'] == 1, answer)


def mappings_are_joined_nearby(directory: Path) -> None:
    check(DRAM == 20 * MIB, "the tier does not end at page 5120")
    with loop_device(directory, MEMORY) as device:
        container = two_physical_tiers(0, MEMORY, DRAM, device, policy='null')
        args = ['-m', f'{MEMORY // MIB}M', *container.args(), *NODE]
        with Guest(directory, CHECKER, args) as guest:
            start_checker(guest)
            check(guest.raminate()['mover'] == 'mmap', guest.raminate())
            for page, mappings in EXPECTED:
                swap(guest, page)
                swap(guest, page)
                found = guest.raminate()['mappings']
                check(found == mappings, f"{page}: {found}, not {mappings}")
            wait_for_passes(guest, 1)
            finish_checker(guest)
            check_figures(guest.raminate())


run_tests(mappings_are_joined_nearby)
