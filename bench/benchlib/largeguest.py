# What a large guest costs in QEMU itself: time to start, memory, scans, and
# for how long the main loop is kept.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
import json
from pathlib import Path
import re
import socket
import struct
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import BENCH
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import Guest, two_tiers, work_directory

MIB = 1 << 20
GIB = 1 << 30
PAGE = 4096
DRAM_PERCENT = 10
# From here on the machine type pc has RAM above the hole below 4 GiB.
LOW_END = 3 * GIB
HIGH_START = 4 * GIB
# The bare guest and the firmware are below.
WRITER_END = 2 * MIB
WRITER_MARK = b'what to write:  '

WARM_UP_SCANS = 4               # until policy and bitmaps have their memory
SCANS = 20
ASKS = 3000                     # how often QEMU is asked whether it is there
QUERY_SECONDS = 10              # for so long it is asked for figures
TIMEOUT = 600
# No batches meanwhile, so that all waits are for scans
HOUR_MS = 3600 * 1000


class Writes(NamedTuple):
    """Of every STEP bytes of guest RAM, SIZE are written all the time.

    Those come OFFSET bytes behind.  Before others have their turn, they are
    written TIMES times.
    """
    step: int
    size: int
    offset: int = 0
    times: int = 1


@dataclass
class Case:
    name: str
    memory: int
    writes: Sequence[Writes] = ()

    def pages(self) -> int:
        """Pages that are written all the time."""
        return sum((self.memory - WRITER_END) // one.step * (one.size // PAGE)
                   for one in self.writes)


@dataclass
class Cost:
    """What a case has cost; times in milliseconds, memory in bytes."""
    start: float
    resident: int               # without the guest's own memory
    added: int                  # of it, what the same guest without a
                                # container does not have
    scan: float                 # mean
    scan_median: float          # to an eighth, with the first scans
    scan_max: float
    found: float                # pages a scan
    hold: Optional[float]       # longest of the main loop by scans; earlier
                                # builds don't count that
    answer: float               # longest wait for an answer of the main loop
    query: float                # the same, of query-raminate
    answer_off: float           # that of the main loop, with monitor=off


def _table(case: Case) -> bytes:
    """What the bare guest is to write, in physical addresses."""
    above = case.memory - LOW_END
    entries = []
    for one in case.writes:
        first = -(-WRITER_END // one.step) * one.step
        how = (one.step, one.size, one.times)
        entries.append((first + one.offset, min(case.memory, LOW_END), *how))
        if above > 0:
            entries.append((HIGH_START + one.offset, HIGH_START + above,
                            *how))
    return b''.join(struct.pack('<5Q', *entry) for entry in entries)


def writer(directory: Path, case: Case) -> Path:
    """The bare guest, told what to write."""
    program = paths.BUILD / 'bench' / 'writer'
    if not program.is_file():
        raise paths.SetupError(f"{program} is missing; run make first")
    data = bytearray(program.read_bytes())
    at = data.index(WRITER_MARK) + len(WRITER_MARK)
    table = _table(case)
    data[at:at + len(table)] = table
    path = directory / 'writer'
    path.write_bytes(data)
    return path


class Asker:
    """Asks over a socket of its own, without a library in between."""

    def __init__(self, path: Path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT)
        self._socket.connect(str(path))
        self._file = self._socket.makefile('rb')
        self._file.readline()
        self._ask('qmp_capabilities')

    def _ask(self, command: str) -> None:
        self._socket.sendall(json.dumps({'execute': command}).encode())
        while b'"return"' not in self._file.readline():
            pass

    def longest(self, command: str = 'query-name', asks: int = ASKS,
                seconds: float = 0) -> float:
        """Milliseconds of the longest wait of so many, and of all for so long
        at least."""
        longest = 0.0
        end = time.perf_counter() + seconds
        while asks > 0 or time.perf_counter() < end:
            start = time.perf_counter()
            self._ask(command)
            longest = max(longest, time.perf_counter() - start)
            asks -= 1
            time.sleep(0.001)
        return 1000 * longest

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Resident(NamedTuple):
    """Bytes of a process's memory."""
    own: int
    guest: int                  # in files below a directory


def _resident(pid: int, directory: Path) -> Resident:
    total = {False: 0, True: 0}
    is_guest = False
    for line in Path(f'/proc/{pid}/smaps').read_text().splitlines():
        if re.match(r'[0-9a-f]+-[0-9a-f]+ ', line):
            is_guest = f' {directory}/' in line
        elif line.startswith('Rss:'):
            total[is_guest] += int(line.split()[1]) << 10
    return Resident(total[False], total[True])


def wait_for_more(guest: Guest, figure: str, count: int) -> Dict[str, Any]:
    """The figures once one of them has grown by so many."""
    end = time.monotonic() + TIMEOUT
    wanted = guest.raminate()[figure] + count
    while True:
        info = guest.raminate()
        if info[figure] >= wanted:
            return info
        if time.monotonic() > end:
            raise paths.SetupError(
                f"{info[figure]} {figure} of {wanted} in {TIMEOUT} s")
        time.sleep(0.1)


def _scans(before: Dict[str, Any], after: Dict[str, Any]
           ) -> Tuple[float, float]:
    """Mean time of the scans between, and pages found in each."""
    scans = after['scan-time']['count'] - before['scan-time']['count']
    took = after['scan-time']['total'] - before['scan-time']['total']
    found = after['pages-written'] - before['pages-written']
    return took / scans / 1e6, found / scans


def firmware() -> List[str]:
    """Where any build of QEMU finds it."""
    return ['-L', str(paths.QEMU_SOURCE / 'pc-bios')]


def _args(directory: Path, case: Case, memory: Sequence[str], name: str
          ) -> List[str]:
    """The guest's, with the RAM that the options MEMORY make as NAME."""
    args = [*firmware(), '-nodefaults',
            '-cpu', 'max,phys-bits=46', '-m', f'{case.memory // MIB}M',
            '-machine', f'pc,memory-backend={name}', *memory]
    if case.writes:
        args += ['-kernel', str(writer(directory, case))]
    return args


def _plain(binary: str, case: Case) -> int:
    """What is resident with the guest's memory in an ordinary file."""
    with work_directory(case.pages() * PAGE * 5 // 4) as directory:
        backend = (f'memory-backend-file,id=ram,size={case.memory},share=on,'
                   f'mem-path={directory}/ram')
        with Guest(directory, None,
                   _args(directory, case, ['-object', backend], 'ram'),
                   'tcg,thread=multi', binary) as guest:
            guest.launch()
            end = time.monotonic() + TIMEOUT
            while True:
                resident = _resident(guest.get_pid(), directory)
                if resident.guest >= case.pages() * PAGE:
                    return resident.own
                if time.monotonic() > end:
                    raise paths.SetupError(
                        f"the guest has written {resident.guest} bytes in "
                        f"{TIMEOUT} s")
                time.sleep(0.5)


def measure(binary: str, case: Case) -> Cost:
    """Runs the case with one build of QEMU."""
    plain = _plain(binary, case)
    # What the guest writes, and the tables that map it.
    needed = case.pages() * PAGE * 5 // 4
    with work_directory(needed) as directory:
        container = two_tiers(directory, case.memory,
                              case.memory // 100 * DRAM_PERCENT
                              // (2 * MIB) * 2 * MIB, swap_period=HOUR_MS)
        args = _args(directory, case, container.args(), container.name)
        args += ['-qmp', f'unix:{directory}/ask,server=on,wait=off']
        with Guest(directory, None, args, 'tcg,thread=multi',
                   binary) as guest:
            start = time.perf_counter()
            guest.launch()
            guest.cmd('query-status')
            started = time.perf_counter() - start
            before = wait_for_more(guest, 'scans', WARM_UP_SCANS)
            asker = Asker(directory / 'ask')
            answer = asker.longest()
            query = asker.longest('query-raminate', 0, QUERY_SECONDS)
            after = wait_for_more(guest, 'scans', SCANS)
            resident = _resident(guest.get_pid(), directory).own
            guest.set('monitor', False)
            answer_off = asker.longest()
            asker.close()
    scan, found = _scans(before, after)
    times = after['scan-time']
    holds = after.get('main-loop-time')
    return Cost(1000 * started, resident, resident - plain, scan,
                times['p50'] / 1e6, times['max'] / 1e6, found,
                holds['max'] / 1e6 if holds else None, answer, query,
                answer_off)
