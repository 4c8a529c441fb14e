#!/usr/bin/env python3
# QEMU with the paper's command line, on ranges of /dev/mem, under a KVM with
# the extension: on_dev_mem.py inside the machine.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import sys

from machine import BESIDE_RAM, BESIDE_RAM_SIZE, SOFT_RESERVED
from nestedlib import Tap, main, report, run_on_dev_mem


def run_in_part(tap: Tap, series: str) -> None:
    """The tests that were named, else the first, on another series."""
    report(tap, f'QEMU on /dev/mem, {series}',
           run_on_dev_mem(sys.argv[1:] or ['no_write_is_lost'],
                          series=series))


def run(tap: Tap) -> None:
    report(tap, 'QEMU on /dev/mem',
           run_on_dev_mem(sys.argv[1:], [
               SOFT_RESERVED, f'memmap={BESIDE_RAM_SIZE}${BESIDE_RAM:#x}']))


if __name__ == '__main__':
    main(run)
