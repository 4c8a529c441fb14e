#!/usr/bin/env python3
# The same as test_nodes.py, in part, on the kernel of Debian's backports.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from nestedlib import (
    HERE, Tap, backports_kernel, main, report, run_script, stock_machine)

TESTS = ('no_write_is_lost', 'pages_only_read_move_to_the_fast_node',
         'huge_pages_that_are_read_stay')


def run(tap: Tap) -> None:
    stock_kernel = backports_kernel()
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        report(tap, f'NUMA nodes, {stock_kernel.version}',
               run_script(stock_machine(Path(directory), stock_kernel),
                          HERE / 'on_nodes.py', *(sys.argv[1:] or TESTS),
                          timeout=900))


if __name__ == '__main__':
    main(run)
