#!/usr/bin/env python3
# Swaps hold before the host's limit of mappings is reached.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import random
from typing import Dict, List

from guestlib import (CHECKER, MIB, Guest, Skip, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      wait_for_passes)

# More pages than Linux allows mappings by default.
MEMORY = 256 * MIB
PAGES = MEMORY // 4096
BATCH = 1000


def swap(guest: Guest, pairs: List[Dict[str, int]]) -> List[Dict[str, int]]:
    """Returns the pairs that were swapped."""
    answer = guest.cmd('raminate-swap-pages', id='dmcon0', pairs=pairs)
    return [{'a': result['a'], 'b': result['b']}
            for result in answer['results'] if 'error' not in result]


def guest_goes_on_at_the_limit(directory: Path) -> None:
    args = [*hybrid(directory, MEMORY, policy='null'), '-smp', '2']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        if guest.raminate()['mappings-limit'] > PAGES:
            raise Skip("vm.max_map_count is too high to be reached")
        pages = list(range(PAGES))
        random.Random(7).shuffle(pages)
        done: List[List[Dict[str, int]]] = []
        while pages and not guest.raminate()['swaps-held']:
            chosen, pages = pages[:2 * BATCH], pages[2 * BATCH:]
            done.append(swap(guest, [{'a': a, 'b': b} for a, b in
                                     zip(chosen[::2], chosen[1::2])]))
        full = guest.raminate()
        check(full['swaps-held'] > 0, f"no swap was held: {full}")
        check(full['mappings'] <= full['mappings-limit'],
              f"{full['mappings']} mappings, limit "
              f"{full['mappings-limit']}")
        wait_for_passes(guest, 1)
        for pairs in reversed(done):
            swap(guest, pairs)
        empty = guest.raminate()
        check(empty['mappings'] < full['mappings'] / 10,
              f"{empty['mappings']} of {full['mappings']} mappings are left")
        wait_for_passes(guest, 1)
        finish_checker(guest)
        check_figures(empty)


run_tests(guest_goes_on_at_the_limit)
