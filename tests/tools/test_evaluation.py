#!/usr/bin/env python3
# bench/run reads recordings rightly, and reports on them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess
import sys
from typing import Any, Dict, List

from toolslib import Skip, check, check_in, paths, run, run_tests

BENCH = paths.SOURCE / 'bench'
sys.path.insert(0, str(BENCH))

# pylint: disable=wrong-import-position
from benchlib import (  # noqa: E402
    readcosts, recording, replay, workloads)
from raminate.recording import RecordingError  # noqa: E402

SYNTH = 'raminate-synth'
SIM = 'raminate-sim'
SCANS = 25
# Made-up workloads that stand in for real ones, dense and sparse ones
MADE_UP = ('compile', 'kv', 'uniform')


def make(name: str, path: Path) -> Path:
    """Writes a made-up recording."""
    result = run(SYNTH, name, '--size', 16, '--scans', SCANS, '-o', path)
    check(result.returncode == 0, result.stderr)
    return path


def simulate(*args: object) -> Dict[str, Any]:
    result = run(SIM, '--json', *args)
    check(result.returncode == 0, result.stderr)
    report: Dict[str, Any] = json.loads(result.stdout)[0]
    return report


def python() -> str:
    """The one that configure found, which has Debian's packages."""
    config = (paths.BUILD / 'config.mk').read_text(encoding='utf-8')
    match = re.search(r'^PYTHON := (.*)$', config, re.M)
    assert match is not None
    return match.group(1)


def test_reader_agrees_with_simulator(directory: Path) -> None:
    for name in MADE_UP:
        path = make(name, directory / f'{name}.rec')
        summary = recording.summarize(path)
        report = simulate('-p', 'null', path)
        row = report['results'][0]
        check(len(summary.scans) == report['scans'], f"{name}: scans")
        check(sum(summary.scans) == row['written_pages'] > 0,
              f"{name}: {sum(summary.scans)} pages, the simulator has "
              f"{row['written_pages']}")
        check(summary.lines * 64 == row['written_bytes'] > 0,
              f"{name}: {summary.lines} lines, the simulator has "
              f"{row['written_bytes']} bytes")
        check(0 < summary.pages_for(0.5) <= summary.pages_for(1)
              <= summary.distinct, f"{name}: pages for shares")


def test_steps_sum_up(directory: Path) -> None:
    path = make('kv', directory / 'kv.rec')
    row = simulate('-f', '10%', '-p', 'lru', '--steps', path)['results'][0]
    steps = row['steps']
    check({len(values) for values in steps.values()} == {SCANS},
          f"not {SCANS} steps")
    check(sum(steps['written_bytes']) == row['written_bytes'],
          "written bytes")
    check(sum(steps['swap_bytes']) == row['swap_bytes'] > 0, "swap bytes")
    share = 100 * sum(steps['slow_bytes']) / row['written_bytes']
    check(abs(share - row['slow_bytes_percent']) < 1e-6, "slow bytes")


def test_damage_is_noticed(directory: Path) -> None:
    path = make('kv', directory / 'kv.rec')
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    try:
        recording.summarize(path)
    except RecordingError as err:
        check_in('damaged', str(err))
    else:
        check(False, "a changed bit goes unnoticed")


def evaluate(recordings: Path, docs: Path) -> str:
    subprocess.run([python(), BENCH / 'run', '--recordings', recordings,
                    '--docs', docs], check=True, stdout=subprocess.DEVNULL)
    return (docs / 'evaluation.md').read_text(encoding='utf-8')


def table_of(text: str, heading: str) -> List[List[str]]:
    """The cells of the first table behind a heading, without its titles."""
    lines = text[text.index(heading):].split('\n')
    first = next(number for number, line in enumerate(lines)
                 if line.startswith('| ---'))
    table: List[List[str]] = []
    for line in lines[first + 1:]:
        if not line.startswith('|'):
            return table
        table.append([cell.strip() for cell in line.strip('|').split('|')])
    return table


def legend(picture: str) -> Dict[str, float]:
    """Where the names begin, in points from the left."""
    text = picture[picture.index('<g id="legend_'):]
    return {name: float(left) for name, left in re.findall(
        r'<!-- (.*?) -->\s*<g transform="translate\(([\d.]+) ', text)}


def check_legend(picture: str) -> None:
    """All of it is within the picture; a letter takes 4 points at least."""
    match = re.search(r'viewBox="0 0 ([\d.]+) ', picture)
    assert match, picture[:500]
    names = legend(picture)
    check(len(names) > 1, names)
    for name, left in names.items():
        check(left + 4 * len(name) < float(match.group(1)), names)


def test_report_has_what_was_simulated(directory: Path) -> None:
    if subprocess.run([python(), '-c', 'import matplotlib'], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("python3-matplotlib is not installed")
    names = [load.name for load in workloads.WORKLOADS]
    for number, name in enumerate(names):
        make(MADE_UP[number % len(MADE_UP)], directory / f'{name}.rec')
    docs = directory / 'docs'
    text = evaluate(directory, docs)
    table = table_of(text, '`total %` of each workload')
    check([line[0] for line in table] == [*names, '**mean**'],
          f"the workloads are {[line[0] for line in table]}")
    row = simulate('-f', '1%', '-p', 'lru',
                   directory / f'{names[1]}.rec')['results'][0]
    cell = table[1][1 + replay.ORDER.index('lru')]
    check(cell == f"{row['slow_total_percent']:.1f}",
          f"lru has {cell} in the table")
    check('–' not in ''.join(table[0] + table[-1]), "there are empty cells")
    table = table_of(text, '`cost %` of each workload')
    row = simulate('-f', '1%', '-p', 'lru', '--costs', readcosts.COSTS,
                   directory / f'{names[1]}.rec')['results'][0]
    cell = table[1][1 + replay.ORDER.index('lru')]
    check(cell == f"{row['cost_percent']:.1f}",
          f"lru has {cell} in the table of costs")
    for name in ('results.csv', 'read-costs.csv', 'shares.svg', 'energy.svg', 'over-time.svg'):
        check((docs / 'evaluation' / name).stat().st_size > 1000,
              f"{name} is empty")
        if name.endswith('.svg'):
            check_legend((docs / 'evaluation' / name).read_text())
    check('bound' in legend((docs / 'evaluation/shares.svg').read_text()),
          "the bound has no name")
    first = re.search(r'^\| DRAM .*', text, re.M)
    check(first and first.group().count('|') <= 9, "the first table is wide")


run_tests(test_reader_agrees_with_simulator, test_steps_sum_up,
          test_damage_is_noticed, test_report_has_what_was_simulated)
