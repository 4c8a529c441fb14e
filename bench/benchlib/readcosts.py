# What slow memory costs whose reads cost as much as its writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
import operator
from pathlib import Path
from statistics import geometric_mean, mean
from typing import Dict, List

from . import replay, tables, workloads
from .replay import Result, Row

# Of a read and a write in the fast tier, and in the slow one, as CXL memory
FAST, SLOW = (1, 1), (3, 3)
COSTS = ','.join(f'{read}:{write}' for read, write in (FAST, SLOW))
DEFAULT = 'payback'
# Adapted to samples of scans: see docs/reference.md
PEERS = ('hemem', 'memtis', 'age')


@dataclass
class Costs:
    """The recordings replayed with such memory."""
    policies: List[str]
    results: List[Result]


def cost(row: Row) -> float:
    """What slow memory and swaps cost, of what it costs if all is slow."""
    value: float = row['cost_percent']
    return value


def measure(recordings: Dict[str, Path], policies: List[str]) -> Costs:
    results = []
    for name, path in recordings.items():
        for share in replay.SHARES:
            print(f"{name}: replaying with {share} % DRAM, and reads that "
                  "cost", flush=True)
            results.append(replay.with_costs(name, path, share, policies,
                                             COSTS))
    return Costs(policies, results)


def _costs(chosen: List[Result], policy: str, number: int) -> List[float]:
    return [cost(result.row(policy, number)) for result in chosen]


def _ratio(chosen: List[Result], others: str, number: int) -> List[str]:
    """Ratio of the means, and mean of the ratios."""
    ours, theirs = (_costs(chosen, name, number) for name in (DEFAULT, others))
    return [tables.text(sum(ours) / sum(theirs), 2),
            tables.text(geometric_mean(map(operator.truediv, ours, theirs)),
                        2)]


def _best_peer(chosen: List[Result], number: int) -> str:
    return min(PEERS, key=lambda name: mean(_costs(chosen, name, number)))


def _worst(chosen: List[Result], number: int) -> str:
    ours, none = (_costs(chosen, name, number) for name in (DEFAULT, 'null'))
    ratio, name = max(zip(map(operator.truediv, ours, none),
                          (result.workload for result in chosen)))
    return f'{ratio:.2f} ({name})'


def _verdicts(costs: Costs) -> str:
    lines = []
    for share in replay.SHARES:
        for judging in (False, True):
            chosen = _chosen(costs, share, judging)
            if not chosen:
                continue
            for number, title in ((1, 'first'), (2, 'second')):
                peer = _best_peer(chosen, number)
                lines.append([
                    f'{share} %', 'judging' if judging else 'all', title,
                    *_ratio(chosen, replay.PAPER_CMQ, number),
                    *_ratio(chosen, 'lru', number),
                    f'{_ratio(chosen, peer, number)[0]} ({peer})',
                    _worst(chosen, number),
                    _ratio(chosen, replay.ORACLE, number)[0]])
    return tables.markdown(
        ['DRAM', 'workloads', 'pass', "of CMQ's", 'mean of ratios',
         "of lru's", 'mean of ratios', "of the best peer's",
         "worst, of null's", "of the oracle's"], lines, 3)


def _chosen(costs: Costs, share: int, judging: bool) -> List[Result]:
    return [result for result in costs.results if result.share == share
            and (not judging or workloads.find(result.workload).judging)]


def _tables(costs: Costs, share: int) -> List[str]:
    chosen = _chosen(costs, share, False)
    return [f"\n### {share} % DRAM, reads cost\n\n`cost %` of each workload, "
            "first pass:\n\n",
            tables.by_workload(chosen, costs.policies, cost),
            "\nSecond pass:\n\n",
            tables.by_workload(
                [replay.second_pass(result) for result in chosen],
                costs.policies, cost),
            "\nSwaps, first pass:\n\n",
            tables.by_workload(chosen, costs.policies,
                               lambda row: row['swaps'], 0)]


def section(costs: Costs, name: str) -> str:
    """The part of the document NAME that tells of it."""
    return ''.join([f"""
## Memory whose reads cost, too

The same recordings, if a line of slow memory costs {SLOW[0]} times as much \
as one of DRAM, read or written, as CXL memory does (`--costs {COSTS}`). \
`cost %` is what the guest's reads and writes cost more than if all memory \
were DRAM, and what swaps read and write in both tiers, in relation to what \
they cost more if all memory is slow. All policies but `null` go by the pages \
that scans found accessed, since reads are worth as much as writes; `payback` \
tells them apart. The oracle knows what is going to be read and written, and \
makes the swaps that pay until the next batch.

The aim is at most 0.70 of what CMQ and `lru` leave, at most 0.90 of the best \
of {', '.join(f'`{peer}`' for peer in PEERS)}, and never more than `null`, on \
the workloads for judging:

{_verdicts(costs)}"""] + [part for share in replay.SHARES
                          for part in _tables(costs, share)] + [f"""
All numbers are in [{name}/read-costs.csv]({name}/read-costs.csv).
"""])
