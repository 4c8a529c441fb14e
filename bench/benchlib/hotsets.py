# The hot sets that peers are compared by: which pages of the guest program's
# arena are visited most.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass

from raminate.guest import MIB, PAGE_SIZE

MEMORY = 256 * MIB
ARENA = 128 * MIB // PAGE_SIZE
# Where in it the hot sets are
HALF = ARENA // 2


@dataclass(frozen=True)
class HotSet:
    """See bench/guest/hotset.c for what the numbers mean."""
    name: str
    title: str
    first: int
    pages: int
    read: int

    def line(self, seconds: int) -> str:
        """The order for the program in the guest."""
        return f'{self.first} {self.pages} {self.read} {seconds}'


# In this order, each for the same time; the fast node has room for 48 MiB.
HOT_SETS = (
    HotSet('small', "16 MiB side by side, all written", 0,
           16 * MIB // PAGE_SIZE, 0),
    HotSet('moved', "the same, elsewhere", HALF, 16 * MIB // PAGE_SIZE, 0),
    HotSet('large', "64 MiB, of which three quarters are written, by turns "
           "of 64 KiB", 0, 64 * MIB // PAGE_SIZE, 1),
    HotSet('read', "16 MiB side by side, all read", HALF,
           16 * MIB // PAGE_SIZE, 4),
)
