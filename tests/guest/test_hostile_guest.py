#!/usr/bin/env python3
# A guest that writes all of its memory can't make its placer take more of a
# processor than it may, nor change anything for a neighbour.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import os
import sys
import time
from typing import Any, Dict, List, NamedTuple, Sequence

from guestlib import (MIB, PATIENCE, Guest, check, hybrid, run_tests,
                      wait_until)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'bench'))

# pylint: disable=wrong-import-position
from benchlib.largeguest import PAGE, Case, Writes, writer  # noqa: E402

MEMORY = 256 * MIB
DRAM = 32 * MIB
EVERYTHING = Case('hostile', MEMORY, [Writes(PAGE, PAGE)])
SOME = Case('quiet', 64 * MIB, [Writes(4 * MIB, PAGE)])
# As much work as can be asked for, and little allowed
GREEDY: Dict[str, Any] = {'scan_period': 1, 'second_look': 1,
                          'swap_period': 1}
PERCENT = 2
SECONDS = 15                    # over which a share is measured


class Reading(NamedTuple):
    """Seconds: passed, and taken by figures and by the kernel's account."""
    now: float
    told: float
    thread: float


def read(guest: Guest) -> Reading:
    told = guest.raminate()['cpu-time']['total'] / 1e9
    for task in Path(f'/proc/{guest.get_pid()}/task').iterdir():
        if (task / 'comm').read_text().startswith('raminate/'):
            thread = int((task / 'schedstat').read_text().split()[0]) / 1e9
            return Reading(time.monotonic(), told, thread)
    raise AssertionError("the placer has no thread")


def shares(guest: Guest, seconds: float) -> 'tuple[float, float]':
    """Per cent of a processor: by the figures, by the kernel's account."""
    before = read(guest)
    time.sleep(seconds)
    after = read(guest)
    passed = after.now - before.now
    return (100 * (after.told - before.told) / passed,
            100 * (after.thread - before.thread) / passed)


def args(directory: Path, **options: Any) -> List[str]:
    return [*hybrid(directory, memory=MEMORY, dram=DRAM, **GREEDY, **options),
            '-name', 'hostile,debug-threads=on', '-cpu', 'max',
            '-kernel', str(writer(directory, EVERYTHING))]


def wait_for_writes(guest: Guest, case: Case) -> None:
    wait_until(lambda: sum(tier['written'] for tier in
                           guest.raminate()['tiers']) >= case.pages() // 2,
               "writes to most pages", guest)


def check_share(directory: Path, policy: str) -> None:
    with Guest(directory, None, args(directory, policy=policy,
                                     max_cpu=PERCENT)) as guest:
        guest.launch()
        wait_for_writes(guest, EVERYTHING)
        # What was saved up is used.
        wait_until(lambda: guest.raminate()['scans-put-off'] >= 3,
                   "scans that are put off", guest)
        told, thread = shares(guest, SECONDS)
        # A piece of work or two may be over, and the two clocks differ.
        check(told < 2 * PERCENT, f"{told:.1f} % of a processor")
        check(thread < 2 * PERCENT, f"{thread:.1f} % by its thread")
        check(told > PERCENT / 5, f"{told:.1f} %: is it put off for ever?")

        # Without the bound, the same guest makes it take far more.
        guest.set('max-cpu', 0)
        wait_until(lambda: shares(guest, SECONDS / 5)[0] > 2 * PERCENT,
                   "more than the bound without it", guest)


def payback_takes_its_share(directory: Path) -> None:
    check_share(directory, 'payback')


def lru_takes_its_share(directory: Path) -> None:
    check_share(directory, 'lru')


def pools(directory: Path) -> None:
    """Two pools that two guests share, and the file that names them."""
    lines = []
    for name, size in (('dram', 2 * DRAM), ('nvm', 2 * MEMORY)):
        with (directory / name).open('wb') as file:
            file.truncate(size)
        lines += [f'[pool {name}]', f'path={directory / name}',
                  f'ranges=0+{size}']
    conf = directory / 'pools.conf'
    conf.write_text('\n'.join(lines) + '\n')
    os.environ['RAMINATE_POOLS'] = str(conf)


def pooled(directory: Path, case: Case, dram: int, options: str
           ) -> Sequence[str]:
    rest = case.memory - dram
    return ['-m', f'{case.memory // MIB}M', '-object',
            f'memory-backend-container,id=dmcon0,size={case.memory},'
            f'{options}',
            '-object', f'memory-backend-devmem,id=dram0,size={dram},'
                       'pool=dram,parent=dmcon0',
            '-object', f'memory-backend-devmem,id=mram0,size={rest},'
                       f'pool=nvm,parent=dmcon0,offset={dram}',
            '-machine', 'memory-backend=dmcon0', '-cpu', 'max',
            '-kernel', str(writer(directory, case))]


def places(guest: Guest) -> object:
    info = guest.raminate()
    return ([(tier['phy-offset'], tier['size'], tier['pages'])
             for tier in info['tiers']],
            [bucket['tiers'] for bucket in
             guest.cmd('query-raminate-map', id='dmcon0')['buckets']])


def settled(guest: Guest) -> Dict[str, Any]:
    """The figures once all pages that are written are in fast memory."""
    def is_settled() -> bool:
        tiers = guest.raminate()['tiers']
        return tiers[0]['written'] >= SOME.pages() > 0 == tiers[1]['written']
    wait_until(is_settled, "a placement that fits", guest)
    return guest.raminate()


def check_neighbour(directory: Path) -> None:
    pools(directory)
    quiet = directory / 'quiet'
    loud = directory / 'loud'
    for path in (quiet, loud):
        path.mkdir()
    with Guest(quiet, None, pooled(quiet, SOME, 8 * MIB, 'policy=lru,'
                                   'scan-period=200,swap-period=400')
               ) as neighbour:
        neighbour.launch()
        before = settled(neighbour)
        where = places(neighbour)
        with Guest(loud, None, pooled(loud, EVERYTHING, DRAM, 'policy=lru,'
                                      'scan-period=10,swap-period=10')
                   ) as hostile:
            hostile.launch()
            wait_until(lambda: hostile.raminate()['swaps'] >= 2000,
                       "swaps of the hostile guest", hostile)
            end = time.monotonic() + PATIENCE
            scans = neighbour.raminate()['scans']
            while neighbour.raminate()['scans'] < scans + 10:
                check(time.monotonic() < end, "the neighbour isn't scanned")
                time.sleep(0.1)
            after = neighbour.raminate()
            check(places(neighbour) == where, "the neighbour's pages moved")
    for name in ('swaps', 'swaps-failed', 'swaps-held', 'mappings',
                 'scans-put-off', 'state'):
        check(before[name] == after[name],
              f"{name}: {before[name]}, then {after[name]}")


def neighbours_keep_their_places(directory: Path) -> None:
    try:
        check_neighbour(directory)
    finally:
        os.environ.pop('RAMINATE_POOLS', None)


run_tests(payback_takes_its_share, lru_takes_its_share,
          neighbours_keep_their_places)
