# With the placer on, QMP and a guest's vCPU stand still not much longer than
# with it off.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
from typing import Callable

from guestlib import Guest, check

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bench'))

# pylint: disable=wrong-import-position
from benchlib.beat import Longest, watch  # noqa: E402

MORE = 100              # milliseconds that the placer may cost
# On a machine that is busy with other things, one of them is quiet.
LEAST_ROUNDS = 3
ROUNDS = 20
NEVER = Longest(float('inf'), float('inf'))


def compare(directory: Path, guest: Guest,
            meanwhile: Callable[[], object] = lambda: None,
            rounds: int = ROUNDS) -> None:
    """With the placer on, nobody waits much longer than with it off.

    Batches must be given up all the while.
    """
    off = on = NEVER
    for number in range(rounds):
        guest.set('monitor', False)
        off = off.least(watch(directory, lambda: None))
        guest.set('monitor', True)
        given_up = guest.raminate()['batches-given-up']
        on = on.least(watch(directory, meanwhile))
        info = guest.raminate()
        guest.set('monitor', False)
        check(info['batches-given-up'] > given_up, info)
        if number + 1 >= LEAST_ROUNDS and all(
                now - before <= MORE for before, now in zip(off, on)):
            break
    print(f"# longest answer and gap, in ms: {on.answer:.0f} and "
          f"{on.gap:.0f}, with monitor=off {off.answer:.0f} and "
          f"{off.gap:.0f}", flush=True)
    check(all(now - before <= MORE for before, now in zip(off, on)),
          f"with the placer on {on}, with it off {off}")
    # Each attempt has held the main loop, and was counted.
    times = info['main-loop-time']
    check(times['count'] >= info['batches-given-up'], info)
