#!/usr/bin/env python3
# Guests on CXL memory and on an NVDIMM, on a kernel that nobody patched.  Runs
# inside the machine; test_cxl.py starts it there.
#
# What QEMU emulates of CXL memory takes very long for each access, so guests
# have little of it, and not where their kernels begin to take memory.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import random
import re
import sys
from typing import Any, Dict, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from cxllib import (  # noqa: E402
    Dax, cxl_memory, nvdimm_as_device, nvdimm_disabled, nvdimm_mounted,
    nvdimm_start)
from guestlib import (  # noqa: E402
    CHECKER, DRAM, MEMORY, MIB, NODE, Info, check,
    check_figures, check_no_stop, finish_checker, message_of_refused,
    run_tests, start_checker, swap_all, swap_pages, wait_until)
from nodeguests import (  # noqa: E402
    AT_REST, FAST, SLOW, check_is_by_kernel, pass_again)
from nodelib import Pages  # noqa: E402
from raminate.guest import (  # noqa: E402
    DEV_MEM, PAGE_SIZE, Boot, Container, Guest, NodeTier, Tier, two_node_tiers,
    two_tiers)

CXL_SIZE = 2 * MIB
# Where it begins in a guest, and what is on the fast node below it
BELOW = 128 * MIB
SMALL = 64 * MIB
PAIRS = 200
# Nothing moves but what is on a wrong node.
TENDED = {**AT_REST, 'swap_period': 200}
NO_NODES = range(-64, 0)
NO_ROOM = 'the node that a page is to go to has no room'
# Its kernel is told not to choose where it unpacks itself.  The checker does
# not mind the word, as init would.
BOOT = Boot([*CHECKER.program, 'nokaslr'])


def guest_args(tiers: Sequence[Any], **options: Any) -> List[str]:
    container = Container('dmcon0', tiers, {
        key.replace('_', '-'): value for key, value in options.items()})
    return ['-m', f'{container.size // MIB}M', *container.args(), *NODE]


def on_cxl(node: int, **options: Any) -> List[str]:
    return guest_args([NodeTier('dram0', BELOW, FAST),
                       NodeTier('cxl0', CXL_SIZE, node),
                       NodeTier('far0', MEMORY - BELOW - CXL_SIZE, SLOW)],
                      **options)


class Placed:
    """A guest's pages, and where each is to be."""

    def __init__(self, guest: Guest, node: int):
        self._guest = guest
        self._node = node
        self._pages = Pages(guest)
        first, end = BELOW // PAGE_SIZE, (BELOW + CXL_SIZE) // PAGE_SIZE
        self._wanted = [FAST if page < first else node if page < end else SLOW
                        for page in range(self._pages.number)]

    def counts(self) -> Dict[int, int]:
        return self._pages.counts()

    def strays(self) -> List[Tuple[int, int]]:
        """Those that are on other nodes; some have no memory."""
        return [(page, node) for page, node in enumerate(self._pages.nodes())
                if node >= 0 and node != self._wanted[page]]

    def pick_pairs(self) -> List[Tuple[int, int]]:
        """Pages on CXL memory and others, all of which have memory."""
        nodes = self._pages.nodes()
        chosen = random.Random(1)
        cxl = [page for page, node in enumerate(nodes) if node == self._node]
        others = [page for page, node in enumerate(nodes)
                  if node not in (self._node, *NO_NODES)]
        check(len(cxl) >= PAIRS, f"only {len(cxl)} are on node {self._node}")
        return list(zip(chosen.sample(cxl, PAIRS),
                        chosen.sample(others, PAIRS)))

    def swap(self, pairs: Sequence[Tuple[int, int]]) -> List[str]:
        """Returns what is said of those that can't be swapped."""
        results = swap_pages(self._guest, pairs)
        for (a, b), result in zip(pairs, results):
            if 'error' not in result:
                self._wanted[a], self._wanted[b] = (self._wanted[b],
                                                    self._wanted[a])
        return [result['error'] for result in results if 'error' in result]

    def swap_all(self, pairs: Sequence[Tuple[int, int]]) -> None:
        failed = self.swap(pairs)
        check(not failed, f"{len(failed)} swaps failed: {failed[:5]}")
        self.check([page for pair in pairs for page in pair])

    def check(self, some: Sequence[int]) -> None:
        """All are where they are to be, and QEMU says that of some.

        One that had no memory when it was swapped begins elsewhere.
        """
        wait_until(lambda: not self.strays(), "no stray page", self._guest)
        names = {FAST: 'dram0', self._node: 'cxl0', SLOW: 'far0'}
        for page in some:
            told = self._guest.cmd('query-raminate-page', id='dmcon0',
                                   page=page)
            check(told['tier'] == names[self._wanted[page]],
                  f"page {page} is to be on node {self._wanted[page]}: {told}")


def wait_for_placer(guest: Guest) -> None:
    wait_until(lambda: guest.raminate()['state'] == 'running', "the placer",
               guest)


def cxl_memory_is_a_tier(directory: Path) -> None:
    """Page by page, it is where the figures say."""
    device = cxl_memory()
    device.become_node()
    node = device.node
    with Guest(directory, BOOT, on_cxl(node, **TENDED), 'kvm') as guest:
        start_checker(guest)
        wait_for_placer(guest)
        tiers = guest.raminate()['tiers']
        told = [(tier['node'], tier['read-cost'], tier['write-cost'])
                for tier in tiers]
        # The firmware tells nothing of the CXL memory.
        check(told == [(FAST, 100, 100), (node, 300, 300), (SLOW, 300, 300)],
              told)
        placed = Placed(guest, node)
        pairs = placed.pick_pairs()
        placed.check(())
        placed.swap_all(pairs)
        pass_again(guest)
        finish_checker(guest)
        check_is_by_kernel(guest.raminate())
        check_figures(guest.raminate())
        check_no_stop(guest)


def a_node_goes_offline(directory: Path) -> None:
    """The guest's pages leave it, and come back once it is there again."""
    device = cxl_memory()
    device.become_node()
    node = device.node
    with Guest(directory, BOOT, on_cxl(node, **TENDED), 'kvm') as guest:
        start_checker(guest)
        wait_for_placer(guest)
        placed = Placed(guest, node)
        pairs = placed.pick_pairs()
        placed.check(())
        pages = sum(placed.counts().values())
        device.offline()
        check_without_node(directory, guest, device, placed)
        left = placed.counts()
        check(node not in left and sum(left.values()) >= pages,
              f"{pages} pages, then {left}")
        device.online()
        # Of pages that are under way, the kernel says that there are none.
        wait_until(lambda: placed.counts().get(node, 0) >= PAIRS // 2,
                   "pages to be on the node again", guest)
        placed.check(())
        check(placed.counts()[node] >= PAIRS // 2, placed.counts())
        placed.swap_all(pairs)
        pass_again(guest)
        finish_checker(guest)
        check_is_by_kernel(guest.raminate())
        check_no_stop(guest)


def check_without_node(directory: Path, guest: Guest, device: Dax,
                       placed: Placed) -> None:
    """No page moves, nothing is lost, and nobody else gets the node."""
    node = device.node
    astray = guest.raminate()['pages-astray']
    wait_until(lambda: guest.raminate()['pages-astray'] > astray,
               "pages to be found astray", guest)
    strays = [page for page, _ in placed.strays()]
    check(len(strays) > PAIRS, f"only {len(strays)} have left it")
    failed = placed.swap([(page, page % 1000) for page in strays[:PAIRS]])
    check(set(failed) == {NO_ROOM}, failed)
    pass_again(guest)
    info = guest.raminate()
    check(info['state'] == 'running', info)
    check(info['swaps-no-room'] == len(failed), info)
    check_is_by_kernel(info)
    said = message_of_refused(directory, on_cxl(node))
    check(f'no memory that is online on node {node}; nodes with memory are '
          f'{FAST}, {SLOW}\n' in said and said.count('\n') == 1, said)


def on_range(start: int, directory: Path) -> List[str]:
    """Some physical memory, and the rest in files."""
    tiers = [Tier('dram0', BELOW, directory / 'below'),
             Tier('cxl0', CXL_SIZE, DEV_MEM, start),
             Tier('far0', MEMORY - BELOW - CXL_SIZE, directory / 'above')]
    tiers[0].create()
    tiers[2].create()
    return guest_args(tiers, policy='null')


def check_refused(directory: Path, device: Dax) -> int:
    """Returns where the message says that the device begins."""
    container = Container('dmcon0', [Tier('slow0', 16 * MIB, device.path)])
    said = message_of_refused(directory, ['-m', '16M', *container.args(),
                                          *NODE])
    match = re.search(
        rf"'slow0': {device.path} is a DAX device that is mapped 0x200000 "
        r"bytes at a time, not by pages of 0x1000; make it a NUMA node "
        rf"\(daxctl reconfigure-device --mode=system-ram --force "
        rf"{device.name}\) and use memory-backend-node, or take it away from "
        rf"its driver \(daxctl disable-device {device.name}\) and use "
        r"/dev/mem, where it begins at 0x(\w+)\n", said)
    check(match and said.count('\n') == 1, said)
    return int(match.group(1), 16) if match else 0


def cxl_device_is_refused(directory: Path) -> None:
    """And both that the message says to do work."""
    device = cxl_memory()
    device.become_device()
    tiers = check_advice(directory, device)['tiers']
    # The firmware tells nothing of it.
    check((tiers[1]['read-cost'], tiers[1]['write-cost']) == (300, 300), tiers)


def nvdimm_device_is_refused(directory: Path) -> None:
    """Nor is its memory anybody's once its namespace is disabled."""
    tiers = check_advice(directory, nvdimm_as_device())['tiers']
    check((tiers[1]['read-cost'], tiers[1]['write-cost']) == (1000, 1000),
          tiers)
    start = nvdimm_start()
    said = message_of_refused(directory, on_range(start, directory))
    check("is claimed by 'namespace" in said and said.count('\n') == 1, said)
    with nvdimm_disabled(), Guest(directory, None,
                                  on_range(start, directory), 'kvm') as guest:
        guest.launch()
        wait_for_placer(guest)


def a_node_that_comes_later_can_be_named(directory: Path) -> None:
    """Placement on it is switched on for a guest that was there before."""
    device = cxl_memory()
    device.become_device()
    with Guest(directory, None, ['-m', '64M'], 'kvm') as guest:
        guest.launch()
        device.become_node()
        guest.cmd('object-add', **{
            'qom-type': 'memory-placement', 'id': 'dmcon0',
            'memdev': guest.cmd('query-memdev')[0]['id'],
            'nodes': [FAST, device.node], 'budgets': [62 * MIB]})
        wait_for_placer(guest)
        guest.cmd('object-del', id='dmcon0')


def check_advice(directory: Path, device: Dax) -> Info:
    """Returns what a guest tells that has some of it as a node."""
    start = check_refused(directory, device)
    device.disable()
    check_range(directory, start)
    device.become_node()
    try:
        container = two_node_tiers(SMALL, DRAM, (FAST, device.node))
        with Guest(directory, None, ['-m', f'{SMALL // MIB}M',
                                     *container.args(), *NODE],
                   'kvm') as guest:
            guest.launch()
            wait_for_placer(guest)
            check_is_by_kernel(guest.raminate())
            return guest.raminate()
    finally:
        device.become_device()


def check_range(directory: Path, start: int) -> None:
    """A range of physical memory, exchanged as a stock kernel can."""
    with Guest(directory, BOOT, on_range(start, directory), 'kvm') as guest:
        start_checker(guest)
        wait_for_placer(guest)
        first = BELOW // PAGE_SIZE
        pairs = [(first + page, page) for page in range(PAIRS)]
        swap_all(guest, pairs)
        pass_again(guest)
        finish_checker(guest)
        info = guest.raminate()
        check((info['sampler'], info['mover']) == ('dirty-log', 'mmap'), info)
        check_figures(info)


def files_without_a_page_cache_are_tiers(directory: Path) -> None:
    """On an NVDIMM in fsdax mode: pages are exchanged one by one."""
    with nvdimm_mounted(directory / 'nvdimm') as folder:
        container = two_tiers(folder, MEMORY, DRAM, policy='null')
        args = ['-m', f'{MEMORY // MIB}M', *container.args(), *NODE]
        with Guest(directory, CHECKER, args, 'kvm') as guest:
            start_checker(guest)
            wait_for_placer(guest)
            check_mapped_once(guest, container)
            pages = random.Random(1).sample(range(DRAM // PAGE_SIZE,
                                                  MEMORY // PAGE_SIZE), PAIRS)
            swap_all(guest, list(zip(range(PAIRS), pages)))
            check_mapped_once(guest, container)
            pass_again(guest)
            finish_checker(guest)
            check_figures(guest.raminate())


def check_mapped_once(guest: Guest, container: Container) -> None:
    """Each page of the tiers' files is mapped in one place."""
    maps = Path(f'/proc/{guest.get_pid()}/maps').read_text()
    for tier in container.tiers:
        assert isinstance(tier, Tier)
        found = re.findall(rf'^(\w+)-(\w+) .* {tier.path}$', maps, re.M)
        size = sum(int(end, 16) - int(start, 16) for start, end in found)
        check(size == tier.size, f"{size} bytes of {tier} are mapped")


run_tests(cxl_memory_is_a_tier, a_node_goes_offline,
          a_node_that_comes_later_can_be_named, cxl_device_is_refused,
          nvdimm_device_is_refused, files_without_a_page_cache_are_tiers)
