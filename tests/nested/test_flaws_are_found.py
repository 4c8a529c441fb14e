#!/usr/bin/env python3
# Negative controls: with a flaw built into the KVM extension, the selftest has
# to fail, and at the check that is about it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import re
from typing import Optional

from nestedlib import FLAWS, Tap, main, run_selftest

# What fails by which flaw; None if the selftest does not come to its end.
FOUND = {
    'preset-dirty': ('scan', r'first access: written pages'),
    'forget-dropped': ('scan', r'the memory slot was deleted'),
    'forget-host': ('scan', r'the process writes: written pages'),
    'no-scan-flush': ('steady', r'each scan sees that the guest writes'),
    'no-vma-lock': ('torture', None),
    'copy-early': ('torture', r'no write is lost'),
    'no-host-flush': ('torture', r'no write is lost'),
    'keep-guest-entries': ('torture', None),
}


# A flaw that is a race does its harm sooner or later: on a machine with too
# much to do, in a later run.
RUNS = 6


def is_found(check: Optional[str], output: str) -> bool:
    if check is None:
        return not re.search(r'^1\.\.\d+$', output, re.M)
    return bool(re.search(rf'^not ok \d+ - {check}', output, re.M))


def run(tap: Tap) -> None:
    for flaw, (test, check) in FOUND.items():
        for _ in range(RUNS):
            output = run_selftest([test], [f'kvm.flaw={flaw}'], FLAWS).output
            if is_found(check, output):
                break
        tap.check(is_found(check, output), f'{flaw} is found by {test}',
                  output.splitlines()[-20:])

    result = run_selftest(['torture'], ['kvm.flaw=machine-check'], FLAWS)
    lines = result.output.splitlines()
    for name in ('nobody sees a page', 'no write is lost'):
        tap.check(any(re.match(rf'ok \d+ - {name}', line) for line in lines),
                  f'failing memory: {name}', lines)
    tap.check(any(re.match(r'not ok \d+ - all pairs are exchanged .*-133',
                           line) for line in lines),
              'failing memory: pairs say so', lines)


if __name__ == '__main__':
    main(run)
