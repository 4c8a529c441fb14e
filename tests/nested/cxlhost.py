# A machine with CXL memory and an NVDIMM: what a host of today may have as slow
# memory.  Its kernel and KVM nobody patched.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import shutil
import sys
import tempfile
from typing import Optional

from machine import MIB, Machine
from nestedlib import (
    HERE, MEMTYPE, NESTED, Tap, locked, report, run_script, stock_machine)
from raminate import apt, kernel

TOOLS = ('cxl', 'daxctl', 'ndctl')
# Debian 12 has no cxl.
TOOLS_SUITE = 'trixie'

CXL_SIZE = 256 * MIB
NVDIMM_SIZE = 256 * MIB
LABEL_SIZE = 2 * MIB
# The NVDIMM's, on which there is nothing at first; what CXL has is next.
NVDIMM_NODE = 2

# With SLIT as well, SeaBIOS was seen to fall back to ACPI tables of its own.
BOARD = ('hmat=on,nvdimm=on,cxl=on,cxl-fmw.0.targets.0=cxl,'
         'cxl-fmw.0.size=1G')
CXL = ('-object', f'memory-backend-ram,id=cxlmem,share=on,size={CXL_SIZE}',
       '-device', 'pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl',
       '-device', 'cxl-rp,port=0,bus=cxl,id=port0,chassis=0,slot=2',
       '-device', 'cxl-type3,bus=port0,volatile-memdev=cxlmem,id=cxldev0')
NVDIMM = ('-object', 'memory-backend-ram,id=pmem,share=on,'
          f'size={NVDIMM_SIZE + LABEL_SIZE}',
          '-device', f'nvdimm,memdev=pmem,label-size={LABEL_SIZE},'
          f'node={NVDIMM_NODE}',
          '-numa', f'node,nodeid={NVDIMM_NODE},initiator=0',
          '-numa', f'hmat-lb,initiator=0,target={NVDIMM_NODE},'
          'hierarchy=memory,data-type=access-latency,latency=1000',
          '-numa', f'hmat-lb,initiator=0,target={NVDIMM_NODE},'
          'hierarchy=memory,data-type=access-bandwidth,bandwidth=2G')


class CxlMachine(Machine):
    """Its init loads what udev would, and what the tools look for."""
    base_modules = (*Machine.base_modules, 'cxl_acpi', 'cxl_pci', 'cxl_mem',
                    'cxl_port', 'dax_cxl', 'device_dax', 'kmem', 'nfit',
                    'nd_pmem', 'dax_pmem', 'crc32c_generic', 'ext4')
    # What ext4 asks for
    optional_modules = ('crc32c_generic',)


def cxl_machine(directory: Path,
                stock_kernel: Optional[kernel.Kernel] = None) -> Machine:
    host = stock_machine(directory, stock_kernel, make=CxlMachine)
    # In a guest that knows that it is one, the kernel brings no CXL memory
    # into use, since no guest can flush all caches.
    host.cpu += ',-hypervisor'
    host.args = ['-M', BOARD, '-m', 'maxmem=16G,slots=4', *CXL, *NVDIMM]
    return host


def tools() -> Optional[Path]:
    """A root directory with Debian's tools, unless they are installed."""
    if all(map(shutil.which, TOOLS)):
        return None
    root = NESTED / 'cxl-tools'
    with locked():
        if not root.exists():
            apt.unpack(root, TOOLS_SUITE, TOOLS)
    return root


def run_on_cxl(tap: Tap, stock_kernel: Optional[kernel.Kernel] = None) -> None:
    """The tests in it that were named, else all."""
    try:
        root = tools()
    except apt.NoPackage as reason:
        tap.skip(str(reason))
        return
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        host = cxl_machine(Path(directory), stock_kernel)
        result = run_script(
            host, HERE / 'on_cxl.py', *sys.argv[1:],
            variables=[f'RAMINATE_CXL_TOOLS={root or ""}'], timeout=1700)
        result.messages = re.sub(MEMTYPE, '', result.messages)
        report(tap, f'CXL and NVDIMM, {host.kernel.version}', result)
