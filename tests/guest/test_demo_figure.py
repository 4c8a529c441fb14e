#!/usr/bin/env python3
# The main demo's figure holds, it fits a terminal, and it ends when it is to.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
import os
from pathlib import Path
import pty
import re
import signal
import subprocess
from typing import List, Set, Tuple

from guestlib import check, run_tests, wait_until
from raminate import paths

DEMO = paths.SOURCE / 'scripts' / 'demo'


def on_terminal(*command: object) -> Tuple[int, str]:
    """Exit status, and what a terminal gets to show."""
    leader, follower = pty.openpty()
    shown = b''
    with subprocess.Popen(list(map(str, command)), stdout=follower,
                          stderr=follower) as process:
        os.close(follower)
        # Linux reports the end of a terminal's other side as an error.
        with contextlib.suppress(OSError):
            while data := os.read(leader, 65536):
                shown += data
        os.close(leader)
    return process.returncode, shown.decode()


def share_falls_to_a_third_twice(directory: Path) -> None:
    report = directory / 'report.json'
    status, shown = on_terminal(DEMO, '--json', report)
    check(status == 0, shown)
    wide = [line for line in shown.splitlines() if len(line) > 79]
    check(not wide, '\n'.join(wide))
    phases = json.loads(report.read_text(encoding='utf-8'))['phases']
    check(len(phases) == 2, f"{len(phases)} phases")
    for phase in phases:
        check(phase['slow_share_after'] * 3 < phase['slow_share_before'],
              f"share fell too little: {phase}")


def ended_demo_leaves_nothing(directory: Path) -> None:
    del directory
    files: Set[Path] = set()
    with subprocess.Popen([DEMO, '--accel', 'tcg'], text=True,
                          stdout=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            files |= {Path(path) for path in re.findall(r'mem-path=([^, ]+)',
                                                        line)}
            if 'swaps' in line:
                break
        check(len(files) == 2 and all(path.exists() for path in files),
              f"files in use: {files}")
        demo.terminate()
        demo.stdout.read()
    check(demo.returncode == 143, f"exit status {demo.returncode}")
    check(not any(path.parent.exists() for path in files),
          "the demo left its files behind")


def watching_goes_on(directory: Path) -> None:
    """Until somebody ends it; each hot set is in slow memory when it begins,
    and in fast memory when it ends."""
    del directory
    shares: List[List[float]] = [[]]
    settings = ('scan-period=100', 'swap-period=500', 'life-time=500')
    with subprocess.Popen([DEMO, '--watch', '--accel', 'tcg',
                           *(f'--set={setting}' for setting in settings)],
                          text=True, stdout=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if 'The hot set moves.' in line:
                shares.append([])
            elif found := re.match(r' *\d+ s +([\d.]+) %', line):
                shares[-1].append(float(found[1]))
            if len(shares) == 6 and len(shares[-1]) == 3:
                break
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
    check(len(shares) == 6, f"it ended: {shares}")
    check(demo.returncode == 0, f"exit status {demo.returncode}")
    check(all(max(phase) > 50 for phase in shares[1:]), f"not slow: {shares}")
    check(all(phase[-1] < 50 for phase in shares[:-1]), f"not fast: {shares}")


def workload_moves_to_and_fro(directory: Path) -> None:
    """Here, where its memory can be looked at."""
    del directory
    pages = 1024
    with subprocess.Popen(
            [paths.BUILD / 'tests' / 'guest' / 'workload', f'arena={pages}',
             'hot=8', 'thin=0'], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            for phase in range(1, 5):
                line = process.stdout.readline()
                check(line == f'workload: phase {phase}\n', line)
                check_writes(process.pid, pages, (phase - 1) % 2)
                process.stdin.write('move\n')
        finally:
            process.kill()


def check_writes(pid: int, pages: int, half: int) -> None:
    """That a hot page of this half is written again and again."""
    [start] = [int(line.split('-')[0], 16) for line in
               Path(f'/proc/{pid}/maps').read_text().splitlines()
               if int(line.split()[0].split('-')[1], 16)
               - int(line.split('-')[0], 16) == pages * 4096]
    seen: Set[bytes] = set()

    def look() -> int:
        with Path(f'/proc/{pid}/mem').open('rb', 0) as memory:
            memory.seek(start + half * pages // 2 * 4096)
            seen.add(memory.read(8))
        return len(seen)

    wait_until(lambda: look() > 3, f"writes to half {half}")


def null_policy_fails(directory: Path) -> None:
    del directory
    run = subprocess.run([DEMO, '--quiet', '--accel', 'tcg', '--set',
                          'policy=null'], check=False, stdout=subprocess.PIPE)
    check(run.returncode == 1, f"exit status {run.returncode}")
    check(json.loads(run.stdout)['swaps'] == 0, "pages were swapped")


run_tests(share_falls_to_a_third_twice, ended_demo_leaves_nothing,
          watching_goes_on, workload_moves_to_and_fro, null_policy_fails)
