#!/usr/bin/env python3
# The KVM extension's selftest on Intel's EPT, under Bochs: with PML and
# without, without accessed and dirty bits, and with the older MMU.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from concurrent.futures import ThreadPoolExecutor
from functools import partial
import os
from pathlib import Path
import re
from typing import Dict, NamedTuple, Optional, Sequence

from bochs import BochsMachine
from nestedlib import (FLAWS, SERIES, Result, Tap, bochs, main, modules,
                       report, run_selftest)

ALL = ('scan', 'find', 'skip', 'steady', 'flush', 'yield', 'swap', 'refill',
       'torture', 'beside', 'input', 'claim', 'fuzz', 'kill', 'memtype')

PARAMETERS = ('kvm.tdp_mmu', 'kvm_intel.ept', 'kvm_intel.eptad',
              'kvm_intel.pml')


class Mode(NamedTuple):
    """A way for KVM to run."""
    off: Sequence[str] = ()         # parameters that are given as 0
    off_too: Sequence[str] = ()     # and those that follow
    cpus: int = 1

    @property
    def signs(self) -> Dict[str, str]:
        """What the parameters are once the mode is on."""
        off = {*self.off, *self.off_too}
        return {name: 'N' if name in off else 'Y' for name in PARAMETERS}


MODES = {
    'EPT': Mode(),
    'EPT, two CPUs': Mode(cpus=2),
    'EPT, pml=0': Mode(['kvm_intel.pml']),
    'EPT, eptad=0': Mode(['kvm_intel.eptad'], ['kvm_intel.pml']),
    'EPT, tdp_mmu=0': Mode(['kvm.tdp_mmu']),
}

# Swaps that leave the guest its old entries, and the checks that see it.
FLAW = 'keep-guest-entries'
FOUND = re.compile(r'^(not ok \d+ - (nobody|no write)|Bail out! the guest)',
                   re.M)

PATIENCE = 3600     # seconds; a host with much to do is slow

# With two CPUs that Bochs runs in turn, a timer of the second was once lost
# while both were idle, and once a task that was to run on an idle CPU did not:
# the kernel then says so after as long as nothing else wakes them. What the
# extension does wrong is wrong again in another machine.
STALL = re.compile(r'rcu: INFO: \w+ detected stalls|'
                   r'INFO: task \S+ (is )?blocked |Call Trace:$')


def run_in_bochs(tests: Sequence[str], parameters: Sequence[str],
                 cpus: int = 1, patch: Optional[Path] = None,
                 series: str = SERIES) -> Result:
    return run_selftest(tests, parameters, patch, series, PATIENCE,
                        partial(BochsMachine, bochs=bochs(), cpus=cpus))


def run_mode(mode: Mode, series: str) -> Result:
    parameters = [f'{name}=0' for name in mode.off]
    result = run_in_bochs(ALL, parameters, mode.cpus, series=series)
    if (mode.cpus > 1 and result.trouble
            and all(STALL.search(line) for line in result.trouble)):
        print('# once more, since a wake-up was lost:', *result.trouble)
        result = run_in_bochs(ALL, parameters, mode.cpus, series=series)
    return result


def in_force(result: Result) -> Dict[str, str]:
    return dict(re.findall(r'^# (kvm\w*\.\w+)=(.)$', result.output, re.M))


def run_modes(tap: Tap, series: str, pool: ThreadPoolExecutor) -> None:
    results = pool.map(partial(run_mode, series=series), MODES.values())
    for (name, mode), result in zip(MODES.items(), results):
        tap.check(in_force(result) == mode.signs, f'{name}: is on',
                  [f'{in_force(result)} is not {mode.signs}'])
        report(tap, name, result)


def run_on(tap: Tap, series: str) -> None:
    """All modes on another series."""
    modules(series=series)
    bochs()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        run_modes(tap, series, pool)


def run(tap: Tap) -> None:
    for patch in (None, FLAWS):
        modules(patch)
    bochs()
    # An emulated machine keeps one CPU of ours busy.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        flawed = pool.submit(run_in_bochs, ['torture'], [f'kvm.flaw={FLAW}'],
                             patch=FLAWS)
        run_modes(tap, SERIES, pool)
        output = flawed.result().output
        tap.check(bool(FOUND.search(output)), f'{FLAW} is found by torture',
                  output.splitlines()[-20:])


if __name__ == '__main__':
    main(run)
