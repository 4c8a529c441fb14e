#!/usr/bin/env python3
# Guests under a KVM that takes long to exchange frames, or finds memory that
# has failed.  Runs inside the machine; test_qemu_troubles.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import sys
import time
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, FULL_RATE, MEMORY, MIB, NODE, check, check_figures,
    finish_checker, run_tests, start_checker, wait_for_passes, wait_until)
from raminate.guest import (  # noqa: E402
    PAGE_SIZE, Guest, two_physical_tiers)
from raminate.recording import BATCH, Recording  # noqa: E402
from qemu.qmp import ExecuteError  # noqa: E402

POOL = int(os.environ['RAMINATE_POOL'], 0)
NOT_REACHED, MADE, FAILED = range(3)
TRIES = 5
FLAW = Path('/sys/module/kvm/parameters/flaw')
# Batches of many slices
LARGE = {**FULL_RATE, 'swap_period': 100, 'max_swaps': DRAM // PAGE_SIZE // 2}


def troubled_guest(directory: Path, flaw: str, **options: Any) -> Guest:
    """Not while another guest runs: KVM reads the flaw's name without care."""
    FLAW.write_text(flaw)
    container = two_physical_tiers(POOL, MEMORY, DRAM, **options)
    args = ['-m', f'{MEMORY // MIB}M', *container.args(), *NODE]
    return Guest(directory, CHECKER, args, 'kvm')


def start(guest: Guest, directory: Path) -> Path:
    """Returns: where its batches are recorded."""
    start_checker(guest)
    check(guest.raminate()['mover'] == 'kvm', guest.raminate())
    guest.set('record', str(directory / 'recording'))
    return directory / 'recording'


def wait_for_batch(guest: Guest) -> int:
    """Waits until a batch is under way; returns how many there were."""
    def is_under_way() -> bool:
        try:
            guest.cmd('raminate-swap-pages', id='dmcon0',
                      pairs=[{'a': 0, 'b': 1}])
        except ExecuteError as err:
            return 'another batch of exchanges is under way' in str(err)
        return False

    wait_until(is_under_way, "a batch", guest)
    return int(guest.raminate()['batches'])


def cut(path: Path) -> int:
    """Batches that were ended before all of their moves were reached."""
    number = 0
    for entry in Recording(path):
        if entry.kind == BATCH:
            states = [state for _, _, state in entry.moves]
            check(FAILED not in states, "a move that was not reached failed")
            number += MADE in states and NOT_REACHED in states
    return number


def is_cut_by(directory: Path, hold: Callable[[Guest], object],
              go_on: Callable[[Guest], object]) -> None:
    """Several times: a batch may be small, or just be done."""
    with troubled_guest(directory, 'slow-swap', **LARGE) as guest:
        recording = start(guest, directory)
        for _ in range(TRIES):
            wait_for_batch(guest)
            hold(guest)
            time.sleep(1)
            go_on(guest)
        guest.set('monitor', False)
        wait_for_passes(guest)
        finish_checker(guest)
        check_figures(guest.raminate())
    check(cut(recording) > 0, "no batch was cut")


def batch_ends_when_it_is_held(directory: Path) -> None:
    """What was not reached counts as nothing."""
    is_cut_by(directory, lambda guest: guest.cmd('stop'),
              lambda guest: guest.cmd('cont'))


def batch_ends_when_the_placer_is_off(directory: Path) -> None:
    is_cut_by(directory, lambda guest: guest.set('monitor', False),
              lambda guest: guest.set('monitor', True))


def batch_ends_when_qemu_does(directory: Path) -> None:
    for _ in range(TRIES):
        with troubled_guest(directory, 'slow-swap', **LARGE) as guest:
            recording = start(guest, directory)
            wait_for_batch(guest)
        if cut(recording):
            return
    check(False, "no batch was cut")


def failed_pages_are_left_alone(directory: Path) -> None:
    """One of each pair that fails stays where it is; nothing is lost."""
    with troubled_guest(directory, 'machine-check', **FULL_RATE) as guest:
        start_checker(guest)
        wait_until(lambda: guest.raminate()['pages-failed'] > 500,
                   "pages to fail", guest)
        wait_for_passes(guest)
        guest.set('policy', 'null')
        finish_checker(guest)
        info = guest.raminate()
        check(info['mover'] == 'kvm' and info['swaps'] > 0, info)
        check(info['pages-failed'] == info['swaps-failed'], info)
        pages = range(0, MEMORY // PAGE_SIZE, 7)
        failed = sum(guest.cmd('query-raminate-page', id='dmcon0',
                               page=page)['failed'] for page in pages)
        check(0 < failed < len(pages), f"{failed} of {len(pages)} failed")


run_tests(batch_ends_when_it_is_held, batch_ends_when_the_placer_is_off,
          batch_ends_when_qemu_does, failed_pages_are_left_alone)
