# With the placer on, QMP and a guest's vCPU stand still not much longer than
# with it off.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
from typing import Callable, List

from guestlib import Guest, check

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bench'))

# pylint: disable=wrong-import-position
from benchlib.beat import Longest, watch  # noqa: E402

MORE = 100              # milliseconds that the placer may cost
# On a machine that is busy with other things, one of them is quiet.
LEAST_ROUNDS = 5
ROUNDS = 20
# Where the best round is quiet, others may not be.  Such a machine makes
# rounds long with the placer off as often as with it on; of so many rounds,
# one more of these may be long by chance.
LONG = 8 * MORE         # milliseconds more than in the best round
PER_CHANCE = 4


class Waits:
    """The longest answers, or gaps, of all rounds, in milliseconds."""

    def __init__(self, off: List[float], on: List[float]):
        self._off = off
        self._on = on
        self.costs = min(on) - min(off)

    def more_often_long(self) -> int:
        """In how many more rounds somebody waits with the placer on."""
        bound = min(self._off) + LONG
        return (sum(one > bound for one in self._on) -
                sum(one > bound for one in self._off))

    def __str__(self) -> str:
        return (f"{min(self._on):.0f} to {max(self._on):.0f}, with "
                f"monitor=off {min(self._off):.0f} to {max(self._off):.0f}")


def waits(off: List[Longest], on: List[Longest]) -> List[Waits]:
    return [Waits(list(one), list(other))
            for one, other in zip(zip(*off), zip(*on))]


def within(found: List[Waits], more_often: int) -> bool:
    return all(one.costs <= MORE and one.more_often_long() <= more_often
               for one in found)


def compare(directory: Path, guest: Guest,
            meanwhile: Callable[[], object] = lambda: None,
            rounds: int = ROUNDS) -> None:
    """With the placer on, nobody waits much longer than with it off, nor more
    often.

    Batches must be given up all the while.
    """
    off: List[Longest] = []
    on: List[Longest] = []
    for number in range(rounds):
        guest.set('monitor', False)
        off.append(watch(directory, lambda: None))
        guest.set('monitor', True)
        given_up = guest.raminate()['batches-given-up']
        on.append(watch(directory, meanwhile))
        info = guest.raminate()
        guest.set('monitor', False)
        check(info['batches-given-up'] > given_up, info)
        if number + 1 >= LEAST_ROUNDS and within(waits(off, on), 0):
            break
    answers, gaps = waits(off, on)
    print(f"# longest answers of {len(on)} rounds, in ms: {answers}; "
          f"longest gaps: {gaps}", flush=True)
    check(within([answers, gaps], len(on) // PER_CHANCE),
          f"with the placer on, answers: {answers}; gaps: {gaps}; answers "
          f"are long in {answers.more_often_long()} rounds more, gaps in "
          f"{gaps.more_often_long()}")
    # Each attempt has held the main loop, and was counted.
    times = info['main-loop-time']
    check(times['count'] >= info['batches-given-up'], info)
