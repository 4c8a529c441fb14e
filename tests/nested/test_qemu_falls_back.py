#!/usr/bin/env python3
# QEMU goes on without KVM's extension if that fails in mid-run: failing_kvm.py
# inside a machine whose KVM does so on purpose.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import re

from nestedlib import FLAWS, MEMTYPE, Tap, main, report, run_on_dev_mem


def run(tap: Tap) -> None:
    result = run_on_dev_mem(parameters=['kvm.flaw=fail-late'], patch=FLAWS,
                            script='failing_kvm.py')
    result.messages = re.sub(MEMTYPE, '', result.messages)
    report(tap, 'KVM fails', result)


if __name__ == '__main__':
    main(run)
