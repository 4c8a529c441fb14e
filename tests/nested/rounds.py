# Swaps by the placer and by command, for as long as one likes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path

from guestlib import (Guest, Info, start_swapper, wait_for_passes,
                      wait_for_swaps, wait_until)

SWAPS = 3000
# More of them find what happens once in many thousand swaps.
ROUNDS = int(os.environ.get('RAMINATE_ROUNDS', '1'))


def swap_from_both_sides(guest: Guest, directory: Path) -> Info:
    """So many by each, while the guest checks its memory in each round."""
    swapper = start_swapper(guest, directory)
    for number in range(ROUNDS):
        goal = (number + 1) * SWAPS
        wait_until(lambda: swapper.swaps > goal or swapper.error,
                   "swaps by command", guest)
        info = wait_for_swaps(guest, SWAPS)
        guest.console.skip()
        wait_for_passes(guest)
        if ROUNDS > 1:
            print(f"round {number + 1} of {ROUNDS}: {info['swaps']} swaps",
                  flush=True)
    swapper.finish()
    return info
