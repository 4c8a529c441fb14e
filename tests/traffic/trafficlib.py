# What the tests of the traffic plugin share: its options, and what it writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import csv
from pathlib import Path
import sys
from typing import Dict, Iterator, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position,unused-import
from guestlib import (  # noqa: E402,F401
    MIB, Boot, Guest, check, hybrid, run_tests)
from raminate import paths  # noqa: E402

LINE = 64
PAGE_SIZE = 4096
PREFIX = 12             # of a recording: magic and version
TRAFFIC = 3             # type of an entry

Row = Dict[str, int]


def built(*parts: str) -> str:
    path = paths.BUILD.joinpath(*parts)
    check(path.is_file(), f"{path} is missing; run make first")
    return str(path)


def plugin_args(**options: object) -> List[str]:
    values = [f'{name}={value}' for name, value in options.items()]
    return ['-plugin', ','.join([
        built('tools', 'traffic', 'libraminate-traffic.so'), *values])]


def rows(path: Path) -> List[Row]:
    """The plugin's table."""
    with path.open() as file:
        return [{name: int(value) for name, value in row.items()}
                for row in csv.DictReader(file)]


def total(table: List[Row], column: str) -> int:
    return sum(row[column] for row in table)


class Bytes:
    """Takes numbers from an entry, as docs/recording-format.md has them."""

    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bits(self, size: int) -> List[int]:
        data = self._data[self._at:self._at + size]
        self._at += size
        return [number for number in range(8 * size)
                if data[number // 8] >> number % 8 & 1]

    def runs(self) -> List[int]:
        found: List[int] = []
        left = self.number() + 1
        at = 0
        while left:
            gap = self.number()
            size = self.number() + 2 if gap & 1 else 1
            at += gap >> 1
            found += range(at, at + size)
            at += size
            left -= size
        return found

    def pages(self, nr_pages: int) -> List[int]:
        found: List[int] = []
        wanted = self.number()
        block = 0
        while len(found) < wanted:
            block += self.number()
            first = block * 32768
            if self.byte():
                size = (min(nr_pages - first, 32768) + 7) // 8
                found += [first + bit for bit in self.bits(size)]
            else:
                found += [first + page for page in self.runs()]
            block += 1
        return found


def _entries(data: bytes) -> Iterator[Tuple[int, bytes]]:
    at = PREFIX
    while at < len(data):
        size = int.from_bytes(data[at + 1:at + 5], 'little')
        yield data[at], data[at + 5:at + 5 + size]
        at += 9 + size


def page_counts(path: Path, last: int = 0
                ) -> Tuple[Dict[int, int], Dict[int, int]]:
    """Lines written to each page in a recording, and read from it.

    In all of it, or in the last entries.
    """
    written: Dict[int, int] = {}
    read: Dict[int, int] = {}
    entries = list(_entries(path.read_bytes()))
    nr_pages = int.from_bytes(entries[0][1][4:8], 'little')
    traffic = [payload for kind, payload in entries if kind == TRAFFIC]
    for payload in traffic[-last:]:
        entry = Bytes(payload)
        entry.number()      # time
        entry.number()      # window
        pages = entry.pages(nr_pages)
        check(entry.byte() == 1 or not pages, "lines read are not told")
        for counts in (written, read):
            for page in pages:
                counts[page] = counts.get(page, 0) + entry.number()
    return written, read
