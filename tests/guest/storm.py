# A storm: pages are swapped without pause while a guest checks its memory.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass, field
from pathlib import Path
import re
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from guestlib import (DRAM, FULL_RATE, MEMORY, MIB, Guest, check,
                      check_figures, hybrid, start_swapper, swapper_args,
                      wait_until)
from loads import Load
from raminate.guest import PAGE_SIZE

# A small buffer for translated code: it fills up soon, and isn't taken for
# a leak.
CODE = 32
STACK = MIB             # of a coroutine
PROGRESS = 10           # seconds
DONE_PATIENCE = 3600    # seconds; a pass of memtest86+ on a busy machine
# What the heap and that buffer may still take after the warm-up.
MOST_BYTES = (CODE + 32) * MIB
# RAMinate's own, which depends on how many pages were found lately.
MOST_OWN = 8 * MIB
MOST_MAPPINGS = 128
MOST_FDS = 8
MOST_THREADS = 64       # that a pool for block I/O has at most


class Usage(NamedTuple):
    """What QEMU has when nothing is swapped."""
    bytes: int              # anonymous memory that is resident
    own: int                # of it, what RAMinate counts as its own
    mappings: int           # besides those of the guest's pages, and of
                            # coroutines' stacks, which QEMU keeps
    fds: int
    threads: int

    def grown(self, first: 'Usage') -> List[str]:
        """What is more than at first, and must not be."""
        most = Usage(MOST_BYTES, MOST_OWN, MOST_MAPPINGS, MOST_FDS,
                     MOST_THREADS)
        return [f"{name}: {before} at first, {now} at the end"
                for name, before, now, more
                in zip(self._fields, first, self, most)
                if now > before + more]


@dataclass
class Storm:
    name: str
    load: Load
    vcpus: int = 2
    policy: str = 'lru'
    accel: str = 'tcg,thread=multi'
    memory: int = MEMORY
    args: Sequence[str] = ()


@dataclass
class Result:
    storm: Storm
    pairs: int = 0
    seconds: float = 0
    errors: List[str] = field(default_factory=list)
    first: Optional[Usage] = None
    last: Optional[Usage] = None


Say = Callable[[str], None]
Sabotage = Callable[[Guest], None]


def _mappings(maps: str) -> int:
    """All but coroutines' stacks: a page that protects, and the stack."""
    found = [(int(start, 16), int(end, 16), access) for start, end, access
             in re.findall(r'^(\w+)-(\w+) (\S+)', maps, re.M)]
    stacks = sum(guard[1] - guard[0] == PAGE_SIZE and guard[2] == '---p' and
                 stack[0] == guard[1] and stack[1] - stack[0] == STACK
                 for guard, stack in zip(found, found[1:]))
    return len(found) - 2 * stacks


def _usage(guest: Guest, info: Dict[str, Any]) -> Usage:
    process = Path(f'/proc/{guest.get_pid()}')
    status = dict(re.findall(r'^(\w+):\s+(\d+)',
                             (process / 'status').read_text(), re.M))
    return Usage(int(status['RssAnon']) << 10, info['memory'],
                 _mappings((process / 'maps').read_text())
                 - info['mappings'],
                 len(list((process / 'fd').iterdir())),
                 int(status['Threads']))


def _line(storm: Storm, seconds: float, errors: int, info: Dict[str, Any],
          usage: Usage) -> str:
    return (f"{storm.name}: {seconds:.0f} s, {info['swaps']} pairs, "
            f"{errors} errors, {usage.bytes / MIB:.0f} MiB, "
            f"{info['mappings']} mappings, {usage.fds} fds, "
            f"{usage.threads} threads")


def _blow(directory: Path, storm: Storm, guest: Guest, seconds: float,
          say: Say, until: Callable[[Guest], bool] = lambda guest: True
          ) -> None:
    """Swaps by policy and by command for so long, and until that is so."""
    guest.set('policy', storm.policy)
    swapper = start_swapper(guest, directory)
    start = time.monotonic()
    said = start
    while time.monotonic() < start + seconds or not until(guest):
        check(time.monotonic() < start + seconds + DONE_PATIENCE,
              "the guest does not come to an end")
        storm.load.poll(guest)
        if swapper.error:
            # A guest that has ended says why.
            storm.load.poll(guest)
            check(False, f"swapping failed: {swapper.error!r}; the guest's "
                  f"last words: {guest.console.tail()}")
        if time.monotonic() >= said + PROGRESS:
            said += PROGRESS
            info = guest.raminate()
            say(_line(storm, said - start, storm.load.errors(guest), info,
                      _usage(guest, info)))
        time.sleep(1)
    swapper.finish()
    check(swapper.swaps > 0, "nothing was swapped by command")


def _quiet(guest: Guest) -> Usage:
    """Waits until nothing is swapped any more."""
    guest.set('policy', 'null')

    def at_rest() -> bool:
        before = guest.raminate()['swaps']
        time.sleep(0.5)
        return bool(guest.raminate()['swaps'] == before)

    wait_until(at_rest, "the end of the last batch", guest)
    return _usage(guest, guest.raminate())


def _run(directory: Path, guest: Guest, seconds: float, say: Say,
         result: Result, sabotage: Optional[Sabotage]) -> None:
    storm = result.storm
    storm.load.start(guest)
    start = time.monotonic()
    _blow(directory, storm, guest, seconds / 4, say)
    result.first = _quiet(guest)
    if sabotage:
        sabotage(guest)
    _blow(directory, storm, guest, seconds - seconds / 4, say,
          storm.load.done)
    result.last = _quiet(guest)
    # Once the load has finished, the guest ends, and then nothing moves.
    info = guest.raminate()
    storm.load.finish(guest)
    result.seconds = time.monotonic() - start
    check_figures(info)
    check(not info.get('held-because'), info.get('held-because'))


def run_storm(directory: Path, storm: Storm, seconds: float, say: Say = print,
              sabotage: Optional[Sabotage] = None) -> Result:
    """Runs a guest in a storm; what went wrong is in the result.

    The storm lasts for so many seconds, and then as long as the load needs.
    """
    result = Result(storm)
    accel = storm.accel
    if accel.startswith('tcg'):
        accel += f',tb-size={CODE}'
    try:
        args = [*hybrid(directory, storm.memory, DRAM, **FULL_RATE), '-smp',
                str(storm.vcpus), *storm.load.args(directory), *storm.args,
                *swapper_args(directory)]
        guest = Guest(directory, storm.load.boot(), args, accel)
        try:
            with guest:
                try:
                    _run(directory, guest, seconds, say, result, sabotage)
                finally:
                    result.pairs = guest.raminate()['swaps']
        finally:
            # Of QEMU, which says nothing if all is well.
            said = (guest.get_log() or '').strip()
            if said:
                result.errors.append(f"QEMU says: {said}")
    except Exception as err:    # pylint: disable=broad-except
        result.errors.append(f"{type(err).__name__}: {err}")
    finally:
        storm.load.close()
    if result.first and result.last:
        result.errors += result.last.grown(result.first)
    return result
