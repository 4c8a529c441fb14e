# Marks that a program in an emulated host sets in the table of the traffic
# plugin, which is outside of it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import mmap
import os
from typing import Dict, List

from . import BENCH  # noqa: F401  pylint: disable=unused-import
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import DEV_MEM, PAGE_SIZE

Row = Dict[str, int]
LINE = 64


class Mark:
    """A page that nothing else reads, so that the plugin knows the time.

    It can be set as many times as the page has lines.
    """

    def __init__(self, address: int) -> None:
        with DEV_MEM.open('rb') as memory:
            self._page = mmap.mmap(memory.fileno(), PAGE_SIZE,
                                   prot=mmap.PROT_READ, offset=address)

    def set(self) -> None:
        """Reads a line that is in no cache."""
        self._page.read_byte()
        self._page.seek(LINE - 1, os.SEEK_CUR)


def between_marks(table: List[Row], parts: int) -> List[List[Row]]:
    """What each of so many pairs of marks has between them.

    The page is the plugin's pool 'mark'; a pair is set for each part.
    """
    marks = [number for number, row in enumerate(table)
             for _ in range(row['mark_read'] // LINE)]
    if len(marks) != 2 * parts:
        raise paths.SetupError(f"the host set {len(marks)} marks, "
                               f"not {2 * parts}")
    return [table[first:last + 1]
            for first, last in zip(marks[::2], marks[1::2])]
