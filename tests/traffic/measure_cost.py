#!/usr/bin/env python3
# What the traffic plugin costs: instructions of the host for those of a guest,
# without and with it, counted by valgrind.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List

from trafficlib import MIB, built, paths, plugin_args

BUFFER = 64 * MIB
EXIT_STATUS = 1         # of isa-debug-exit if the guest writes 0

# Small, as valgrind takes its time; all else is in proportion.
CACHE = {'cache': '1M', 'ways': 16}
LARGE = 8 * MIB

# What is done, its size, how often, and how many accesses that makes
JOBS = (
    ('writes that hit', 'fill', MIB // 2, 16, 8 * MIB // 4),
    ('writes, one in 16 misses', 'fill', LARGE, 1, LARGE // 4),
    ('reads that all miss', 'read', LARGE, 8, 8 * LARGE // 64),
)


def host_instructions(jobs: str, plugin: List[str]) -> int:
    """All that QEMU executes, from its start to its end."""
    result = subprocess.run(
        ['valgrind', '--tool=cachegrind', '--cache-sim=no',
         '--smc-check=all', '--cachegrind-out-file=/dev/null',
         paths.require_qemu(), '-accel', 'tcg,thread=single', '-m', '128M',
         '-display', 'none', '-nodefaults', '-no-user-config', '-device',
         'isa-debug-exit,iobase=0x501,iosize=1', '-kernel',
         built('tests', 'traffic', 'traffic-guest'), '-append', jobs,
         *plugin], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, encoding='utf-8', check=False)
    match = re.search(r'I\s+refs:\s+([\d,]+)', result.stderr)
    if result.returncode != EXIT_STATUS or not match:
        sys.exit(f"measure_cost: QEMU failed under valgrind:\n"
                 f"{result.stderr}")
    return int(match.group(1).replace(',', ''))


def for_passes(kind: str, size: int, passes: int, plugin: List[str]) -> int:
    """The difference that they make, after one to warm up."""
    counts = [host_instructions(f'{kind}={BUFFER}+{size}*{number}', plugin)
              for number in (1, 1 + passes)]
    return counts[1] - counts[0]


def main() -> None:
    if not shutil.which('valgrind'):
        sys.exit("measure_cost: valgrind is missing; apt install valgrind")
    print(f"{'':30}{'host instructions an access':>30}")
    print(f"{'':30}{'without':>10}{'with':>10}{'ratio':>10}")
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        plugin = plugin_args(buffer=f'{BUFFER:#x}+{LARGE}',
                             csv=Path(directory) / 'csv', **CACHE)
        for name, kind, size, passes, accesses in JOBS:
            without = for_passes(kind, size, passes, []) / accesses
            with_it = for_passes(kind, size, passes, plugin) / accesses
            print(f'{name:30}{without:10.1f}{with_it:10.1f}'
                  f'{with_it / without:10.1f}', flush=True)


if __name__ == '__main__':
    main()
