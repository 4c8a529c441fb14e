#!/usr/bin/env python3
# Swaps pages that their guest doesn't use, by command.  Runs inside the
# machine; test_traffic.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    MIB, NODE, check, check_figures, run_tests)
from raminate.guest import (  # noqa: E402
    PAGE_SIZE, Guest, two_physical_tiers)

POOL = int(os.environ['RAMINATE_POOL'], 0)
DRAM, NVM, PAIRS = map(int, os.environ['RAMINATE_SWAPS'].split(','))


def idle_pages_are_swapped(directory: Path) -> None:
    """Each pair once; firmware uses nothing but the ends of the memory."""
    container = two_physical_tiers(POOL, DRAM + NVM, DRAM, policy='null')
    args = ['-m', f'{(DRAM + NVM) // MIB}M', *container.args(), *NODE]
    first = DRAM // PAGE_SIZE - PAIRS
    with Guest(directory, None, args, 'kvm') as guest:
        guest.launch()
        for start in range(first, first + PAIRS, 100):
            pairs = [{'a': page, 'b': page + PAIRS}
                     for page in range(start, start + 100)]
            answer = guest.cmd('raminate-swap-pages', id='dmcon0',
                               pairs=pairs)
            check(answer['done'] == 100, f"{answer}")
        info = guest.raminate()
        check(info['mover'] == 'kvm', f"the mover is {info['mover']}")
        check(info['swaps'] == PAIRS, f"{info['swaps']} swaps")
        check_figures(info)


run_tests(idle_pages_are_swapped)
