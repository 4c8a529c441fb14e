#!/usr/bin/env python3
# A guest under a KVM whose extension fails in mid-run.  Runs inside the
# machine; test_qemu_falls_back.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, MEMORY, MIB, NODE, PATIENCE, Info, check, check_figures,
    finish_checker, run_tests, wait_for_passes, wait_for_swaps, wait_until)
from raminate.guest import Guest, two_physical_tiers  # noqa: E402
from qemu.qmp import ExecuteError  # noqa: E402

POOL = int(os.environ['RAMINATE_POOL'], 0)
SWAPS = 200
PARTS = {'sampler': 'dirty-log', 'mover': 'mmap'}
FLAW = Path('/sys/module/kvm/parameters/flaw')


def in_force(info: Info) -> Info:
    return {part: info[part] for part in PARTS}


def try_kvm_again(guest: Guest) -> None:
    """KVM's mover is refused, though its sampler could be had again: the parts
    that are open stay, and are named with their reasons."""
    def shown() -> Info:
        info = guest.raminate()
        return {key: info.get(key) for part in PARTS
                for key in (part, f'{part}-reason')}

    before = shown()
    # KVM reads the flaw's name without care, but only for a vCPU or if asked.
    guest.cmd('stop')
    FLAW.write_text('deny')
    try:
        guest.set('mover', 'kvm')
    except ExecuteError as err:
        check("mover=kvm can't be used, choose auto: the host's KVM lacks the "
              "extension" in str(err), str(err))
    else:
        check(False, "mover=kvm was not refused")
    check(shown() == before, f"{before}, then {shown()}")
    guest.cmd('cont')


def others_take_over(directory: Path) -> None:
    """Both parts fail, each is told of by an event, and no write is lost, nor
    when a setting is refused then."""
    # The mover that takes over stops the guest for each batch.
    container = two_physical_tiers(POOL, MEMORY, DRAM, scan_period=100,
                                   swap_period=200, max_swaps=20, policy='lru')
    args = ['-m', f'{MEMORY // MIB}M', *container.args(), *NODE]
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        guest.launch()
        check(in_force(guest.raminate()) == {part: 'kvm' for part in PARTS},
              f"{guest.raminate()}")
        guest.console.wait('checker: started', PATIENCE)
        wait_until(lambda: in_force(guest.raminate()) == PARTS,
                   "others to take over", guest)
        try_kvm_again(guest)
        wait_for_swaps(guest, SWAPS)
        wait_for_passes(guest)
        finish_checker(guest)
        info = guest.raminate()
        check_figures(info)
        events = [event['data'] for event in guest.get_qmp_events()
                  if event['event'] == 'RAMINATE_FALLBACK']
        check(len(events) == len(PARTS), f"{events}")
        for event in events:
            part = event['component']
            check(event['id'] == 'dmcon0' and event['from'] == 'kvm'
                  and event['to'] == PARTS.get(part)
                  and 'Input/output error' in event['reason'], f"{event}")
            check(info[f'{part}-reason'].startswith('kvm failed: '),
                  info[f'{part}-reason'])


run_tests(others_take_over)
