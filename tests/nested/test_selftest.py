#!/usr/bin/env python3
# The KVM extension's selftest under NPT, with the older MMU, and with shadow
# paging.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from functools import partial
import re

from machine import Machine
from nestedlib import SERIES, Tap, main, report, run_selftest
from raminate.speed import SLOW

ALL = ('scan', 'find', 'skip', 'steady', 'flush', 'yield', 'swap', 'refill',
       'torture', 'beside', 'input', 'claim', 'fuzz', 'kill')

# Each with the sign that the mode is really on.
MODES = {
    'NPT': ([], 'Nested Paging enabled'),
    'NPT, tdp_mmu=0': (['kvm.tdp_mmu=0'], 'Nested Paging enabled'),
    'shadow paging': (['kvm_amd.npt=0'], 'Nested Paging disabled'),
}
QUICK = ('NPT', 'shadow paging')

# An IOMMU, which VFIO wants, and a device.
DEVICES = ['-machine', 'q35', '-device', 'intel-iommu',
           '-device', 'pci-testdev']


class DeviceMachine(Machine):
    """With what vhost emulates and VFIO assigns."""
    base_modules = (*Machine.base_modules, 'vhost_vsock', 'vfio_pci')


def run(tap: Tap, series: str = SERIES, known: str = '') -> None:
    """Runs the modes; the kernel may complain as in the expression known."""
    for mode in MODES if SLOW else QUICK:
        parameters, sign = MODES[mode]
        result = run_selftest([*ALL, 'vhost', 'vfio'],
                              [*parameters, 'intel_iommu=on'], series=series,
                              make=partial(DeviceMachine, args=DEVICES))
        if known:
            result.messages = re.sub(known, '', result.messages)
        tap.check(sign in result.messages, f'{mode}: is on')
        report(tap, mode, result)


if __name__ == '__main__':
    main(run)
