#!/usr/bin/env python3
# QEMU with the paper's command line, on ranges of /dev/mem, under a KVM with
# the extension: on_dev_mem.py inside the machine.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import tempfile

from machine import POOL
from nestedlib import Tap, kernel, machine, main, paths, report

SCRIPT = Path(__file__).resolve().parent / 'on_dev_mem.py'


def run(tap: Tap) -> None:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        host = machine(Path(directory))
        host.share = True
        result = host.run('/usr/bin/env', f'RAMINATE_BUILD={paths.BUILD}',
                          f'RAMINATE_POOL={POOL:#x}', 'TMPDIR=/dev/shm',
                          f'KERNEL={kernel.find().image}',
                          'python3', str(SCRIPT), *sys.argv[1:],
                          timeout=1500)
    report(tap, 'QEMU on /dev/mem', result)


if __name__ == '__main__':
    main(run)
