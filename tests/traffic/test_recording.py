#!/usr/bin/env python3
# A guest on hybrid memory is recorded, with its traffic, and replayed.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess

from trafficlib import (LINE, MIB, PAGE_SIZE, Boot, Guest, built, check,
                        hybrid, page_counts, plugin_args, rows, run_tests,
                        total)

MEMORY = 192 * MIB
HOT = 1000
SCANS = 30
PATIENCE = 240


def tool(*command: object) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(list(map(str, command)), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding='utf-8', timeout=PATIENCE)


def record(directory: Path, **options: object) -> None:
    """Hot pages are written 20 times a second, each time past the cache."""
    boot = Boot(['/bin/workload', f'arena={MEMORY // PAGE_SIZE // 2}',
                 f'hot={HOT}', 'thin=0'])
    args = [*hybrid(directory, MEMORY, policy='null',
                    record=directory / 'scans'),
            *plugin_args(ram=f'0+{MEMORY}', record=directory / 'traffic',
                         csv=directory / 'csv', cache='32K', ways=4,
                         period=100, **options)]
    with Guest(directory, boot, [*args, '-smp', '2']) as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        goal = guest.raminate()['scans'] + SCANS
        while guest.raminate()['scans'] < goal:
            guest.console.read(1)
            guest.console.check()


def recording_has_the_traffic(directory: Path) -> None:
    record(directory)
    merged = directory / 'merged'
    result = tool(built('tools', 'traffic', 'raminate-merge'), '-o', merged,
                  directory / 'scans', directory / 'traffic')
    check(result.returncode == 0, result.stderr)
    match = re.search(r'(\d+) lines written, (\d+) lines read', result.stdout)
    assert match, result.stdout
    left_out = re.search(r'left out: (\d+) .*, (\d+) after', result.stdout)
    lines = int(match.group(1))
    if left_out:
        lines += int(left_out.group(1)) + int(left_out.group(2))
    table = rows(directory / 'csv')
    check(lines * LINE == total(table, 'ram_written'),
          f"{lines} lines are merged, the table has {table}")
    check(sum(page_counts(merged)[0].values()) == int(match.group(1)),
          "lines are lost on the way")
    hot_pages_stand_out(merged)
    replays(merged, int(match.group(1)))


def hot_pages_stand_out(merged: Path) -> None:
    """Later, all hot pages are written alike, and few others as often."""
    counts = page_counts(merged, last=SCANS // 2)[0].values()
    middle = sorted(counts, reverse=True)[HOT // 2]
    alike = [lines for lines in counts if abs(lines - middle) <= 2]
    check(0.95 * HOT <= len(alike) <= 1.05 * HOT,
          f"{len(alike)} pages are written {middle} times")


def replays(recording: Path, lines: int) -> None:
    result = tool(built('tools', 'sim', 'raminate-sim'), '--json', '-p',
                  'null', recording)
    check(result.returncode == 0, result.stderr)
    text = json.dumps(json.loads(result.stdout))
    check('"has_traffic": true' in text, text)
    check(f'{lines}' in text or f'{lines * LINE}' in text,
          f"{lines} lines are not in {text}")


def what_does_not_fit_is_refused(directory: Path) -> None:
    record(directory, other_ram=f'{MEMORY}+4K')
    merge = built('tools', 'traffic', 'raminate-merge')
    scans, traffic = directory / 'scans', directory / 'traffic'
    out = directory / 'out'
    for args, status, message in (
            ((scans, traffic), 1, "the traffic is of 49153 pages"),
            ((traffic, traffic), 1, "has traffic already"),
            ((scans, scans), 1, "has scans"),
            ((scans, directory / 'csv'), 1, "is not a recording"),
            ((scans, directory / 'none'), 1, "can't open"),
            ((scans,), 2, "give two recordings")):
        result = tool(merge, '-o', out, *args)
        check(result.returncode == status and message in result.stderr,
              f"{result.returncode}: {result.stderr}")
        left = [path.name for path in directory.glob('out*')]
        check(not left, f"{left} is left")


run_tests(recording_has_the_traffic, what_does_not_fit_is_refused)
