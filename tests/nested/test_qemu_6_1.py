#!/usr/bin/env python3
# The same as test_qemu.py, in part, on Linux 6.1.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from nestedlib import Tap, main
import test_qemu


def run(tap: Tap) -> None:
    test_qemu.run_in_part(tap, '6.1')


if __name__ == '__main__':
    main(run)
