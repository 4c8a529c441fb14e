#!/usr/bin/env python3
# Policies exchange the same pages at the same times as they did when
# golden.csv was made.  Where a policy is meant to act differently,
#
#     tests/tools/test_golden.py --write
#
# makes the file anew from what was built; say in the commit why.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import csv
import hashlib
import itertools
from pathlib import Path
import sys
from typing import Callable, Dict, List, NamedTuple, Sequence

from toolslib import check, check_in, run, run_tests, work_directory

GOLDEN = Path(__file__).with_name('golden.csv')
COLUMNS = ['recording', 'settings', 'policy', 'moves', 'sha256']
ROOM = 1 << 28      # bytes for recordings and moves of one workload

# Workload, size in MiB and scans: small guests see many batches, the large
# one has pages far apart.
SMALL = [f'{workload}-32-160' for workload in [
    'zipf', 'moving', 'phases', 'stream', 'uniform', 'compile', 'kv', 'heap',
    'bursts', 'zipf2', 'moving2', 'phases2', 'stream2', 'mcf2', 'compile2',
    'kv2', 'graph2', 'heap2', 'web2', 'db2']]
FEW = ['zipf-32-160', 'phases2-32-160', 'compile-32-160', 'web2-32-160']
LARGE = ['bursts-4096-16', 'stream2-1024-12']
SEED = 7


class Settings(NamedTuple):
    recordings: Sequence[str]
    options: Sequence[str]


SETTINGS = {
    'two-tiers': Settings(SMALL, ['--fast', '10%']),
    'three-tiers': Settings(SMALL, ['--tiers', '6%,15%',
                                    '--swap-period', '1000']),
    'kept': Settings(FEW, ['--fast', '25%', '--swap-period', '5000',
                           '--life-time', '12000', '--max-swaps', '60',
                           '--passes', '2', '--keep-policy']),
    'anew': Settings(FEW, ['--tiers', '1M,2M,3M', '--passes', '2',
                           '--swap-period', '3000', '--life-time', '2000']),
    'rare-scans': Settings(FEW, ['--fast', '10%', '--scan-period', '4000',
                                 '--no-second-look']),
    'large': Settings(LARGE, ['--tiers', '64M,256M',
                              '--swap-period', '1000']),
}


class Moves(NamedTuple):
    """Of one policy on one recording, or the recording itself."""
    count: int
    sha256: str


Table = Dict[str, Moves]    # by policy; '' is the recording


def make_recording(name: str, directory: Path) -> Path:
    workload, size, scans = name.split('-')
    path = directory / f'{name}.rec'
    result = run('raminate-synth', workload, '--size', size,
                 '--scans', scans, '--seed', SEED, '-o', path)
    check(result.returncode == 0, result.stderr)
    return path


def count_moves(path: Path) -> Table:
    """The hash goes over lines of pass, time and the two pages."""
    counts: Dict[str, int] = {}
    hashes = {}
    with path.open('rb') as file:
        check(file.readline() ==
              b'recording,policy,pass,time_ms,promoted,demoted\n',
              "the file of moves has other columns")
        for line in file:
            _, name, *numbers = line.split(b',')
            policy = name.decode().strip('"')
            counts[policy] = counts.get(policy, 0) + 1
            hashes.setdefault(policy, hashlib.sha256()).update(
                b','.join(numbers))
    return {policy: Moves(counts[policy], hashes[policy].hexdigest())
            for policy in counts}


def replay(settings: Settings, name: str, directory: Path) -> Table:
    """What all policies do now."""
    recording = make_recording(name, directory)
    moves = directory / 'moves.csv'
    result = run('raminate-sim', '--jobs', 2, '--csv', '--moves', moves,
                 *settings.options, recording)
    check(result.returncode == 0, result.stderr)
    table = {row['policy']: Moves(0, hashlib.sha256().hexdigest())
             for row in csv.DictReader(result.stdout.splitlines())}
    table.update(count_moves(moves))
    data = recording.read_bytes()
    table[''] = Moves(len(data), hashlib.sha256(data).hexdigest())
    recording.unlink()
    return table


def read_golden(settings: str, recording: str) -> Table:
    with GOLDEN.open(encoding='utf-8', newline='') as file:
        return {row['policy']: Moves(int(row['moves']), row['sha256'])
                for row in csv.DictReader(file)
                if (row['settings'] == settings and
                    row['recording'] == recording)}


def write_golden() -> None:
    rows: List[List[object]] = []
    with work_directory(ROOM) as directory:
        for name, settings in SETTINGS.items():
            for recording in settings.recordings:
                table = replay(settings, recording, directory)
                rows += [[recording, name, policy, *moves]
                         for policy, moves in table.items()]
    with GOLDEN.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        writer.writerows(sorted(rows))


def compare(settings: str, recording: str, directory: Path) -> List[str]:
    """Returns: what differs."""
    golden = read_golden(settings, recording)
    check(golden, f"golden.csv has no {recording} with {settings}")
    table = replay(SETTINGS[settings], recording, directory)
    if table[''] != golden['']:
        # No policy can be judged by another recording.
        return [f"raminate-synth makes another {recording} than the one that "
                "golden.csv is for"]
    for policy in table.keys() - golden.keys():
        print(f"# {policy} is not in golden.csv; --write adds it")
    return [f"{policy} on {recording} with {settings}: not the {moves.count} "
            f"moves stored, but {table.get(policy, 'none')}"
            for policy, moves in golden.items()
            if table.get(policy) != moves]


def make_test(settings: str) -> Callable[[Path], None]:
    def test(directory: Path) -> None:
        wrong = []
        for recording in SETTINGS[settings].recordings:
            wrong += compare(settings, recording, directory)
        check(not wrong, '\n'.join(wrong))
    test.__name__ = f"test_moves_{settings.replace('-', '_')}"
    return test


def test_policies_are_not_mixed_in_the_file(directory: Path) -> None:
    recording = make_recording('phases-32-160', directory)
    moves = directory / 'moves.csv'
    result = run('raminate-sim', '--jobs', 4, '--passes', 2,
                 '--moves', moves, '-p', 'lru', '-p', 'cmq', '-p', 'lru',
                 recording)
    check(result.returncode == 0, result.stderr)
    with moves.open(encoding='utf-8', newline='') as file:
        rows = [(row['policy'], row['pass'], int(row['time_ms']))
                for row in csv.DictReader(file)]
    parts = [part for part, _ in itertools.groupby(rows, lambda r: r[:2])]
    check(parts == [(name, number) for name in ['lru', 'cmq', 'lru']
                    for number in '12'], parts)
    for _, part in itertools.groupby(rows, lambda r: r[:2]):
        times = [time for _, _, time in part]
        check(times == sorted(times), "moves are out of order")


def test_a_file_that_cant_be_written_is_an_error(directory: Path) -> None:
    recording = make_recording('phases-32-160', directory)
    for path, what in [(directory, "can't create"),
                       ('/dev/full', "can't write /dev/full: No space")]:
        result = run('raminate-sim', '--moves', path, recording)
        check(result.returncode == 1, result.returncode)
        check_in(what, result.stderr)


if __name__ == '__main__':
    if sys.argv[1:] == ['--write']:
        write_golden()
    else:
        run_tests(*map(make_test, SETTINGS),
                  test_policies_are_not_mixed_in_the_file,
                  test_a_file_that_cant_be_written_is_an_error)
