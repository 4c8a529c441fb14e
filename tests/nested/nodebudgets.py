# Budgets of guests whose tiers are NUMA nodes: of faults, and of fast memory.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
import time
from typing import Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    CHECKER, DRAM, check, check_figures, check_never_stopped, finish_checker,
    start_checker, wait_for_swaps, wait_until)
from nodeguests import (  # noqa: E402
    AT_REST, FAST, FAST_PAGES, on_nodes, pass_again, start_at_full_rate)
from nodelib import Pages  # noqa: E402
from rounds import SWAPS  # noqa: E402
from raminate.guest import PAGE_SIZE, Guest  # noqa: E402


def faults_keep_to_their_budget(directory: Path) -> None:
    """And are many more without one; the kernel counts them as well."""
    args = on_nodes(**AT_REST, fault_budget=0, max_cpu=0)
    with Guest(directory, CHECKER, args, 'kvm') as guest:
        start_checker(guest)
        guest.set('scan-period', 200)
        pass_again(guest)
        free, free_by_kernel = fault_rates(guest)
        budget = int(free / 20)
        check(budget > 10, f"only {free} faults a second without a budget")
        guest.set('fault-budget', budget)
        wait_until(lambda: fault_rates(guest)[0] < 2 * budget,
                   f"less than {2 * budget} faults a second", guest)
        kept, kept_by_kernel = fault_rates(guest, 50)
        print(f"# faults a second: {free:.0f}, and {kept:.0f} with a budget "
              f"of {budget}; by the kernel {free_by_kernel:.0f} and "
              f"{kept_by_kernel:.0f}")
        check(kept < 2 * budget, f"{kept} faults a second, not {budget}")
        check(kept > 0, "nothing is watched")
        check(kept_by_kernel < free_by_kernel / 4,
              f"the kernel counts {free_by_kernel} and {kept_by_kernel}")
        finish_checker(guest)


def fault_rates(guest: Guest, scans: int = 20) -> Tuple[float, float]:
    """In a second during so many scans, by QEMU and by the kernel."""
    begin, first, first_fault = (time.monotonic(), guest.raminate(),
                                 guest.faults())
    wait_until(lambda: guest.raminate()['scans'] >= first['scans'] + scans,
               f"{scans} scans", guest)
    took = time.monotonic() - begin
    return ((guest.raminate()['watch-faults'] - first['watch-faults']) / took,
            (guest.faults() - first_fault) / took)


def fast_memory_follows_its_budget(directory: Path) -> None:
    """Less of it, then more, and as much as at first; the kernel agrees."""
    with Guest(directory, CHECKER, on_nodes(**AT_REST), 'kvm') as guest:
        start_at_full_rate(guest)
        pages = Pages(guest)
        for size in (DRAM // 2, 2 * DRAM, DRAM):
            before = guest.raminate()
            guest.set('fast-budget', size)
            wait_until(lambda: guest.raminate()['pages-to-resize'] == 0,
                       "pages to go to another tier", guest)
            info = guest.raminate()
            fast = size // PAGE_SIZE
            check(info['tiers'][FAST]['pages'] == fast, info['tiers'])
            check(info['pages-resized'] > before['pages-resized'], info)
            wait_until(lambda at_most=fast: on_fast(pages) <= at_most,
                       f"{fast} pages at most on the fast node", guest)
            wait_for_swaps(guest, SWAPS)
        check(on_fast(pages) > FAST_PAGES // 2, f"only {on_fast(pages)}")
        pass_again(guest)
        finish_checker(guest)
        check_figures(guest.raminate())
        check_never_stopped(guest)


def on_fast(pages: Pages) -> int:
    return sum(node == FAST for node in pages.nodes())
