# What moves a guest's pages between two nodes of a host: the kernel by itself,
# DAMON, or RAMinate.  Runs inside the host.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from functools import partial
from pathlib import Path
import re
from typing import Any, Callable, Dict, List, Sequence, Tuple

from . import BENCH  # noqa: F401  pylint: disable=unused-import
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import MIB, Guest

FAST, SLOW = 0, 1
NODES = Path('/sys/devices/system/node')
BALANCING = Path('/proc/sys/kernel/numa_balancing')
DEMOTION = Path('/sys/kernel/mm/numa/demotion_enabled')
DAMON = Path('/sys/kernel/mm/damon/admin/kdamonds')
# Has all memory watched from boot on, and leaves it to nobody else.
DAMON_STAT = Path('/sys/module/damon_stat/parameters/enabled')
CONTAINER = 'dmcon0'
# With an emulated host's speed, the bound on processor time would decide.
SETTINGS = {'max-cpu': 0}

# As in damo's script for two tiers of memory, mem_tier.sh, as far as Linux
# 6.12 has it: no goals for quotas, and no intervals that tune themselves.  But
# ten times slower, as much as a scan of RAMinate's takes: as it is, sampling
# takes more than all the time of an emulated host that executes 10^9
# instructions a second.
SAMPLE_US, AGGREGATE_US, UPDATE_US = 50_000, 1_000_000, 10_000_000
REGIONS = (10, 1000)
APPLY_US = 1_000_000
QUOTA_BYTES = 200 * MIB
QUOTA_MS = 1000
MOST_ACCESSES = AGGREGATE_US // SAMPLE_US
HOT = (MOST_ACCESSES * 5 // 100, MOST_ACCESSES)
COLD = (0, 0)
NO_LIMIT = 2 ** 32 - 1


def set_file(path: Path, value: object) -> None:
    try:
        path.write_text(f'{value}\n', encoding='ascii')
    except OSError as err:
        raise paths.SetupError(f"the host's kernel does not take {value} in "
                               f"{path}: {err.strerror}") from err


def _set_kernel(balancing: int, demotion: bool) -> None:
    set_file(BALANCING, balancing)
    set_file(DEMOTION, 'true' if demotion else 'false')


def _node_ranges(node: int) -> List[Tuple[int, int]]:
    """Physical addresses of a node's memory, of one block after another."""
    blocks = Path('/sys/devices/system/memory/block_size_bytes')
    size = int(blocks.read_text(encoding='ascii'), 16)
    numbers = sorted(int(path.name[len('memory'):])
                     for path in (NODES / f'node{node}').glob('memory[0-9]*'))
    return [(number * size, (number + 1) * size) for number in numbers]


def _set_range(directory: Path, least: int, most: int) -> None:
    set_file(directory / 'min', least)
    set_file(directory / 'max', most)


def _set_scheme(scheme: Path, action: str, target: int,
                accesses: Tuple[int, int]) -> None:
    set_file(scheme / 'action', action)
    set_file(scheme / 'target_nid', target)
    set_file(scheme / 'apply_interval_us', APPLY_US)
    pattern = scheme / 'access_pattern'
    _set_range(pattern / 'sz', 0, 2 ** 63)
    _set_range(pattern / 'nr_accesses', *accesses)
    _set_range(pattern / 'age', 0, NO_LIMIT)
    set_file(scheme / 'quotas' / 'bytes', QUOTA_BYTES)
    set_file(scheme / 'quotas' / 'reset_interval_ms', QUOTA_MS)
    # A page that was touched since is hot whatever its region is.
    set_file(scheme / 'filters' / 'nr_filters', 1)
    set_file(scheme / 'filters' / '0' / 'type', 'young')
    set_file(scheme / 'filters' / '0' / 'matching',
             'N' if action == 'migrate_hot' else 'Y')


def _start_damon(number: int, node: int, action: str,
                 accesses: Tuple[int, int]) -> None:
    """Has a thread of DAMON watch a node, and move what is so off it."""
    directory = DAMON / str(number)
    set_file(directory / 'contexts' / 'nr_contexts', 1)
    context = directory / 'contexts' / '0'
    set_file(context / 'operations', 'paddr')
    attributes = context / 'monitoring_attrs'
    for name, value in (('sample', SAMPLE_US), ('aggr', AGGREGATE_US),
                        ('update', UPDATE_US)):
        set_file(attributes / 'intervals' / f'{name}_us', value)
    _set_range(attributes / 'nr_regions', *REGIONS)
    set_file(context / 'targets' / 'nr_targets', 1)
    regions = context / 'targets' / '0' / 'regions'
    ranges = _node_ranges(node)
    set_file(regions / 'nr_regions', len(ranges))
    for at, (start, end) in enumerate(ranges):
        set_file(regions / str(at) / 'start', start)
        set_file(regions / str(at) / 'end', end)
    set_file(context / 'schemes' / 'nr_schemes', 1)
    _set_scheme(context / 'schemes' / '0', action, SLOW + FAST - node,
                accesses)
    set_file(directory / 'state', 'on')


def _none(_guests: Sequence[Guest], _budget: int) -> None:
    pass


def _balancing(_guests: Sequence[Guest], _budget: int) -> None:
    _set_kernel(2, True)


def _damon(_guests: Sequence[Guest], _budget: int) -> None:
    if DAMON_STAT.exists():
        set_file(DAMON_STAT, 'N')
    set_file(DAMON / 'nr_kdamonds', 2)
    _start_damon(0, FAST, 'migrate_cold', COLD)
    _start_damon(1, SLOW, 'migrate_hot', HOT)


def _extension(guests: Sequence[Guest], _budget: int) -> None:
    """They are on two ranges already, and nothing has moved."""
    for guest in guests:
        guest.set('policy', 'payback')


def _raminate(guests: Sequence[Guest], budget: int, **settings: object
              ) -> None:
    for guest in guests:
        guest.cmd('object-add', **{
            'qom-type': 'memory-placement', 'id': CONTAINER,
            'memdev': guest.cmd('query-memdev')[0]['id'],
            'nodes': [FAST, SLOW], 'budgets': [budget // len(guests)],
            **SETTINGS, **settings})


@dataclass(frozen=True)
class Peer:
    """Start takes guests, and how much of them may be on the fast node.

    RAMinate alone has to be told how much, and each guest gets as much.
    """
    name: str
    title: str
    start: Callable[[Sequence[Guest], int], None]


NONE = 'none'
RAMINATE = 'raminate'
EXTENSION = 'extension'
OTHERS = (
    Peer(NONE, "no moves", _none),
    Peer('balancing', "NUMA balancing", _balancing),
    Peer('damon', "DAMON", _damon),
)
PEERS = (
    *OTHERS,
    Peer(RAMINATE, "RAMinate", _raminate),
    Peer(EXTENSION, "with the KVM extension", _extension),
)
# RAMinate's, which find pages that nobody moves
SAMPLERS = tuple(
    Peer(name, f"sampler {name}",
         partial(_raminate, policy='null', sampler=name))
    for name in ('pagemap', 'dirty-log'))
ALL = (*PEERS, *SAMPLERS)
MOVERS = [NONE, 'balancing', 'damon', RAMINATE]
# Those that a newer kernel makes a difference to
NEWEST = [NONE, 'balancing', RAMINATE]
ON_NODES = [peer.name for peer in ALL if peer.name != EXTENSION]


def find(name: str) -> Peer:
    return next(peer for peer in ALL if peer.name == name)


def rest() -> None:
    """The kernel moves nothing for a peer, as far as we have told it to."""
    _set_kernel(0, False)
    for thread in DAMON.glob('[0-9]*'):
        set_file(thread / 'state', 'off')
    set_file(DAMON / 'nr_kdamonds', 0)


def _count(path: Path) -> int:
    try:
        return int(path.read_text(encoding='ascii'))
    except OSError as err:
        raise paths.SetupError(f"the host's kernel has no {path}: "
                               f"{err.strerror}") from err


def figures(guests: Sequence[Guest], name: str) -> Dict[str, Any]:
    """What the kernel has counted since it was booted, and RAMinate."""
    text = Path('/proc/vmstat').read_text(encoding='ascii')
    counts: Dict[str, Any] = {
        key: int(value) for key, value in re.findall(r'^(\S+) (\d+)$', text,
                                                     re.M)
        if key.startswith(('pgmigrate', 'numa_', 'pgdemote', 'pgpromote',
                           'thp_split', 'thp_migration'))}
    counts['pf_taken'] = _count(Path('/sys/kernel/debug/kvm/pf_taken'))
    counts['faults'] = sum(guest.faults() for guest in guests)
    if find(name) not in OTHERS:
        infos = [guest.raminate(CONTAINER) for guest in guests]
        counts.update({key: sum(info[key] for info in infos) for key in (
            'swaps', 'swaps-failed', 'scans', 'watch-faults',
            'pages-astray')})
    return counts
