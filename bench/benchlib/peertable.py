# What peers have made of hot sets, as it stands in tables.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence

from . import hotsets, peers, tables
from .marks import Row
# pylint: disable=wrong-import-order
from raminate.guest import MIB, PAGE_SIZE

# The last part of the time is what comes of it in the end.
SETTLED = 1 / 4


@dataclass
class Outcome:
    """Of one hot set with one peer, while it was visited."""
    peer: str
    hot_set: str
    visits: int
    table: List[Row]            # of the traffic plugin
    changes: Dict[str, int]     # of the host's counts, and RAMinate's
    after: Dict[str, int]       # these counts, and where the guest is

    def total(self, column: str) -> int:
        return sum(row[column] for row in self.table)

    @property
    def slow(self) -> float:
        """Bytes that slow memory serves for each visit, reads and writes."""
        return _served(self.table) / max(self.visits, 1)

    @property
    def settled(self) -> float:
        """As slow, in the last part of the time.

        The program makes as many visits in any part, if it can.
        """
        begin, end = self.table[0]['time_ms'], self.table[-1]['time_ms']
        part = [row for row in self.table
                if row['time_ms'] >= end - SETTLED * (end - begin)]
        return _served(part) / max(self.visits * SETTLED, 1)


def _served(table: Sequence[Row]) -> int:
    """By slow memory, in bytes."""
    return sum(row['slow_read'] + row['slow_written'] for row in table)


def _share(part: Optional[int], whole: int) -> str:
    return '–' if part is None else f'{100 * part / max(whole, 1):.0f} %'


def outcome(report: Dict[str, Any], table: List[Row]) -> Outcome:
    """From what the program in the host has told."""
    before, after = report['before'], report['after']
    return Outcome(report['peer'], report['hot set'], report['visits'], table,
                   {key: after[key] - before[key] for key in after}, after)


def of_best(outcomes: Sequence[Outcome], hot_set: str) -> Optional[float]:
    """What RAMinate has slow memory serve, of the best peer's.

    None if RAMinate is not there, or is alone.
    """
    slow = {peers.find(found.peer): found.slow for found in outcomes
            if found.hot_set == hot_set}
    ours = slow.get(peers.find(peers.RAMINATE))
    others = [slow[peer] for peer in peers.OTHERS if peer in slow]
    if ours is None or not others:
        return None
    return ours / max(min(others), 1)


def _by_peer(outcomes: Sequence[Outcome]) -> Dict[str, Dict[str, Outcome]]:
    """By hot set and peer, in the order in which they come."""
    found: Dict[str, Dict[str, Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.hot_set, {})[one.peer] = one
    return found


def summary(outcomes: Sequence[Outcome]) -> str:
    """KiB that slow memory serves for each visit, and that in the end."""
    compared = [one for one in outcomes
                if peers.find(one.peer) in peers.PEERS]
    found = _by_peer(compared)
    names = list(dict.fromkeys(one.peer for one in compared))
    ratios = {hot_set: of_best(outcomes, hot_set) for hot_set in found}
    return tables.markdown(
        ['hot set', *(peers.find(name).title for name in names),
         "RAMinate's, of the best peer's"],
        [*([hot_set, *(f'{tables.text(by_peer[name].slow / 1024, 2)} '
                       f'({tables.text(by_peer[name].settled / 1024, 2)})'
                       for name in names),
            tables.text(ratios[hot_set], 2)]
           for hot_set, by_peer in found.items()),
         ['mean', *('' for _ in names),
          tables.text(tables.average(ratios.values()), 2)]])


def details(outcomes: Sequence[Outcome]) -> str:
    return tables.markdown(
        ['hot set', 'peer', 'slow: MiB read', 'MiB written',
         'by the kernel', 'pages moved', "guest's faults", 'QEMU\'s faults',
         'million instructions', 'visits', 'guest: MiB fast',
         'in huge pages', 'of the hot pages, fast', 'of the fast, hot'],
        [[found.hot_set, peers.find(found.peer).title,
          *(tables.text(found.total(column) / MIB, 0)
            for column in ('slow_read', 'slow_written', 'slow_swapped')),
          *(tables.text(found.changes[key], 0)
            for key in ('pgmigrate_success', 'pf_taken', 'faults')),
          tables.text(_million_instructions(found), 0),
          tables.text(found.visits, 0),
          tables.text(found.after['fast'] * PAGE_SIZE / MIB),
          tables.text(found.after['huge'] / MIB, 0),
          _share(found.after.get('hot'),
                 hotsets.find(found.hot_set).pages),
          _share(found.after.get('hot'), found.after['fast'])]
         for found in outcomes], 2)


def _million_instructions(found: Outcome) -> float:
    return found.total('instructions') / 1e6


def _faults(found: Outcome) -> float:
    return found.changes['pf_taken']


# And with how many digits
COUNTS = ((_million_instructions, 1), (_faults, 0))


def _more(by_peer: Dict[str, Outcome], name: str,
          count: Callable[[Outcome], float], seconds: int
          ) -> Optional[float]:
    """What is counted a second beyond what there is without a sampler."""
    if name not in by_peer or peers.NONE not in by_peer:
        return None
    return (count(by_peer[name]) - count(by_peer[peers.NONE])) / seconds


def sampling(outcomes: Sequence[Outcome], seconds: int) -> str:
    """What it takes to find pages that nobody moves."""
    titles = [title for peer in peers.SAMPLERS for title in (
        f'{peer.title}: million instructions a second', 'faults a second')]
    return tables.markdown(
        ['hot set', *titles],
        [[hot_set, *(
            tables.text(_more(by_peer, peer.name, count, seconds), digits)
            for peer in peers.SAMPLERS for count, digits in COUNTS)]
         for hot_set, by_peer in _by_peer(outcomes).items()])
