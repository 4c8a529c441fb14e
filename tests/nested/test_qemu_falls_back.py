#!/usr/bin/env python3
# QEMU goes on without KVM's extension if that fails in mid-run: failing_kvm.py
# inside a machine whose KVM does so on purpose.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import re

from nestedlib import FLAWS, Tap, main, report, run_on_dev_mem

# Linux accounts a mapping of /dev/mem as one piece, and says so if a part of
# it is mapped anew, as the mover mmap does.
KNOWN = r'[^\n]*freeing invalid memtype[^\n]*\n'


def run(tap: Tap) -> None:
    result = run_on_dev_mem(parameters=['kvm.flaw=fail-late'], patch=FLAWS,
                            script='failing_kvm.py')
    result.messages = re.sub(KNOWN, '', result.messages)
    report(tap, 'KVM fails', result)


if __name__ == '__main__':
    main(run)
