#!/usr/bin/env python3
# QEMU with the paper's command line, on ranges of /dev/mem, on Intel's EPT:
# one test of on_dev_mem.py in a machine under Bochs.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from functools import partial
import sys

from bochs import BochsMachine
from nestedlib import Tap, bochs, main, report, run_on_dev_mem

# Faster than Bochs is: what waits for a time costs fewer instructions.
IPS = 200_000_000

# Bochs wants descriptors of posted interrupts on a page boundary, which KVM
# need not do: without such interrupts it has none.
PARAMETERS = ['kvm_intel.enable_apicv=0']


def run(tap: Tap) -> None:
    report(tap, 'QEMU on /dev/mem, EPT',
           run_on_dev_mem(sys.argv[1:] or ['no_write_is_lost'], PARAMETERS,
                          make=partial(BochsMachine, bochs=bochs(), ips=IPS),
                          timeout=3600))


if __name__ == '__main__':
    main(run)
