# What slow memory costs whose reads cost as much as its writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Callable, Dict, List

from . import compare, replay, tables
from .replay import Result, Row

# Of a read and a write in the fast tier, and in the slow one, as CXL memory
FAST, SLOW = (1, 1), (3, 3)
COSTS = ','.join(f'{read}:{write}' for read, write in (FAST, SLOW))
# Adapted to samples of scans: see docs/reference.md
PEERS = ('hemem', 'memtis', 'age')
START = ('DRAM', 'workloads', 'pass')


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


def _best_peer(chosen: List[Result]) -> str:
    return min(PEERS,
               key=lambda name: mean(compare.figures(chosen, name, cost)))


def _verdict(chosen: List[Result]) -> List[str]:
    peer = _best_peer(chosen)
    return [*compare.ratios(chosen, replay.PAPER_CMQ, cost),
            *compare.ratios(chosen, 'lru', cost),
            f'{compare.ratios(chosen, peer, cost)[0]} ({peer})',
            compare.worst(chosen, cost),
            compare.ratios(chosen, replay.ORACLE, cost)[0]]


def _at_best(chosen: List[Result]) -> List[str]:
    return [compare.of_means(chosen, oracle, others, cost)
            for others in (replay.PAPER_CMQ, 'lru')
            for oracle in replay.ORACLES]


def _lines(costs: Costs, verdict: Callable[[List[Result]], List[str]]
           ) -> List[List[str]]:
    """What VERDICT says of each share of DRAM, kind of workload and pass."""
    lines = []
    for share in replay.SHARES:
        for judging in (False, True):
            chosen = compare.chosen(costs.results, share, judging)
            if not chosen:
                continue
            start = [f'{share} %', compare.kind(judging)]
            lines += [[*start, 'first', *verdict(chosen)],
                      [*start, 'second',
                       *verdict(list(map(replay.second_pass, chosen)))]]
    return lines


def _verdicts(costs: Costs) -> str:
    return tables.markdown(
        [*START, "of CMQ's", 'mean of ratios', "of lru's", 'mean of ratios',
         "of the best peer's", "worst, of null's", "of the oracle's"],
        _lines(costs, _verdict), 3)


def _limits(costs: Costs) -> str:
    """How far a policy could get that knows what comes."""
    return tables.markdown(
        [*START, "oracle, of CMQ's", "oracle-scans, of CMQ's",
         "oracle, of lru's", "oracle-scans, of lru's"],
        _lines(costs, _at_best), 3)


def _tables(costs: Costs, share: int) -> List[str]:
    chosen = compare.chosen(costs.results, share, False)
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
## Memory whose reads cost more, too

These are the same recordings, if a line of slow memory costs {SLOW[0]} times \
as much as one of DRAM, whether it is read or written, as with CXL memory \
(`--costs {COSTS}`). `cost %` is what the guest's reads and writes cost in \
addition to what they would cost if all memory were DRAM, plus what swaps \
read and write in both tiers; it is in relation to what the guest's reads and \
writes would cost in addition if all memory were slow. All policies but \
`null` go by the pages that scans found accessed, since reads matter as much \
as writes; `payback` tells them apart. The oracle knows what is going to be read \
and written, and makes the swaps that pay until the next batch.

The aim is at most 0.70 of what CMQ and `lru` leave, at most 0.90 of the best \
of {', '.join(f'`{peer}`' for peer in PEERS)}, and never more than `null`, on \
the workloads for judging:

{_verdicts(costs)}
The next table shows what the oracles leave, compared with CMQ and `lru`. \
`oracle-scans` knows what scans are going to find until the next batch; the \
oracle also knows how many lines are going to be read and written, which no \
scan tells. Both look no further than the next batch, so a policy that \
guesses well what comes later can leave less, as in the second pass with 10 % \
DRAM. Where both are above 0.70, as with 1 %, no policy that goes by scans is \
likely to reach it.

{_limits(costs)}"""] + [part for share in replay.SHARES
                          for part in _tables(costs, share)] + [f"""
All numbers are in [{name}/read-costs.csv]({name}/read-costs.csv).
"""])
