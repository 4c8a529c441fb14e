#!/usr/bin/env python3
# Every way to give a guest hybrid memory works under swaps.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Sequence

from guestlib import (CHECKER, DRAM, FULL_RATE, MEMORY, MIB, NODE, PATIENCE,
                      Boot, Guest, check, check_figures, finish_checker,
                      run_tests, start_checker, wait_for_passes,
                      wait_for_swaps, wait_until)
from raminate.guest import Container, Tier, two_tiers

OPTIONS = {key.replace('_', '-'): value for key, value in FULL_RATE.items()}
SWAPS = 2000
DIMM = 256 * MIB        # a multiple of what Linux puts online at once


def swap_and_check(guest: Guest, containers: Sequence[str]) -> None:
    """Swaps go on in all containers, and the checker is content."""
    for name in containers:
        wait_for_swaps(guest, SWAPS, name)
    wait_for_passes(guest)
    finish_checker(guest)
    for name in containers:
        check_figures(guest.raminate(name))


def machine_memory_backend(directory: Path) -> None:
    memory = two_tiers(directory, MEMORY, DRAM, **FULL_RATE)
    args = ['-m', f'{MEMORY // MIB}M', '-smp', '2', *memory.args(),
            '-machine', 'memory-backend=dmcon0']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        swap_and_check(guest, ['dmcon0'])


def two_numa_nodes(directory: Path) -> None:
    args = ['-m', f'{MEMORY // MIB}M', '-smp', '2']
    for number in range(2):
        memory = two_tiers(directory, MEMORY // 2, DRAM // 2,
                           f'dmcon{number}', number, **FULL_RATE)
        args += [*memory.args(), '-numa',
                 f'node,nodeid={number},cpus={number},memdev=dmcon{number}']
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        swap_and_check(guest, ['dmcon0', 'dmcon1'])


def three_tiers_in_one_file(directory: Path) -> None:
    """Ranges of one file, at offsets as physical memory has them."""
    path = directory / 'memory'
    sizes = {'dram0': 16, 'mram0': 64, 'nvm0': 112}
    tiers, start = [], 64 * MIB
    for name, size in sizes.items():
        tiers.append(Tier(name, size * MIB, path, start))
        tiers[-1].create()
        start += size * MIB
    memory = Container('dmcon0', tiers, OPTIONS)
    args = ['-m', '192M', '-smp', '2', *memory.args(), *NODE]
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        pages = memory.size // 4096
        for shift in range(0, 4000, 500):
            pairs = [{'a': 8000 + shift + n, 'b': pages - 1 - shift - n}
                     for n in range(500)]
            guest.cmd('raminate-swap-pages', id='dmcon0', pairs=pairs)
        ids = [tier['id'] for tier in guest.raminate()['tiers']]
        check(ids == list(sizes), f"tiers are {ids}")
        swap_and_check(guest, ['dmcon0'])


def available(guest: Guest) -> int:
    """Pages that a waiting checker could have."""
    return int(guest.console.wait(
        r'checker: waiting available=(\d+)\n', PATIENCE).group(1))


def ask_available(guest: Guest) -> int:
    guest.console.send('look')
    return available(guest)


def hot_plugged_dimm(directory: Path) -> None:
    memory = two_tiers(directory, DIMM, DRAM, **FULL_RATE)
    boot = Boot(['/bin/checker', 'wait=1'],
                kernel_args='memhp_default_state=online')
    args = ['-m', '192M,slots=2,maxmem=1G', '-smp', '2', *memory.args()]
    with Guest(directory, boot, args) as guest:
        guest.launch()
        before = available(guest)
        guest.cmd('device_add', driver='pc-dimm', id='dimm0',
                  memdev='dmcon0')
        wait_until(lambda: (ask_available(guest) - before) * 4096
                   > DIMM * 3 // 4, "the guest to use the dimm", guest)
        guest.console.send('start')
        guest.console.wait('checker: started', PATIENCE)
        swap_and_check(guest, ['dmcon0'])


run_tests(machine_memory_backend, two_numa_nodes, three_tiers_in_one_file,
          hot_plugged_dimm)
