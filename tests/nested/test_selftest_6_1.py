#!/usr/bin/env python3
# The same as test_selftest.py, on Linux 6.1.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from nestedlib import Tap, main
import test_selftest

# With shadow paging, 6.1 itself warns if the memory slot of a guest's tables
# is deleted while the guest has an exception to take: mmu_check_root() asks
# for a triple fault, and then the exception is put back.  Later series go on
# with an empty table.
KNOWN = (r'[^\n]*\[ cut here \][^\n]*\n[^\n]*WARNING: [^\n]* '
         r'kvm_multiple_exception\+(?s:.*?)\[ end trace [^\n]*\n')


def run(tap: Tap) -> None:
    test_selftest.run(tap, '6.1', KNOWN)


if __name__ == '__main__':
    main(run)
