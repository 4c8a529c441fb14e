# Where in the guest's memory its program has the pages that it visits.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import re
from typing import List


def frames(told: str, pages: int) -> List[int]:
    """The guest's frame of each page, from what bench/guest/arena.c prints.

    There is no hole in the memory of so small a guest, so that these are its
    pages as the host has them.
    """
    found = [-1] * pages
    for run in re.finditer(r'arena: (\d+) pages from (\d+) are at (\d+)\n',
                           told):
        number, first, frame = map(int, run.groups())
        found[first:first + number] = range(frame, frame + number)
    if min(found) <= 0 or len(found) != pages:
        raise AssertionError(f"the program has not told all of: {told}")
    return found
