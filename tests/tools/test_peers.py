#!/usr/bin/env python3
# bench/peers reads the traffic plugin's table rightly, and its figures are
# right.  It is not run here, as that takes long.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
from typing import Dict, List

from toolslib import check, paths, run_tests

sys.path.insert(0, str(paths.SOURCE / 'bench'))

# pylint: disable=wrong-import-position
from benchlib import peertable  # noqa: E402
from benchlib.marks import between_marks  # noqa: E402

MIB = 1 << 20
Row = Dict[str, int]


def row(time_ms: int, slow: int = 0, fast: int = 0, marks: int = 0) -> Row:
    return {'time_ms': time_ms, 'instructions': 0, 'mark_read': 64 * marks,
            'slow_read': slow, 'slow_written': 0, 'slow_swapped': 0,
            'fast_read': 0, 'fast_written': fast}


def outcome(peer: str, table: List[Row], visits: int = 1) -> peertable.Outcome:
    counts = {'pgmigrate_success': 1, 'pf_taken': 1, 'faults': 1, 'fast': 0,
              'huge': 0}
    return peertable.outcome({
        'peer': peer, 'hot set': 'small', 'visits': visits,
        'before': dict(counts, pgmigrate_success=0, pf_taken=0, faults=0),
        'after': dict(counts, fast=2 * MIB // 4096, huge=MIB)}, table)


def test_parts_are_between_marks(_directory: Path) -> None:
    table = [row(1), row(2, marks=1), row(3), row(4, marks=2), row(5),
             row(6, marks=1), row(7)]
    parts = between_marks(table, 2)
    check([[line['time_ms'] for line in part] for part in parts]
          == [[2, 3, 4], [4, 5, 6]], parts)
    for wrong in (1, 3):
        try:
            between_marks(table, wrong)
        except paths.SetupError as err:
            check(f'set 4 marks, not {2 * wrong}' in str(err), err)
        else:
            check(False, f"{wrong} parts are found")


def test_shares_are_of_all_traffic(_directory: Path) -> None:
    table = [row(0, slow=300, fast=100), row(50, slow=300, fast=100),
             row(80, slow=10, fast=190), row(100, slow=10, fast=190)]
    found = outcome('none', table, 10)
    check(found.percent == 100 * 620 / 1200, found.percent)
    check(found.settled_percent == 5, found.settled_percent)
    check(found.slow == 62, found.slow)


def test_raminate_is_beside_the_best(_directory: Path) -> None:
    outcomes = [outcome('none', [row(0, slow=4000), row(1)]),
                outcome('damon', [row(0, slow=2000, fast=2000), row(1)]),
                outcome('raminate', [row(0, slow=3000, fast=1000), row(1)])]
    check(peertable.of_best(outcomes, 'small') == 1.5, "it is not 1.5")
    check(peertable.of_best(outcomes[:2], 'small') is None, "without it")
    check(peertable.of_best(outcomes[2:], 'small') is None, "it alone")
    check('| small | 100.0 (0.0) | 50.0 (0.0) | 75.0 (0.0) | 1.50 |'
          in peertable.summary(outcomes), peertable.summary(outcomes))
    check('| small | RAMinate | 2.93 | 0 | 0 | 0 | 1 | 1 | 1 | 0 | 1 | 2.0 | '
          '1 |' in peertable.details(outcomes), peertable.details(outcomes))


run_tests(test_parts_are_between_marks, test_shares_are_of_all_traffic,
          test_raminate_is_beside_the_best)
