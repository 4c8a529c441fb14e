#!/usr/bin/env python3
# The simulator's memory does not grow with the time that it replays.
#
# With RAMINATE_SPEED=slow, as "make check-load" sets it, that is a day, and
# else an hour.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import subprocess
import time

from toolslib import MIB, check, run_tests, tool
from raminate.speed import SLOW

POLICIES = ['age', 'cmq', 'hemem', 'lru', 'memtis', 'payback']
SCANS = 86400 if SLOW else 3600     # one a second
PATIENCE = 7200 if SLOW else 600    # seconds; only a hang takes so long
SLACK = 2 * MIB     # what the C library may keep, and moves remembered


def record(path: Path, scans: int) -> None:
    """Makes a recording of a small guest."""
    subprocess.run([tool('raminate-synth'), '--size', '16', '--scans',
                    str(scans), '-o', path, 'compile2'], timeout=PATIENCE,
                   check=True)


def most_memory(*args: object) -> int:
    """Bytes that the simulator had at most; the file, mapped, is extra."""
    most = 0
    with subprocess.Popen([tool('raminate-sim'), *map(str, args)],
                          stdout=subprocess.DEVNULL) as process:
        status = Path(f'/proc/{process.pid}/status')
        while process.poll() is None:
            # It has no memory any more when it has just ended.
            for line in status.read_text().splitlines():
                if line.startswith('RssAnon:'):
                    most = max(most, int(line.split()[1]) * 1024)
            time.sleep(0.01)
    check(process.returncode == 0, f"raminate-sim: {process.returncode}")
    check(most > 0, "the simulator's memory was not seen")
    return most


def test_memory(directory: Path) -> None:
    """It is the same for each length."""
    options = [option for name in POLICIES for option in ('-p', name)]
    most = []
    for scans in (SCANS // 10, SCANS):
        path = directory / 'recording'
        record(path, scans)
        most.append(most_memory('--fast', '10%', *options, path))
        print(f"# {scans} scans: {most[-1]} bytes of memory")
        path.unlink()
    check(most[1] < most[0] + SLACK, f"{most} bytes of memory")


if __name__ == '__main__':
    run_tests(test_memory)
