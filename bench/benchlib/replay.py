# Replays recordings with raminate-sim.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass, replace
import json
from pathlib import Path
import subprocess
from typing import Any, Dict, List, Optional

# pylint: disable=wrong-import-order
from . import BENCH     # noqa: F401  (finds the next one)
from raminate import paths

SIMULATOR = paths.BUILD / 'tools' / 'sim' / 'raminate-sim'
SHARES = (1, 10)        # per cent of the guest that are DRAM
PASSES = 2
LONG_RUN_PASSES = 8     # with what the policy has learned
# The paper's guest had a million pages, and exchanged 1000 pairs in a batch.
PAPER_PAGES = 1 << 20
PAPER_MAX_SWAPS = 1000

# CMQ with the paper's settings
PAPER_CMQ = 'cmq:swap-period=5000'

ORACLE = 'oracle'           # sees as far as the next batch
ORACLES = (ORACLE, 'oracle-scans')
FORESIGHTS = (5, 10, 30, 60)    # seconds
ORDER = ['null', PAPER_CMQ, 'cmq', 'lru', 'hemem', 'memtis', 'age']

Row = Dict[str, Any]


@dataclass
class Result:
    """One recording with one share of DRAM, under all policies."""
    workload: str
    share: int
    scans: int
    has_traffic: bool
    bound_percent: Optional[float]
    rows: List[Row]
    long_run: List[Row]         # the same without a fresh start, last pass

    def row(self, policy: str, number: int = 1) -> Row:
        """What the policy did in that pass."""
        return next(row for row in self.rows
                    if row['policy'] == policy and row['pass'] == number)


def scaled_cmq(nr_pages: int) -> str:
    """CMQ with the paper's batch, in proportion to the guest."""
    return (f'{PAPER_CMQ},max-swaps='
            f'{PAPER_MAX_SWAPS * nr_pages // PAPER_PAGES}')


def foreseeing(oracle: str) -> List[str]:
    """Oracles that see further, and plan as often as the others."""
    return [f'{oracle}:foresight={1000 * seconds}' for seconds in FORESIGHTS]


def policies() -> List[str]:
    """All that the simulator has, the best known ones first, and CMQ twice."""
    listed = subprocess.run([SIMULATOR, '--list'], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    names = [PAPER_CMQ] + [line.split()[0] for line in listed.splitlines()]
    return sorted(names, key=lambda name: (ORDER + [name]).index(name))


def options(share: int, names: List[str]) -> List[str]:
    """Of the simulator, for one recording."""
    return [*_options(share, names, PASSES), '--bound']


def _options(share: int, names: List[str], passes: int) -> List[str]:
    args = ['--fast', f'{share}%', '--passes', str(passes)]
    for name in names:
        args += ['-p', name]
    return args


def _simulate(recording: Path, args: List[str]) -> Row:
    """What the simulator reports."""
    output = subprocess.run([SIMULATOR, *args, '--json', recording],
                            check=True, stdout=subprocess.PIPE).stdout
    report: Row = json.loads(output)[0]
    return report


def replay(workload: str, recording: Path, share: int,
           names: List[str], more: List[str]) -> Result:
    """Replays it under the policies, and under more without a long run."""
    report = _simulate(recording, [*options(share, [*names, *more]),
                                   '--steps'])
    rows = report['results']
    written = rows[0]['written_bytes']
    bound = _bound_bytes(report, rows)
    return Result(workload, share, report['scans'], report['has_traffic'],
                  100 * bound / written if bound is not None else None, rows,
                  _long_run(recording, share, names))


def with_costs(workload: str, recording: Path, share: int,
               names: List[str], costs: str) -> Result:
    """Replays it in tiers with such costs, without bound and long run."""
    report = _simulate(recording, [*_options(share, names, PASSES),
                                   '--costs', costs])
    return Result(workload, share, report['scans'], report['has_traffic'],
                  None, report['results'], [])


def second_pass(result: Result) -> Result:
    """The same with the second pass in place of the first."""
    rows = [dict(row, **{'pass': row['pass'] - 1}) for row in result.rows
            if row['pass'] > 1]
    return replace(result, rows=rows)


def first_scans(recording: Path, share: int, policy: str, scans: int) -> float:
    """What slow memory takes with the policy in so many scans, in per cent."""
    steps = _simulate(recording, [*_options(share, [policy], 1), '--steps']
                      )['results'][0]['steps']
    written, slow, swaps = (sum(steps[name][:scans]) for name in
                            ('written_bytes', 'slow_bytes', 'swap_bytes'))
    return float(100 * (slow + swaps) / written)


def _long_run(recording: Path, share: int, names: List[str]) -> List[Row]:
    """The last of many passes, each of which goes on where the last ended."""
    rows: List[Row] = _simulate(
        recording, ['--keep-policy',
                    *_options(share, names, LONG_RUN_PASSES)])['results']
    return [dict(row, **{'pass': 1}) for row in rows
            if row['pass'] == LONG_RUN_PASSES]


def _bound_bytes(report: Row, rows: List[Row]) -> Optional[float]:
    """The bound is left out without traffic, but not what rests on it."""
    if report['bound_bytes'] is not None:
        return float(report['bound_bytes'])
    for row in rows:
        if row['times_bound']:
            total = row['slow_total_percent'] / 100 * row['written_bytes']
            return float(total / row['times_bound'])
    return None
