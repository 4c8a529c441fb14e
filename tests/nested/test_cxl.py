#!/usr/bin/env python3
# Guests on CXL memory and on an NVDIMM, on the distribution's own kernel and
# KVM: on_cxl.py inside a machine that has both.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from cxlhost import run_on_cxl
from nestedlib import main

if __name__ == '__main__':
    main(run_on_cxl)
