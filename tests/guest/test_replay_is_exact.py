#!/usr/bin/env python3
# What a container does in a guest, the simulator does again from the
# recording, move for move.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import subprocess

from guestlib import (PATIENCE, Boot, ExecuteError, Guest, Test, check, hybrid,
                      run_tests, wait_for_swaps, wait_until)

from raminate import paths
from raminate.recording import BATCH, Recording

SETTINGS = {'scan_period': 50, 'second_look': 10, 'swap_period': 200,
            'life_time': 500, 'max_swaps': 100}
WORKLOAD = Boot(['/bin/workload', 'arena=24000', 'hot=1500', 'thin=500'])
MOVES = 400
BY_COMMAND = 8
SCANS = 20      # where no policy moves a page
DONE = 1
SIMULATOR = paths.BUILD / 'tools/sim/raminate-sim'


def policies() -> 'list[str]':
    """Those that there are in QEMU: all but what only compares."""
    listed = subprocess.run([SIMULATOR, '--list'], stdout=subprocess.PIPE,
                            encoding='utf-8', check=True).stdout
    return [line.split()[0] for line in listed.splitlines()
            if not line.endswith("only for comparison")]


def work(guest: Guest, policy: str) -> None:
    """Waits until the policy has done something."""
    if policy != 'null':
        wait_for_swaps(guest, MOVES)
        return
    goal = guest.raminate()['scans'] + SCANS
    wait_until(lambda: guest.raminate()['scans'] >= goal, "scans", guest)


def swap_by_command(guest: Guest) -> bool:
    """Exchanges the first pages with the last; another batch may be first."""
    last = guest.raminate()['size'] // 4096 - 1
    try:
        answer = guest.cmd('raminate-swap-pages', id='dmcon0',
                           pairs=[{'a': page, 'b': last - page}
                                  for page in range(BY_COMMAND)])
    except ExecuteError as err:
        check('try again' in str(err), err)
        return False
    check(answer['done'] == BY_COMMAND, answer)
    return True


def record(directory: Path, policy: str) -> Path:
    """A guest's recording, with exchanges by policy and by command."""
    path = directory / f'{policy}.rec'
    # The recording says what the tiers cost, by which payback plans.
    args = [arg.replace('devmem,id=mram0', 'devmem,id=mram0,write-cost=31')
            for arg in hybrid(directory, policy=policy, record=path,
                              **SETTINGS)] + ['-smp', '2']
    with Guest(directory, WORKLOAD, args) as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        work(guest, policy)
        wait_until(lambda: swap_by_command(guest), "exchanges by command",
                   guest)
        guest.console.send('move')
        guest.console.wait('workload: phase 2\n', PATIENCE)
        work(guest, policy)
        guest.set('record', '')
    return path


def replay(path: Path, policy: str,
           moves: Path) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(
        [SIMULATOR, '--as-recorded', '-p', policy, '--moves', moves,
         f"--max-swaps={SETTINGS['max_swaps']}",
         f"--life-time={SETTINGS['life_time']}", path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8',
        check=False)


def replayed(path: Path) -> 'list[tuple[int, int]]':
    lines = path.read_text(encoding='utf-8').splitlines()[1:]
    return [(int(page), int(other)) for page, other in
            (line.split(',')[-2:] for line in lines)]


def check_policy(directory: Path, policy: str) -> None:
    other = 'lru' if policy != 'lru' else 'cmq'
    path = record(directory, policy)
    moves = directory / 'moves.csv'
    result = replay(path, policy, moves)
    check(result.returncode == 0, result.stderr)
    made = [move[:2] for entry in Recording(path) if entry.kind == BATCH
            for move in entry.moves if move[2] == DONE]
    found = replayed(moves)
    check(len(found) >= (MOVES if policy != 'null' else BY_COMMAND),
          f"only {len(found)} moves")
    # What came after the last scan is in no step of the simulator.
    check(found == made[:len(found)], "other moves than the container's")
    check(len(made) - len(found) <= 2 * SETTINGS['max_swaps'],
          f"{len(found)} moves of {len(made)}")

    result = replay(path, other, moves)
    check(result.returncode == 1 and 'moves at' in result.stderr,
          f"{other}: {result.returncode} {result.stderr}")


def test_of(policy: str) -> Test:
    def run(directory: Path) -> None:
        check_policy(directory, policy)

    run.__name__ = policy
    return run


run_tests(*map(test_of, policies()))
