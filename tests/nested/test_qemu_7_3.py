#!/usr/bin/env python3
# The same as test_qemu.py, in part, on Linux 7.3.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import sys

from nestedlib import Tap, main, report, run_on_dev_mem


def run(tap: Tap) -> None:
    report(tap, 'QEMU on /dev/mem, 7.3',
           run_on_dev_mem(sys.argv[1:] or ['no_write_is_lost'],
                          series='7.3'))


if __name__ == '__main__':
    main(run)
