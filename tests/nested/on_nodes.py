#!/usr/bin/env python3
# Guests whose tiers are NUMA nodes, on a kernel that nobody patched.  Runs
# inside the machine; test_nodes.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import random
import subprocess
import sys
from typing import Any, Callable, Dict, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, FULL_RATE, HIGH_SHARE, MEMORY, MIB, PATIENCE,
    REQUIRED_FALL, check, check_figures, check_never_stopped, check_no_stop,
    fall_twice, finish_checker, hmp, message_of_refused, run_tests,
    set_balloon, share, start_checker, start_swapper, swap_all, swapper_args,
    wait_for_swaps, wait_until)
from nodebudgets import (  # noqa: E402
    fast_memory_follows_its_budget, faults_keep_to_their_budget)
from nodeguests import (  # noqa: E402
    ACCESSES, AT_REST, FAST, FAST_PAGES, PAGES, SLOW, check_is_by_kernel,
    go_to_full_rate, on_nodes, pass_again, start_at_full_rate, wait_for_scans)
from nodelib import (  # noqa: E402
    NEVER, THP, Pages, filled, free_on, khugepaged_rests, small_pages,
    tells_of_accesses)
from rounds import SWAPS, swap_from_both_sides  # noqa: E402
from raminate import paths  # noqa: E402
from raminate.guest import PAGE_SIZE, Boot, Guest  # noqa: E402

HOT_PAGES = 1000
ADOPTED_PAGES = 100
SMALL_HOT = 1024
SMALL = 112 * MIB
# Freed memory is cleared, so that all of it has been written once.
TOUCHED = Boot(['/bin/checker', 'percent=25'],
               ['virtio_pci', 'virtio_balloon'], kernel_args='init_on_free=1')


def no_write_is_lost(directory: Path) -> None:
    """The placer and an external program both swap all the time."""
    args = [*on_nodes(**AT_REST), '-smp', '2', *swapper_args(directory)]
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_at_full_rate(guest)
        info = swap_from_both_sides(guest, directory)
        counts = finish_checker(guest)
        check(counts['threads'] == 2, "the guest has not two vCPUs")
        check_is_by_kernel(info)
        check_figures(guest.raminate())
        check_never_stopped(guest)


def wanted(page: int) -> int:
    """Where a page is to be as long as none is swapped."""
    return FAST if page < FAST_PAGES else SLOW


def pages_are_where_the_figures_say(directory: Path) -> None:
    """Page by page, also where they are taken out of huge pages."""
    args = on_nodes(**AT_REST)
    with khugepaged_rests(), Guest(directory, CHECKER, args,
                                   'kvm') as guest:
        start_checker(guest)
        wait_until(lambda: guest.raminate()['state'] == 'running',
                   "the placer", guest)
        pages = Pages(guest)
        check(pages.huge_bytes() > MEMORY // 2,
              f"huge pages have {pages.huge_bytes()} bytes of the guest")
        before = pages.nodes()
        there = [page for page in range(PAGES) if before[page] >= 0]
        strays = [page for page in there if before[page] != wanted(page)]
        check(not strays, f"not where they should begin: {strays[:20]}")
        check(len(there) > PAGES // 2, f"only {len(there)} have memory")
        pairs = pick_pairs(there)
        swap_all(guest, pairs)
        check_swapped(guest, pages, there, pairs)
        check(pages.huge_bytes() > 0, "no huge page is left")
        pass_again(guest)
        finish_checker(guest)
        check_figures(guest.raminate())


def pick_pairs(there: List[int]) -> List[Tuple[int, int]]:
    """Pages of one half of the fast tier change places, with any others."""
    chosen = random.Random(1)
    fast = [page for page in there if page < FAST_PAGES // 2]
    slow = [page for page in there if page >= FAST_PAGES]
    number = min(1000, len(fast) // 2)
    return list(zip(chosen.sample(fast, number), chosen.sample(slow, number)))


def check_swapped(guest: Guest, pages: Pages, there: List[int],
                  pairs: List[Tuple[int, int]]) -> None:
    swapped = {page for pair in pairs for page in pair}
    now = pages.nodes()
    # Pages full of zeroes that were in huge pages have none any more.
    there = [page for page in there if now[page] >= 0]
    for node in (FAST, SLOW):
        number = sum(page in swapped and now[page] == node for page in there)
        check(number > 50, f"only {number} pages are on node {node} anew")
    wrong = [(page, now[page]) for page in there
             if now[page] != wanted(page) ^ (page in swapped)]
    check(not wrong, f"{len(wrong)} pages are on other nodes: {wrong[:20]}")
    names = {'dram0': FAST, 'mram0': SLOW}
    others = random.Random(2).sample(there, 100)
    for page in [*others, *swapped.intersection(there)][:200]:
        told = guest.cmd('query-raminate-page', id='dmcon0', page=page)
        check(names[told['tier']] == now[page],
              f"page {page} is on node {now[page]}: {told}")


def hot_pages_move_to_the_fast_node(directory: Path) -> None:
    """The demo's workload: the share of slow memory falls, twice."""
    boot = Boot(['/bin/workload', f'arena={PAGES // 2}', f'hot={HOT_PAGES}',
                 'thin=50'])
    args = on_nodes(scan_period=500, swap_period=1000, policy='null',
                    max_cpu=0)
    with Guest(directory, boot, args, 'kvm') as guest:
        fall_twice(guest)
        check_is_by_kernel(guest.raminate())
        check_never_stopped(guest)


def huge_pages_come_back(directory: Path) -> None:
    """Watching takes them apart; where it is quiet they are made again."""
    boot = Boot(['/bin/workload', f'arena={2 * SMALL_HOT}',
                 f'hot={SMALL_HOT}', 'thin=0'])
    args = on_nodes(**AT_REST, max_cpu=0, second_look=0)
    with khugepaged_rests(), Guest(directory, boot, args, 'kvm') as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        pages = Pages(guest)
        guest.set('sampler', 'pagemap')
        guest.set('scan-period', 50)
        guest.set('swap-period', 200)
        wait_until(lambda: guest.raminate()['huge-splits'] > 0,
                   "a huge page to be split", guest)
        wait_for_scans(guest, 100)
        made = guest.raminate()['huge-collapses']
        # Half of the arena is cold from now on.
        guest.console.send('move')
        guest.console.wait('workload: phase 2\n', PATIENCE)
        wait_until(lambda: guest.raminate()['huge-collapses'] > made,
                   "a huge page to be made again", guest)
        info, by_kernel = guest.raminate(), pages.huge_bytes()
        print(f"# {info['huge-splits']} split, {info['huge-collapses']} made;"
              f" {info['huge-pages']} bytes, by the kernel {by_kernel}")
        check(abs(info['huge-pages'] - by_kernel) < 16 * MIB, "they differ")
        check_figures(info)
        check_never_stopped(guest)


def pages_only_read_move_to_the_fast_node(directory: Path) -> None:
    """By accesses, and not by writes."""
    boot = Boot(['/bin/workload', f'arena={PAGES // 2}', f'hot={HOT_PAGES}',
                 'thin=0', 'read'])
    args = on_nodes(**AT_REST, max_cpu=0, fault_budget=0)
    with small_pages(), Guest(directory, boot, args, 'kvm') as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        check_is_by_kernel(guest.raminate())
        guest.set('scan-period', 1000)
        guest.set('swap-period', 1000)
        check_share(guest, lambda now: now > HIGH_SHARE)
        guest.set('sampler', 'pagemap')
        guest.set('policy', 'hemem')
        wait_for_scans(guest, 20)
        by_writes = guest.raminate()
        guest.set('policy', 'null')
        guest.set('sampler', 'auto')
        check_share(guest, lambda now: now > HIGH_SHARE)
        guest.set('policy', 'hemem')
        check_share(guest, lambda now: now < HIGH_SHARE / REQUIRED_FALL)
        check_figures(guest.raminate())
        print(f"# {by_writes['swaps']} swaps by writes, then "
              f"{guest.raminate()['swaps'] - by_writes['swaps']} by accesses")


def check_share(guest: Guest, is_good: Callable[[float], bool]) -> None:
    """Of a scan that is yet to be made, at last."""
    wait_for_scans(guest, 2)
    wait_until(lambda: is_good(share(guest)), "a share that fits", guest)


def huge_pages_that_are_read_stay(directory: Path) -> None:
    """They are found as wholes, while nothing moves."""
    boot = Boot(['/bin/workload', f'arena={PAGES // 2}', f'hot={HOT_PAGES}',
                 'thin=0'])
    args = on_nodes(scan_period=200, policy='null', swap_period=NEVER,
                    max_cpu=0)
    with khugepaged_rests(), Guest(directory, boot, args, 'kvm') as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        pages = Pages(guest)
        wait_for_scans(guest, 5)
        before = pages.huge_bytes()
        check(before > MEMORY // 4, f"huge pages have {before} bytes")
        wait_for_scans(guest, 20)
        by_accesses = pages.huge_bytes()
        guest.set('sampler', 'pagemap')
        wait_for_scans(guest, 20)
        by_writes = pages.huge_bytes()
        print(f"# huge pages: {before} bytes, then {by_accesses}, and "
              f"{by_writes} by writes")
        check(by_accesses >= before, f"{before} bytes, then {by_accesses}")
        check(by_writes < before, f"{before} bytes, then {by_writes}")


def strays(pages: Pages) -> int:
    return sum(node >= 0 and node != wanted(page)
               for page, node in enumerate(pages.nodes()))


def strays_are_brought_back(directory: Path) -> None:
    """Another process moves pages, while the kernel balances nodes."""
    balancing = Path('/proc/sys/kernel/numa_balancing')
    balancing.write_text('1\n')
    # Moving so many takes more of a processor than it may by default.
    args = on_nodes(**AT_REST, max_cpu=0)
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_checker(guest)
        guest.set('scan-period', 200)
        guest.set('swap-period', 200)
        pages = Pages(guest)
        wait_until(lambda: strays(pages) == 0, "no stray page", guest)
        for first, target in ((0, SLOW), (2 * FAST_PAGES, FAST)):
            before = guest.raminate()
            pages.move(first, FAST_PAGES, target)
            wait_until(lambda: guest.raminate()['pages-astray'] >
                       before['pages-astray'] + FAST_PAGES // 2,
                       "pages to be found astray", guest)
            wait_until(lambda: strays(pages) == 0, "no stray page", guest)
            scans = guest.raminate()['scans'] - before['scans']
            check(scans < 100, f"that took {scans} scans")
        check_who_insists(guest, pages)
        pass_again(guest)
        finish_checker(guest)
        check_figures(guest.raminate())
        check_never_stopped(guest)


def check_who_insists(guest: Guest, pages: Pages) -> None:
    """Pages that are moved again and again are left alone, others come."""
    def insist() -> bool:
        pages.move(0, FAST_PAGES, SLOW)
        return guest.raminate()['pages-adopted'] > ADOPTED_PAGES
    wait_until(insist, "pages to be adopted", guest)
    # Those that were moved last are still to be adopted.
    wait_until(lambda: guest.raminate()['tiers'][FAST]['pages'] == FAST_PAGES,
               "others to take their places", guest)
    check(guest.raminate()['pages-resized'] > 0, "none was moved for them")


def a_full_node_loses_nothing(directory: Path) -> None:
    """There is no room in slow memory, then in fast, and then again."""
    args = [*on_nodes(**AT_REST), '-smp', '2']
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_at_full_rate(guest)
        wait_for_swaps(guest, 100)
        failed = guest.raminate()['swaps-failed']
        with filled(SLOW):
            print(f"# {free_on(SLOW) // 1024} KiB are free on the slow node")
            wait_until(lambda: guest.raminate()['swaps-failed'] > failed,
                       "swaps that fail", guest)
            pass_again(guest)
        wait_for_swaps(guest, SWAPS)
        with filled(FAST):
            print(f"# {free_on(FAST) // 1024} KiB are free on the fast node")
            # Whatever leaves it makes room.
            wait_for_swaps(guest, 100)
            pass_again(guest)
        info = wait_for_swaps(guest, SWAPS)
        pass_again(guest)
        finish_checker(guest)
        check_is_by_kernel(info)
        check_never_stopped(guest)
        wait_until(lambda: guest.raminate()['pages-to-resize'] == 0,
                   "tiers to have their sizes", guest)
        for tier in guest.raminate()['tiers']:
            check(tier['pages'] == tier['size'] // PAGE_SIZE, tier)


def memory_is_given_back(directory: Path) -> None:
    """By a balloon, and by free page reporting."""
    args = [*on_nodes(**AT_REST), '-smp', '2', '-device',
            'virtio-balloon-pci,free-page-reporting=on',
            *swapper_args(directory)]
    with Guest(directory, TOUCHED, args, 'kvm') as guest:
        start_at_full_rate(guest)
        pages = Pages(guest)
        swapper = start_swapper(guest, directory)
        # The checker has a quarter; what is free, and was touched, is told.
        wait_for_size(guest, pages, MEMORY * 3 // 4)
        set_balloon(guest, SMALL)
        wait_for_size(guest, pages, SMALL)
        wait_for_swaps(guest, 1000)
        # It keeps the main loop busy, which serves the balloon.
        swapper.finish()
        pass_again(guest)
        # Not all: each page takes KVM an asynchronous page fault.
        set_balloon(guest, SMALL + 4 * MIB)
        wait_for_swaps(guest, 1000)
        pass_again(guest)
        finish_checker(guest)
        check_figures(guest.raminate())


def wait_for_size(guest: Guest, pages: Pages, size: int) -> None:
    wait_until(lambda: sum(pages.counts().values()) * PAGE_SIZE <= size,
               f"no more than {size} bytes of memory", guest)


def costs_are_those_of_the_host(directory: Path) -> None:
    with Guest(directory, None, on_nodes(), 'kvm') as guest:
        guest.launch()
        tiers = guest.raminate()['tiers']
        told = [(tier['node'], tier['read-cost'], tier['write-cost'])
                for tier in tiers]
        check(told == [(FAST, 100, 100), (SLOW, 300, 300)], told)
        check(all('mem-path' not in tier for tier in tiers), tiers)


def bad_nodes_are_refused(directory: Path) -> None:
    """With one sentence each."""
    large = 4096 * MIB
    no_accesses = [(on_nodes(sampler=ACCESSES), 'Linux has since 7.3')]
    for args, words in (
            *(() if tells_of_accesses() else no_accesses),
            (on_nodes(nodes=(FAST, 7)), 'no memory that is online on node 7'),
            (on_nodes(nodes=(FAST, FAST)), "is the tier 'dram0'"),
            (on_nodes(large + DRAM), f'size {large:#x} is more than node 1'),
            (on_nodes(mover='mmap'), 'ranges (memory-backend-devmem)')):
        said = message_of_refused(directory, args)
        check(words in said and said.count('\n') == 1, said)


def ordinary_memory_is_placed(directory: Path) -> None:
    """Switched on for the machine's own RAM, and off, as the guest runs."""
    args = ['-m', f'{MEMORY // MIB}M', '-smp', '2']
    settings = {name.replace('_', '-'): value
                for name, value in FULL_RATE.items()}
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_checker(guest)
        memdev = guest.cmd('query-memdev')[0]['id']
        for _ in range(2):
            guest.cmd('object-add', **{
                'qom-type': 'memory-placement', 'id': 'dmcon0',
                'memdev': memdev, 'nodes': [FAST, SLOW], 'budgets': [DRAM],
                **settings})
            info = wait_for_swaps(guest, SWAPS)
            check_is_by_kernel(info)
            # All of it was on one node when this began.
            check(guest.raminate()['pages-astray'] > 0, "none was astray")
            pass_again(guest)
            check_figures(guest.raminate())
            guest.cmd('object-del', id='dmcon0')
            check(guest.cmd('query-raminate') == [], "it is still there")
            pass_again(guest)
        finish_checker(guest)
        check_no_stop(guest)


def guests_migrate_and_are_saved(directory: Path) -> None:
    """Between QEMUs on the same nodes."""
    disk = directory / 'disk'
    subprocess.run([paths.QEMU.parent / 'qemu-img', 'create', '-q', '-f',
                    'qcow2', disk, '64M'], check=True)
    uri = f"unix:{directory / 'migration'}"
    args = [*on_nodes(**AT_REST), '-smp', '2', '-drive',
            f'if=none,id=d,format=qcow2,file={disk}']
    with Guest(directory, CHECKER, args, 'kvm') as source, \
            Guest(directory, CHECKER, [*args, '-incoming', 'defer'],
                  'kvm') as target:
        start_at_full_rate(source)
        wait_for_swaps(source, SWAPS)
        target.launch()
        go_to_full_rate(target)
        target.cmd('migrate-incoming', uri=uri)
        migrate(source, uri)
        target.console.wait('checker: running', PATIENCE)
        wait_for_swaps(target, SWAPS)
        pass_again(target)
        hmp(target, 'savevm one')
        wait_for_swaps(target, SWAPS)
        hmp(target, 'loadvm one')
        wait_for_swaps(target, SWAPS)
        pass_again(target)
        finish_checker(target)
        check_is_by_kernel(target.raminate())
        check_figures(target.raminate())


def migrate(source: Guest, uri: str) -> None:
    source.cmd('migrate-set-parameters',
               {'max-bandwidth': 16 << 30, 'downtime-limit': 60000})
    source.cmd('migrate', uri=uri)

    def ended() -> bool:
        status: Dict[str, Any] = source.cmd('query-migrate')
        check(status.get('status') not in ('failed', 'cancelled'), status)
        return status.get('status') == 'completed'
    wait_until(ended, "migration to be completed")


# Large pages wherever the kernel finds some
(THP / 'enabled').write_text('always\n')
run_tests(no_write_is_lost, pages_are_where_the_figures_say,
          hot_pages_move_to_the_fast_node, huge_pages_come_back,
          strays_are_brought_back,
          ordinary_memory_is_placed, costs_are_those_of_the_host,
          bad_nodes_are_refused,
          *((pages_only_read_move_to_the_fast_node,
             huge_pages_that_are_read_stay) if tells_of_accesses() else ()),
          slow=[faults_keep_to_their_budget, a_full_node_loses_nothing,
                fast_memory_follows_its_budget, memory_is_given_back,
                guests_migrate_and_are_saved])
