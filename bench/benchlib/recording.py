# Reads recordings; docs/recording-format.md describes them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
import struct
from typing import Iterator, List, Tuple
import zlib

MAGIC = b'RAMINREC'
VERSION = 1
HEADER, SCAN, TRAFFIC = 0, 1, 3
BLOCK_PAGES = 32768
BITMAP = 1


class RecordingError(Exception):
    """The file is no recording, or damaged."""


@dataclass
class Summary:
    """What the scans of a recording found."""
    nr_pages: int = 0
    windows_ms: 'List[int]' = field(default_factory=list)   # before each scan
    scans: 'List[int]' = field(default_factory=list)    # pages of each
    found: 'Counter[int]' = field(default_factory=Counter)
    lines: int = 0
    has_traffic: bool = False

    @property
    def distinct(self) -> int:
        """Pages found written at least once."""
        return len(self.found)

    def pages_for(self, share: float) -> int:
        """Fewest pages that were found in that share of all findings."""
        rest = share * sum(self.scans)
        for number, (_, times) in enumerate(self.found.most_common()):
            if rest <= 0:
                return number
            rest -= times
        return self.distinct


class _Payload:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def pages(self, nr_pages: int) -> List[int]:
        left = self.varint()
        found: List[int] = []
        block = 0
        while len(found) < left:
            block += self.varint()
            kind = self.data[self.at]
            self.at += 1
            start = block * BLOCK_PAGES
            if kind == BITMAP:
                found += self._bitmap(start, min(BLOCK_PAGES,
                                                 nr_pages - start))
            else:
                found += self._runs(start)
            block += 1
        return found

    def _bitmap(self, start: int, pages: int) -> List[int]:
        size = (pages + 7) // 8
        bits = self.data[self.at:self.at + size]
        self.at += size
        return [start + 8 * i + bit for i, byte in enumerate(bits) if byte
                for bit in range(8) if byte >> bit & 1]

    def _runs(self, page: int) -> List[int]:
        found: List[int] = []
        left = self.varint() + 1
        while left > 0:
            gap = self.varint()
            length = self.varint() + 2 if gap & 1 else 1
            page += gap >> 1
            found += range(page, page + length)
            page += length
            left -= length
        return found


def _entries(data: bytes, path: Path) -> Iterator[Tuple[int, bytes]]:
    if data[:8] != MAGIC or data[8:12] != struct.pack('<I', VERSION):
        raise RecordingError(f"{path} is no recording of version {VERSION}")
    at = 12
    while at + 9 <= len(data):
        kind, size = struct.unpack_from('<BI', data, at)
        end = at + 5 + size
        if end + 4 > len(data):
            return
        if struct.unpack_from('<I', data, end)[0] != zlib.crc32(data[at:end]):
            raise RecordingError(f"{path} is damaged at {at}")
        yield kind, data[at + 5:end]
        at = end + 4


def summarize(path: Path) -> Summary:
    """Reads a recording, which may end early."""
    summary = Summary()
    for kind, data in _entries(path.read_bytes(), path):
        payload = _Payload(data)
        if kind == HEADER:
            summary.nr_pages = struct.unpack_from('<I', data, 4)[0]
        elif kind == SCAN:
            payload.varint()
            summary.windows_ms.append(payload.varint())
            pages = payload.pages(summary.nr_pages)
            summary.scans.append(len(pages))
            summary.found.update(pages)
        elif kind == TRAFFIC:
            summary.has_traffic = True
            payload.varint()
            payload.varint()
            number = len(payload.pages(summary.nr_pages))
            payload.at += 1
            summary.lines += sum(payload.varint() for _ in range(number))
    return summary
