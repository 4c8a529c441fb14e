#!/usr/bin/env python3
# Devices that pin guest memory, or make buffers of it: with_devices.py inside a
# machine with three NUMA nodes, an IOMMU, and a device to spare.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from machine import Machine, Node
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
        # The third node's memory is movable, as that of CXL devices is.
        host.nodes = [*host.nodes, Node(512 * MIB, 300, '20G', plugged=True)]
        host.parameters = ['intel_iommu=on',
                           'memhp_default_state=online_movable']
        host.args = ['-device', 'intel-iommu',
                     '-drive', f'file={disk},format=raw,if=none,id=spare',
                     '-device', 'nvme,serial=spare,drive=spare']
        report(tap, 'devices', run_script(host, HERE / 'with_devices.py',
                                          *sys.argv[1:], timeout=1700))


if __name__ == '__main__':
    main(run)
