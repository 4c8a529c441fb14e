# The hot sets that peers are compared by: which pages of the guest program's
# arena are visited most.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import argparse
from dataclasses import dataclass
import json
from typing import Any, Callable, Dict, Sequence

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
class HotSet:
    """See bench/guest/hotset.c for what the numbers mean."""
    name: str
    title: str
    first: int
    pages: int
    read: int

    def on(self, frames: Sequence[int], nodes: Sequence[int],
           node: int) -> int:
        """How many of its pages are on a node, by where frames are."""
        return sum(nodes[frame] == node for frame in
                   frames[self.first:self.first + self.pages])

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


def find(name: str) -> HotSet:
    return next(hot for hot in HOT_SETS if hot.name == name)


def say(text: str) -> None:
    print(text, flush=True)


def parser() -> argparse.ArgumentParser:
    """Of what programs in the host are told."""
    found = argparse.ArgumentParser()
    found.add_argument('--fast', type=int, required=True, metavar='BYTES')
    found.add_argument('--seconds', type=int, required=True)
    found.add_argument('--rate', type=int, required=True, metavar='VISITS')
    return found


def boot(rate: int) -> Boot:
    """A guest that visits so many pages a second when it is told to."""
    return Boot(['/bin/hotset', str(ARENA), str(rate)],
                files={'bin/hotset': paths.BUILD / 'bench' / 'hotset'})


def visit_all(vm: Guest, peer: str, seconds: int, mark: Mark,
              figures: Callable[[HotSet], Dict[str, Any]]) -> None:
    """Tells of each hot set, with figures of before and after."""
    for hot in HOT_SETS:
        say(f'{peer}: {hot.title}')
        before = figures(hot)
        mark.set()
        vm.console.send(hot.line(seconds))
        match = vm.console.wait(r'hotset: (\d+) visits\n', PATIENCE)
        mark.set()
        say(json.dumps({'peer': peer, 'hot set': hot.name,
                        'visits': int(match.group(1)),
                        'before': before, 'after': figures(hot)}))
