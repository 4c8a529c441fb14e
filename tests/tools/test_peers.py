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
from benchlib import arena, hotsets, peertable  # noqa: E402
from benchlib.marks import between_marks  # noqa: E402

MIB = 1 << 20
Row = Dict[str, int]


def row(time_ms: int, slow: int = 0, fast: int = 0, marks: int = 0,
        instructions: int = 0) -> Row:
    return {'time_ms': time_ms, 'instructions': instructions,
            'mark_read': 64 * marks, 'slow_read': slow, 'slow_written': 0,
            'slow_swapped': 0, 'fast_read': 0, 'fast_written': fast}


def outcome(peer: str, table: List[Row], visits: int = 1) -> peertable.Outcome:
    counts = {'pgmigrate_success': 1, 'pf_taken': 1, 'faults': 1, 'fast': 0,
              'huge': 0, 'hot': 0}
    return peertable.outcome({
        'peer': peer, 'hot set': 'small', 'visits': visits,
        'before': dict(counts, pgmigrate_success=0, pf_taken=0, faults=0),
        'after': dict(counts, fast=512, huge=MIB, hot=1024)}, table)


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


def test_bytes_are_of_a_visit(_directory: Path) -> None:
    table = [row(0, slow=300, fast=100), row(50, slow=300, fast=100),
             row(80, slow=10, fast=190), row(100, slow=10, fast=190)]
    found = outcome('none', table, 40)
    check(found.slow == 620 / 40, found.slow)
    check(found.settled == 20 / 10, found.settled)


def test_raminate_is_beside_the_best(_directory: Path) -> None:
    outcomes = [outcome('none', [row(0, slow=4096), row(1)]),
                outcome('damon', [row(0, slow=2048, fast=2000), row(1)]),
                outcome('raminate', [row(0, slow=3072, fast=1000), row(1)]),
                outcome('extension', [row(0, slow=512), row(1)]),
                outcome('pagemap', [row(0, slow=1024), row(1)])]
    check(peertable.of_best(outcomes, 'small') == 1.5, "it is not 1.5")
    check(peertable.of_best(outcomes[:2], 'small') is None, "without it")
    check(peertable.of_best(outcomes[2:], 'small') is None, "it alone")
    summary = peertable.summary(outcomes)
    check('| small | 4.00 (0.00) | 2.00 (0.00) | 3.00 (0.00) | 0.50 (0.00) | '
          '1.50 |' in summary and
          '| mean |  |  |  |  | 1.50 |' in summary, summary)
    check('| small | RAMinate | 0 | 0 | 0 | 1 | 1 | 1 | 0 | 1 | 2.0 | 1 | '
          '25 % | 200 % |' in peertable.details(outcomes),
          peertable.details(outcomes))


def test_samplers_are_beside_none(_directory: Path) -> None:
    outcomes = [outcome('none', [row(0), row(1, instructions=10 ** 7)]),
                outcome('pagemap', [row(0), row(1, instructions=10 ** 8)])]
    table = peertable.sampling(outcomes, 30)
    check('| small | 3.0 | 0 | – | – |' in table, table)
    table = peertable.sampling(outcomes[1:], 30)
    check('| small | – | – | – | – |' in table, table)


def test_frames_are_the_programs(_directory: Path) -> None:
    half = hotsets.ARENA // 2
    told = (f'arena: {half} pages from {half} are at 7000\n'
            f'arena: {half} pages from 0 are at 90000\nhotset: ready\n')
    frames = arena.frames(told, 2 * half)
    check(len(frames) == 2 * half and frames[0] == 90000 and
          frames[-1] == 7000 + half - 1, frames[:2])
    [moved] = hotsets.find('moved').parts
    nodes = [0 if frame < 7010 else 1 for frame in range(90000 + half)]
    check(moved.on(frames, nodes, 0) == 10, moved.on(frames, nodes, 0))
    try:
        arena.frames(told[:20], 2 * half)
    except AssertionError as err:
        check('has not told all' in str(err), err)
    else:
        check(False, "a page without a frame")


run_tests(test_parts_are_between_marks, test_bytes_are_of_a_visit,
          test_raminate_is_beside_the_best, test_samplers_are_beside_none,
          test_frames_are_the_programs)
