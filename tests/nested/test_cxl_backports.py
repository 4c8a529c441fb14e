#!/usr/bin/env python3
# The same as test_cxl.py, on the kernel of Debian's backports.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from cxlhost import run_on_cxl
from nestedlib import Tap, backports_kernel, main


def run(tap: Tap) -> None:
    run_on_cxl(tap, backports_kernel())


if __name__ == '__main__':
    main(run)
