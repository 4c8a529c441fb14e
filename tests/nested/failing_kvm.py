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

POOL = int(os.environ['RAMINATE_POOL'], 0)
SWAPS = 200
PARTS = {'sampler': 'dirty-log', 'mover': 'mmap'}


def in_force(info: Info) -> Info:
    return {part: info[part] for part in PARTS}


def others_take_over(directory: Path) -> None:
    """Both parts fail, each is told of by an event, and no write is lost."""
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
