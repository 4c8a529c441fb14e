#!/usr/bin/env python3
# The same as test_selftest_ept.py, on Linux 7.3.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from nestedlib import Tap, main
import test_selftest_ept


def run(tap: Tap) -> None:
    test_selftest_ept.run_on(tap, '7.3')


if __name__ == '__main__':
    main(run)
