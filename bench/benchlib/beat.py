# How long QMP and a guest's vCPU stand still at most: a guest that beats, and
# what watches it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import mmap
from pathlib import Path
import time
from typing import Callable, List, NamedTuple

from .largeguest import PAGE, Asker, Case, Writes, firmware, writer
# pylint: disable=wrong-import-order
from raminate.guest import MIB, Guest, two_tiers, work_directory
from raminate.worker import Worker

MEMORY = 64 * MIB
DRAM = 8 * MIB
# A node of ordinary memory, of which a page is the beat
BEAT = 2 * MIB
CASE = Case('beat', MEMORY + BEAT, [Writes(MIB // 4, PAGE)])
ASKS = 500              # of about a millisecond each, if all is well
DISK = 8 * MIB


class Longest(NamedTuple):
    """Milliseconds."""
    answer: float           # of QMP
    gap: float              # between two beats of the guest

    def least(self, other: 'Longest') -> 'Longest':
        return Longest(min(self.answer, other.answer),
                       min(self.gap, other.gap))


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


def slow_disk(latency: float) -> List[str]:
    """A disk "d" that answers after so many seconds."""
    return ['-drive', f'if=none,id=d,driver=null-co,size={DISK},'
            f'read-zeroes=on,latency-ns={int(latency * 10 ** 9)}']


def start_read(guest: Guest) -> None:
    """Has the disk "d" read, in the background."""
    said = guest.cmd('human-monitor-command', **{
        'command-line': 'qemu-io d "aio_read -q 0 4096"'})
    if said:
        raise AssertionError(said)


class Beat(Worker):
    """Takes a word away, again and again, which the guest writes anew."""

    def __init__(self, directory: Path):
        super().__init__()
        with (directory / 'beat').open('r+b') as file:
            self._memory = mmap.mmap(file.fileno(), PAGE)
        self.longest = 0.0      # milliseconds

    def run(self) -> None:
        while not self.ended.is_set():
            self._memory[:8] = bytes(8)
            start = time.perf_counter()
            while self._memory[:8] == bytes(8) and not self.ended.is_set():
                time.sleep(0.001)
            self.longest = max(self.longest,
                               1000 * (time.perf_counter() - start))


def watch(directory: Path, meanwhile: Callable[[], object],
          seconds: float = 0) -> Longest:
    """Watches for about a second, and at least for so long as is said."""
    asker = Asker(directory / 'ask')
    try:
        with Beat(directory) as beat:
            meanwhile()
            answer = asker.longest(asks=ASKS, seconds=seconds)
    finally:
        asker.close()
    return Longest(answer, beat.longest)


def stopped_storage(binary: str, seconds: float, monitor: bool) -> Longest:
    """While a disk does not answer for so long, with one build of QEMU."""
    with work_directory(MEMORY + BEAT) as directory:
        args = [*firmware(), *beating(directory), *slow_disk(seconds)]
        with Guest(directory, None, args, 'tcg,thread=multi',
                   binary) as guest:
            guest.launch()

            def stop() -> None:
                # The first batches, which have most to move, meet it.
                start_read(guest)
                if monitor:
                    guest.set('monitor', True)

            return watch(directory, stop, seconds + 1)
