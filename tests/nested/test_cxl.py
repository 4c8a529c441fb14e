#!/usr/bin/env python3
# Guests on CXL memory and on an NVDIMM, on the distribution's own kernel and
# KVM: on_cxl.py inside a machine that has both.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import sys
import tempfile

from cxlhost import cxl_machine, tools
from nestedlib import HERE, MEMTYPE, Tap, main, report, run_script
from raminate import apt


def run(tap: Tap) -> None:
    try:
        root = tools()
    except apt.NoPackage as reason:
        tap.skip(str(reason))
        return
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        result = run_script(
            cxl_machine(Path(directory)), HERE / 'on_cxl.py', *sys.argv[1:],
            variables=[f'RAMINATE_CXL_TOOLS={root or ""}'], timeout=1700)
        result.messages = re.sub(MEMTYPE, '', result.messages)
        report(tap, 'CXL and NVDIMM', result)


if __name__ == '__main__':
    main(run)
