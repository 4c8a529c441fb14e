# Guests whose tiers are NUMA nodes, for those who test them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
from typing import Any, Dict, List, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import (  # noqa: E402
    DRAM, FULL_RATE, MEMORY, MIB, NODE, Info, check, check_parts,
    start_checker, wait_for_passes, wait_until)
from nodelib import NEVER, tells_of_accesses  # noqa: E402
from raminate.guest import (  # noqa: E402
    PAGE_SIZE, Guest, two_node_tiers)

FAST, SLOW = 0, 1
FAST_PAGES = DRAM // PAGE_SIZE
PAGES = MEMORY // PAGE_SIZE
# The sampler that tells of reads, too.
ACCESSES = 'pagemap-rwp'
AT_REST: Dict[str, Any] = {'policy': 'null', 'scan_period': NEVER,
                           'swap_period': NEVER}


def on_nodes(memory: int = MEMORY, dram: int = DRAM,
             nodes: Sequence[int] = (FAST, SLOW), **options: Any
             ) -> List[str]:
    container = two_node_tiers(memory, dram, nodes, **options)
    return ['-m', f'{memory // MIB}M', *container.args(), *NODE]


def start_at_full_rate(guest: Guest) -> None:
    """Pages move from when the guest has booted, which is slow enough."""
    start_checker(guest)
    go_to_full_rate(guest)


def go_to_full_rate(guest: Guest) -> None:
    for name, value in FULL_RATE.items():
        guest.set(name.replace('_', '-'), value)


def pass_again(guest: Guest) -> None:
    """The checker walks all of its memory from now on."""
    guest.console.skip()
    wait_for_passes(guest)


def check_is_by_kernel(info: Info) -> None:
    """With the best that this kernel has."""
    if tells_of_accesses():
        check_parts(info, ACCESSES, 'migrate')
        return
    reason = info.pop('sampler-reason', 'none')
    check('since 7.3' in reason, f"why it isn't {ACCESSES}: {reason}")
    check_parts(info, 'pagemap', 'migrate')


def wait_for_scans(guest: Guest, scans: int) -> None:
    goal = guest.raminate()['scans'] + scans
    wait_until(lambda: guest.raminate()['scans'] >= goal, f"{scans} scans",
               guest)
