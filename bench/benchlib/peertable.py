# What peers have made of hot sets, as it stands in tables.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from . import peers, tables
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

    def total(self, *columns: str) -> int:
        return sum(row[column] for row in self.table for column in columns)

    @property
    def slow(self) -> float:
        """Bytes that slow memory serves for each visit, reads and writes."""
        return self.total('slow_read', 'slow_written') / max(self.visits, 1)

    @property
    def percent(self) -> float:
        """The share of all traffic that slow memory serves."""
        return _percent(self.table)

    @property
    def settled_percent(self) -> float:
        begin, end = self.table[0]['time_ms'], self.table[-1]['time_ms']
        return _percent([row for row in self.table if row['time_ms'] >=
                         end - SETTLED * (end - begin)])


def _percent(table: Sequence[Row]) -> float:
    slow = sum(row['slow_read'] + row['slow_written'] for row in table)
    fast = sum(row['fast_read'] + row['fast_written'] for row in table)
    return 100 * slow / max(slow + fast, 1)


def outcome(report: Dict[str, Any], table: List[Row]) -> Outcome:
    """From what the program in the host has told."""
    before, after = report['before'], report['after']
    return Outcome(report['peer'], report['hot set'], report['visits'], table,
                   {key: after[key] - before[key] for key in after}, after)


def of_best(outcomes: Sequence[Outcome], hot_set: str) -> Optional[float]:
    """What RAMinate has slow memory serve, of the best peer's.

    None if RAMinate is not there, or is alone.
    """
    slow = {found.peer: found.slow for found in outcomes
            if found.hot_set == hot_set}
    ours = slow.pop(peers.RAMINATE, None)
    if ours is None or not slow:
        return None
    return ours / max(min(slow.values()), 1)


def _by_peer(outcomes: Sequence[Outcome]) -> Dict[str, Dict[str, Outcome]]:
    """By hot set and peer, in the order in which they come."""
    found: Dict[str, Dict[str, Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.hot_set, {})[one.peer] = one
    return found


def summary(outcomes: Sequence[Outcome]) -> str:
    """Slow memory's share with each peer, all the time and in the end."""
    found = _by_peer(outcomes)
    names = list(dict.fromkeys(one.peer for one in outcomes))
    return tables.markdown(
        ['hot set', *(peers.find(name).title for name in names),
         "RAMinate's, of the best peer's"],
        [[hot_set, *(f'{tables.text(by_peer[name].percent)} '
                     f'({tables.text(by_peer[name].settled_percent)})'
                     for name in names),
          tables.text(of_best(outcomes, hot_set), 2)]
         for hot_set, by_peer in found.items()])


def details(outcomes: Sequence[Outcome]) -> str:
    return tables.markdown(
        ['hot set', 'peer', 'slow: KiB a visit', 'MiB read', 'MiB written',
         'by the kernel', 'pages moved', "guest's faults", 'QEMU\'s faults',
         'million instructions', 'visits', 'guest: MiB fast',
         'in huge pages'],
        [[found.hot_set, peers.find(found.peer).title,
          tables.text(found.slow / 1024, 2),
          *(tables.text(found.total(column) / MIB, 0)
            for column in ('slow_read', 'slow_written', 'slow_swapped')),
          *(tables.text(found.changes[key], 0)
            for key in ('pgmigrate_success', 'pf_taken', 'faults')),
          tables.text(found.total('instructions') / 1e6, 0),
          tables.text(found.visits, 0),
          tables.text(found.after['fast'] * PAGE_SIZE / MIB),
          tables.text(found.after['huge'] / MIB, 0)]
         for found in outcomes], 2)
