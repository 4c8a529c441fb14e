#!/usr/bin/env python3
# Guests whose tiers are NUMA nodes, on the distribution's own kernel and KVM:
# on_nodes.py inside a machine with two nodes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from nestedlib import HERE, Tap, main, report, run_script, stock_machine


def run(tap: Tap) -> None:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        report(tap, 'NUMA nodes',
               run_script(stock_machine(Path(directory)),
                          HERE / 'on_nodes.py', *sys.argv[1:], timeout=1700))


if __name__ == '__main__':
    main(run)
