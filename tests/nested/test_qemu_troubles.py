#!/usr/bin/env python3
# QEMU under a KVM that takes long to exchange frames, or finds memory that has
# failed: troubled_kvm.py inside a machine whose KVM does so on purpose.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from nestedlib import FLAWS, Tap, main, report, run_on_dev_mem


def run(tap: Tap) -> None:
    report(tap, 'KVM in trouble',
           run_on_dev_mem(patch=FLAWS, script='troubled_kvm.py'))


if __name__ == '__main__':
    main(run)
