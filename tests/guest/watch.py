# How long QMP and a guest's vCPU stand still at most, with the monitor on and
# with it off.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import mmap
from pathlib import Path
import sys
import threading
import time
from types import TracebackType
from typing import Callable, List, NamedTuple, Optional, Type

from guestlib import MIB, Guest, check, two_tiers

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bench'))

# pylint: disable=wrong-import-position
from benchlib.largeguest import (  # noqa: E402
    PAGE, Asker, Case, Writes, writer)

MEMORY = 64 * MIB
DRAM = 8 * MIB
# A node of ordinary memory, of which a page is the beat
BEAT = 2 * MIB
CASE = Case('beat', MEMORY + BEAT, [Writes(MIB // 4, PAGE)])
ASKS = 500              # of about a millisecond each, if all is well
MORE = 100              # milliseconds that the monitor may cost
# On a machine that is busy with other things, one of them is quiet.
LEAST_ROUNDS = 3
ROUNDS = 20


class Longest(NamedTuple):
    """Milliseconds."""
    answer: float           # of QMP
    gap: float              # between two beats of the guest

    def least(self, other: 'Longest') -> 'Longest':
        return Longest(min(self.answer, other.answer),
                       min(self.gap, other.gap))


NEVER = Longest(float('inf'), float('inf'))


def beating(directory: Path) -> List[str]:
    """A guest without an image, with the monitor off, that writes all the
    time to slow memory and to the beat."""
    container = two_tiers(directory, MEMORY, DRAM, policy='lru',
                          scan_period=50, swap_period=50, monitor='off')
    return ['-m', f'{CASE.memory // MIB}M', *container.args(),
            '-object', f'memory-backend-file,id=beat,size={BEAT},share=on,'
            f'mem-path={directory}/beat',
            '-numa', 'node,nodeid=0,memdev=dmcon0',
            '-numa', 'node,nodeid=1,memdev=beat',
            '-cpu', 'max', '-kernel', str(writer(directory, CASE)),
            '-qmp', f'unix:{directory}/ask,server=on,wait=off']


class Beat(threading.Thread):
    """Takes a word away, again and again, which the guest writes anew."""

    def __init__(self, directory: Path):
        super().__init__(daemon=True)
        with (directory / 'beat').open('r+b') as file:
            self._memory = mmap.mmap(file.fileno(), PAGE)
        self._ended = threading.Event()
        self.longest = 0.0      # milliseconds

    def run(self) -> None:
        while not self._ended.is_set():
            self._memory[:8] = bytes(8)
            start = time.perf_counter()
            while self._memory[:8] == bytes(8) and not self._ended.is_set():
                time.sleep(0.001)
            self.longest = max(self.longest,
                               1000 * (time.perf_counter() - start))

    def __enter__(self) -> 'Beat':
        self.start()
        return self

    def __exit__(self, exc_type: Optional[Type[BaseException]],
                 exc_val: Optional[BaseException],
                 exc_tb: Optional[TracebackType]) -> None:
        self._ended.set()
        self.join()


def watch(directory: Path, meanwhile: Callable[[], object]) -> Longest:
    """Watches for about a second."""
    asker = Asker(directory / 'ask')
    try:
        with Beat(directory) as beat:
            meanwhile()
            answer = asker.longest(asks=ASKS)
    finally:
        asker.close()
    return Longest(answer, beat.longest)


def compare(directory: Path, guest: Guest,
            meanwhile: Callable[[], object] = lambda: None,
            rounds: int = ROUNDS) -> None:
    """With the monitor on, nobody waits much longer than with it off.

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
          f"with the monitor on {on}, with it off {off}")
    # Each attempt has held the main loop, and was counted.
    times = info['main-loop-time']
    check(times['count'] >= info['batches-given-up'], info)
