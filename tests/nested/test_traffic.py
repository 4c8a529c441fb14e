#!/usr/bin/env python3
# The traffic plugin, outside of the machine, tells what KVM writes in it to
# swap frames from what the guest in the machine writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from machine import MIB, POOL
from nestedlib import Tap, machine, main, report, run_script

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'traffic'))

# pylint: disable=wrong-import-position
from trafficlib import PAGE_SIZE, plugin_args, rows, total  # noqa: E402

SCRIPT = Path(__file__).resolve().parent / 'swap_idle_pages.py'
DRAM = NVM = 96 * MIB
PAIRS = 3000
# A page that its guest has just written to, or soon will, is its own.
SLACK = 0.01


def run(tap: Tap) -> None:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        path = Path(directory) / 'csv'
        host = machine(Path(directory))
        host.args = plugin_args(dram=f'{POOL:#x}+{DRAM}',
                                nvm=f'{POOL + DRAM:#x}+{NVM}', csv=path,
                                cache='1M', ways=16, swaps='on', flush='on')
        result = run_script(host, SCRIPT, timeout=3000, variables=[
            f'RAMINATE_SWAPS={DRAM},{NVM},{PAIRS}'])
        table = rows(path)
    report(tap, 'swaps by command', result)
    for pool in ('dram', 'nvm'):
        swapped = total(table, f'{pool}_swapped')
        written = total(table, f'{pool}_written')
        print(f'# {pool}: {swapped} of {written} bytes by '
              f'{PAIRS * PAGE_SIZE} bytes of swaps')
        tap.check(abs(swapped / (PAIRS * PAGE_SIZE) - 1) < SLACK,
                  f'{pool}: each swap writes one page',
                  [f'{swapped} bytes by {PAIRS} swaps'])
        # To begin with, QEMU has written all of it once: with zeros.
        tap.check(written - swapped >= 0.99 * DRAM,
                  f'{pool}: others have written as well',
                  [f'{written} bytes in all'])


if __name__ == '__main__':
    main(run)
