# NUMA nodes as the kernel sees them: which pages of a guest are on which, pages
# moved by others than QEMU, and nodes that are full.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import ctypes
import errno
import mmap
import os
from pathlib import Path
import re
import sys
from typing import Dict, Iterator, List, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import MIB, Guest, check  # noqa: E402
from raminate.guest import PAGE_SIZE  # noqa: E402

# Numbers of system calls on x86-64
MBIND, MIGRATE_PAGES, MOVE_PAGES = 237, 256, 279
MPOL_PREFERRED = 1
MPOL_MF_MOVE_ALL = 4
MADV_POPULATE_WRITE = 23
# As large as a huge page
CHUNK = 2 * MIB
MAX_NODE = 64
THP = Path('/sys/kernel/mm/transparent_hugepage')
NEVER = 3600 * 1000

LIBC = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *args: object) -> int:
    """A system call's result, or -errno."""
    result: int = LIBC.syscall(
        number, *(ctypes.c_long(arg) if isinstance(arg, int) else arg
                  for arg in args))
    return -ctypes.get_errno() if result < 0 else result


def _move_pages(pid: int, start: int, pages: int, node: Optional[int] = None
                ) -> Tuple[int, List[int]]:
    """The call's result, and each page's node or -errno.

    Without a node none is moved.
    """
    addresses = (ctypes.c_ulong * pages)(
        *range(start, start + pages * PAGE_SIZE, PAGE_SIZE))
    nodes = None if node is None else (ctypes.c_int * pages)(*[node] * pages)
    status = (ctypes.c_int * pages)()
    result = _call(MOVE_PAGES, pid, pages, addresses, nodes, status,
                   MPOL_MF_MOVE_ALL if nodes else 0)
    return result, list(status)


class Pages:
    """A guest's pages, of which QEMU is not asked.

    Without a size in bytes, the container is all of the guest's memory.
    """

    def __init__(self, guest: Guest, size: Optional[int] = None):
        pid = guest.get_pid()
        assert pid is not None
        self.pid = pid
        self.number = (size or guest.raminate()['size']) // PAGE_SIZE
        answer = guest.cmd('human-monitor-command',
                           **{'command-line': 'gpa2hva 0'})
        match = re.search(r' is (0x[0-9a-f]+)', answer)
        check(match, answer)
        self.start = int(match.group(1), 0) if match else 0

    def nodes(self) -> List[int]:
        """The node that each page is on; below 0 if it has no memory."""
        result, status = _move_pages(self.pid, self.start, self.number)
        check(result == 0, f"move_pages: {os.strerror(-result)}")
        return status

    def counts(self) -> Dict[int, int]:
        """How many pages are on which node."""
        nodes = self.nodes()
        return {node: nodes.count(node) for node in set(nodes) if node >= 0}

    def move(self, first: int, number: int, node: int) -> None:
        """Moves some, as any process may that has the right to."""
        result, _ = _move_pages(self.pid, self.start + first * PAGE_SIZE,
                                number, node)
        check(result >= 0, f"move_pages: {os.strerror(-result)}")

    def huge_bytes(self) -> int:
        """How much of the guest's memory is mapped by huge pages."""
        found = 0
        inside = False
        for line in Path(f'/proc/{self.pid}/smaps').read_text().splitlines():
            match = re.match(r'([0-9a-f]+)-[0-9a-f]+ ', line)
            if match:
                at = int(match.group(1), 16) - self.start
                inside = 0 <= at < self.number * PAGE_SIZE
            elif inside and line.startswith('AnonHugePages:'):
                found += int(line.split()[1]) * 1024
        return found


def move_all(source: int, target: int) -> None:
    """Moves what processes have on a node; root's, and what they share."""
    masks = [ctypes.byref(ctypes.c_ulong(1 << node))
             for node in (source, target)]
    for process in Path('/proc').glob('[0-9]*'):
        result = _call(MIGRATE_PAGES, int(process.name), MAX_NODE, *masks)
        # Threads of the kernel have no memory, and others may have ended.
        check(result >= 0 or result in (-errno.EINVAL, -errno.ESRCH),
              f"migrate_pages: {os.strerror(-result)}")


def free_on(node: int) -> int:
    text = Path(f'/sys/devices/system/node/node{node}/meminfo').read_text()
    match = re.search(r'MemFree: *(\d+) kB', text)
    return int(match.group(1)) * 1024 if match else 0


class _Filler:
    """Memory of this process that leaves none free on a node."""

    def __init__(self, node: int):
        self._node = node
        self._size = free_on(node) + 16 * MIB
        self._map = mmap.mmap(-1, self._size,
                              mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._view = ctypes.c_char.from_buffer(self._map)
        self._start = ctypes.addressof(self._view)
        result = _call(MBIND, self._start, self._size, MPOL_PREFERRED,
                       ctypes.byref(ctypes.c_ulong(1 << node)), MAX_NODE, 0)
        check(result == 0, f"mbind: {os.strerror(-result)}")
        self._fill()

    def _fill(self) -> None:
        """Takes memory until some of it is on another node."""
        for at in range(0, self._size - CHUNK, CHUNK):
            self._map.madvise(MADV_POPULATE_WRITE, at, CHUNK)
            status = _move_pages(0, self._start + at, CHUNK // PAGE_SIZE)[1]
            if set(status) != {self._node}:
                return
        raise AssertionError(f"node {self._node} does not become full")

    def close(self) -> None:
        del self._view
        self._map.close()


@contextlib.contextmanager
def filled(node: int) -> Iterator[None]:
    """Meanwhile nothing is free on a node but what the kernel reserves."""
    filler = _Filler(node)
    try:
        yield
    finally:
        filler.close()


@contextlib.contextmanager
def occupied(node: int, left: int) -> Iterator[None]:
    """Meanwhile some bytes are free on a node, and the rest stays there.

    It is in pages of hugetlbfs that nobody uses: nothing moves them.
    """
    pool = Path(f'/sys/devices/system/node/node{node}/hugepages'
                f'/hugepages-{CHUNK // 1024}kB/nr_hugepages')
    free = free_on(node)
    wanted = (free - left) // CHUNK
    check(wanted > 0, f"only {free} bytes are free on node {node}, and "
          f"{left} are to be left")
    try:
        pool.write_text(f'{wanted}\n')
        got = int(pool.read_text())
        check(got >= wanted * 0.98, f"node {node} has only {got} large pages "
              f"to give, not {wanted}")
        yield
    finally:
        pool.write_text('0\n')


def rest_bytes(node: int) -> int:
    """What the kernel wants to keep free on a node, at the most.

    In the mode of NUMA balancing for tiers it is more than else.
    """
    pages = 0
    for zone in re.split(r'^(?=Node )', Path('/proc/zoneinfo').read_text(),
                         flags=re.M):
        low, high, promo = (re.search(rf'^ +{name} +(\d+)$', zone, re.M)
                            for name in ('low', 'high', 'promo'))
        if not zone.startswith(f'Node {node}, ') or not low or not high:
            continue
        # Older kernels do not show it.
        pages += (int(promo.group(1)) if promo
                  else 2 * int(high.group(1)) - int(low.group(1)))
    return pages * PAGE_SIZE


@contextlib.contextmanager
def khugepaged_rests() -> Iterator[None]:
    """It makes huge pages again of what was taken out of one."""
    period = THP / 'khugepaged' / 'scan_sleep_millisecs'
    before = period.read_text()
    period.write_text(f'{NEVER}\n')
    try:
        yield
    finally:
        period.write_text(before)


@contextlib.contextmanager
def small_pages() -> Iterator[None]:
    """What gets memory meanwhile gets it in pages of 4 KiB."""
    (THP / 'enabled').write_text('never\n')
    try:
        yield
    finally:
        (THP / 'enabled').write_text('always\n')


def tells_of_accesses() -> bool:
    numbers = re.match(r'(\d+)\.(\d+)', os.uname().release)
    return bool(numbers) and tuple(map(int, numbers.groups())) >= (7, 3)
