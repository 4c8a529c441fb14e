# Counting instructions in the machine: QEMU's clock advances by 1 ns with each
# instruction that the machine's CPUs execute, and so does their time stamp
# counter.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Dict, List, Optional, Tuple

from machine import MIB, POOL_SIZE
from nestedlib import PROGRAMS, machine, paths

# String instructions count once for each element that they move.  Without ERMS
# the kernel uses none that move by bytes.
CPU = 'max,+svm,+npt,-erms,-fsrm'
COUNTING = ('-icount', 'shift=0,sleep=off', '-rtc', 'clock=vm')

# Where the machine has memory for large guests: QEMU leaves 3 GiB below 4 GiB.
HIGH_POOL = 0x100000000
LOW_MEMORY = 3072 * MIB

Record = Dict[str, str]


@dataclass
class Scan:
    """Instructions a mapped page, for one size of RAM and share of writes."""
    mib: int
    share: float
    scan: float
    scan_no_flush: float
    scan_guest: float
    log: float
    log_guest: float

    @property
    def log_total(self) -> float:
        return self.log + self.log_guest


@dataclass
class Find:
    """Instructions a page for one size of RAM and what the guest has used."""
    mib: int
    kinds: int                  # 0: by the scan of version 1
    used: str                   # a case of cost_find.c
    call: float
    after: float                # the next call, nothing being used meanwhile


@dataclass
class Swap:
    """Instructions a pair, for one size of a batch."""
    batch: int
    swap: float
    unmapped: float
    faults: float

    @property
    def together(self) -> float:
        return self.swap + self.faults


@dataclass
class Gaps:
    """What a guest saw from one write to the next, in instructions."""
    mode: str
    instructions: int
    writes: int
    swapped: int
    batches: int
    longest: int
    histogram: List[int]        # by the number of the highest bit


def _records(measure: str, mib: int, cpus: int = 1,
             build: Optional[Path] = None) -> List[Record]:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        host = machine(Path(directory))
        if build:
            host.kvm_build = build
        host.files['bin/cost'] = PROGRAMS / 'cost'
        host.cpus = cpus
        host.accel = 'tcg,thread=single'
        host.cpu = CPU
        host.args = COUNTING
        if mib * MIB > POOL_SIZE:
            host.pool = (HIGH_POOL, mib * MIB)
            host.memory = LOW_MEMORY + mib * MIB
        result = host.run('/bin/cost', f'{host.pool[0]:#x}', measure, str(mib),
                          timeout=7200)
    if result.status != 0 or result.trouble:
        raise paths.SetupError('\n'.join([
            f'counting {measure} failed:', *result.output.splitlines()[-3:],
            *result.trouble[:3]]))
    return [dict(word.split('=', 1) for word in line.split()[1:])
            for line in result.output.splitlines()
            if line.startswith(f'{measure} ')]


def _scan(record: Record) -> Scan:
    number = {key: int(value) for key, value in record.items()}
    pages = number['pages']
    plain = number['plain_guest']
    return Scan(number['mib'], number['written'] / pages,
                number['scan'] / pages, number['scan_no_flush'] / pages,
                (number['scan_guest'] - plain) / pages,
                (number['log_get'] + number['log_clear']) / pages,
                (number['log_guest'] - plain) / pages)


def _swap(record: Record) -> Swap:
    number = {key: int(value) for key, value in record.items()}
    pairs = number['pairs']
    return Swap(number['batch'], number['swap'] / pairs,
                number['swap_unmapped'] / pairs, number['faults'] / pairs)


def scans(mib: int) -> List[Scan]:
    return [_scan(record) for record in _records('scan', mib)]


def finds(mib: int, build: Optional[Path] = None) -> List[Find]:
    """By the modules in a directory, or by those of this source."""
    return [Find(int(record['mib']), int(record['kinds']), record['used'],
                 *(int(record[key]) / int(record['pages'])
                   for key in ('call', 'after')))
            for record in _records('find', mib, build=build)]


def swaps(mib: int, build: Optional[Path] = None) -> List[Swap]:
    """By the modules in a directory, or by those of this source."""
    return [_swap(record) for record in _records('swap', mib, build=build)]


def gaps(mib: int) -> Dict[str, Gaps]:
    return {record['mode']: Gaps(
                record['mode'],
                *(int(record[key]) for key in ('instructions', 'writes',
                                               'swapped', 'batches',
                                               'longest')),
                [int(n) for n in record['histogram'].split(',')])
            for record in _records('gaps', mib, cpus=2)}


def interrupts(mib: int) -> Tuple[int, int]:
    """How many a guest was to take, and how many it has taken."""
    record, = _records('interrupts', mib, cpus=2)
    return int(record['injected']), int(record['taken'])
