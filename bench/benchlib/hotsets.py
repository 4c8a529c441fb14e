# The hot sets that peers are compared by: which pages of the guest program's
# arena are visited most.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import argparse
from dataclasses import dataclass
import json
from typing import Any, Callable, Dict, Sequence, Tuple

from .marks import Mark
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import MIB, PAGE_SIZE, Boot, Guest

# Emulation is slow: only a hang takes so long.
PATIENCE = 900.0

MEMORY = 256 * MIB
ARENA = 128 * MIB // PAGE_SIZE
# Where in it the hot sets are
HALF = ARENA // 2


@dataclass(frozen=True)
class Part:
    """Of a hot set, in one guest.

    See bench/guest/hotset.c for what the numbers mean.
    """
    first: int
    pages: int
    read: int = 0

    def on(self, frames: Sequence[int], nodes: Sequence[int],
           node: int) -> int:
        """How many of its pages are on a node, by where frames are."""
        return sum(nodes[frame] == node for frame in
                   frames[self.first:self.first + self.pages])

    def line(self, seconds: int) -> str:
        """The order for the program in the guest."""
        return f'{self.first} {self.pages} {self.read} {seconds}'


@dataclass(frozen=True)
class HotSet:
    """What is visited most, in one guest or in several at once."""
    name: str
    title: str
    parts: Tuple[Part, ...]

    @property
    def pages(self) -> int:
        return sum(part.pages for part in self.parts)


def _mib(size: int) -> int:
    return size * MIB // PAGE_SIZE


# In this order, each for the same time; the fast node has room for 48 MiB.
HOT_SETS = (
    HotSet('small', "16 MiB side by side, all written",
           (Part(0, _mib(16)),)),
    HotSet('moved', "the same, elsewhere", (Part(HALF, _mib(16)),)),
    HotSet('large', "64 MiB, of which three quarters are written, by turns "
           "of 64 KiB", (Part(0, _mib(64), 1),)),
    HotSet('read', "16 MiB side by side, all read",
           (Part(HALF, _mib(16), 4),)),
)
# Of guests that have half of all each
SIDE_BY_SIDE = (
    HotSet('even', "12 MiB in each guest, all written",
           (Part(0, _mib(12)), Part(0, _mib(12)))),
    HotSet('even, moved', "the same, elsewhere",
           (Part(HALF // 2, _mib(12)), Part(HALF // 2, _mib(12)))),
    HotSet('uneven', "32 MiB in one guest, 4 MiB in the other, all written",
           (Part(0, _mib(32)), Part(0, _mib(4)))),
)


def of_guests(guests: int) -> Tuple[HotSet, ...]:
    return HOT_SETS if guests == 1 else SIDE_BY_SIDE


def find(name: str) -> HotSet:
    return next(hot for hot in (*HOT_SETS, *SIDE_BY_SIDE)
                if hot.name == name)


def say(text: str) -> None:
    print(text, flush=True)


def parser() -> argparse.ArgumentParser:
    """Of what programs in the host are told."""
    found = argparse.ArgumentParser()
    found.add_argument('--fast', type=int, required=True, metavar='BYTES')
    found.add_argument('--seconds', type=int, required=True)
    found.add_argument('--rate', type=int, required=True, metavar='VISITS')
    return found


def boot(rate: int, pages: int = ARENA) -> Boot:
    """A guest that visits so many pages a second when it is told to."""
    return Boot(['/bin/hotset', str(pages), str(rate)],
                files={'bin/hotset': paths.BUILD / 'bench' / 'hotset'})


def _visit(vms: Sequence[Guest], hot: HotSet, seconds: int) -> int:
    """How many visits the guests have made."""
    for vm, part in zip(vms, hot.parts):
        vm.console.send(part.line(seconds))
    return sum(int(vm.console.wait(r'hotset: (\d+) visits\n',
                                   PATIENCE).group(1)) for vm in vms)


def visit_all(vms: Sequence[Guest], peer: str, seconds: int, mark: Mark,
              figures: Callable[[HotSet], Dict[str, Any]]) -> None:
    """Tells of each hot set, with figures of before and after."""
    for hot in of_guests(len(vms)):
        say(f'{peer}: {hot.title}')
        before = figures(hot)
        mark.set()
        visits = _visit(vms, hot, seconds)
        mark.set()
        say(json.dumps({'peer': peer, 'hot set': hot.name, 'visits': visits,
                        'before': before, 'after': figures(hot)}))
