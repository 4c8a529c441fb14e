#!/usr/bin/env python3
# Devices that pin guest memory, or make buffers of it: with_devices.py inside a
# machine with two NUMA nodes, an IOMMU, and a device to spare.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from machine import Machine
from nestedlib import HERE, MIB, Tap, main, report, run_script, stock_machine

DISK_SIZE = 16 * MIB


class DeviceMachine(Machine):
    """With VFIO."""
    base_modules = (*Machine.base_modules, 'vfio_iommu_type1', 'vfio_pci')


def run(tap: Tap) -> None:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        host = stock_machine(Path(directory), make=DeviceMachine)
        disk = host.directory / 'spare'
        with disk.open('wb') as file:
            file.truncate(DISK_SIZE)
        host.parameters = ['intel_iommu=on']
        host.args = ['-device', 'intel-iommu',
                     '-drive', f'file={disk},format=raw,if=none,id=spare',
                     '-device', 'nvme,serial=spare,drive=spare']
        report(tap, 'devices', run_script(host, HERE / 'with_devices.py',
                                          *sys.argv[1:], timeout=1700))


if __name__ == '__main__':
    main(run)
