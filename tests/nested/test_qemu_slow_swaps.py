#!/usr/bin/env python3
# Nobody waits for a whole batch where exchanges take long: slow_kvm.py inside
# a machine whose KVM takes its time on purpose.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from nestedlib import FLAWS, Tap, main, report, run_on_dev_mem


def run(tap: Tap) -> None:
    report(tap, 'slow swaps',
           run_on_dev_mem(parameters=['kvm.flaw=slow-swap'], patch=FLAWS,
                          script='slow_kvm.py'))


if __name__ == '__main__':
    main(run)
