# Reads recordings; docs/recording-format.md describes them.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass, field
from pathlib import Path
import struct
from typing import Iterator, List, Optional, Tuple
import zlib

MAGIC = b'RAMINREC'
VERSIONS = 1, 2
HEADER, SCAN, LOOK, TRAFFIC, END, GAUGE, BATCH = range(7)
# As they are in the file where the entry says what was looked for
WITH_KINDS = {7: SCAN, 8: LOOK}
WRITTEN, READ = 1, 2
HAS_READS = 1
BLOCK_PAGES = 32768
BITMAP = 1


class RecordingError(Exception):
    """The file is no recording, or damaged."""


@dataclass
class Entry:
    """Pages, and for TRAFFIC and GAUGE the lines of each; or moves.

    Pages of SCAN and LOOK are those that were written.
    """
    kind: int
    time_ms: int
    window_ms: int
    pages: List[int]
    written: List[int] = field(default_factory=list)
    read: Optional[List[int]] = None        # None if not known
    moves: List[Tuple[int, int, int]] = field(default_factory=list)
    looked_for: int = WRITTEN               # of SCAN and LOOK: WRITTEN | READ
    read_pages: List[int] = field(default_factory=list)


class _Payload:
    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        value = self.varint()
        return ~(value >> 1) if value & 1 else value >> 1

    def counts(self, number: int) -> List[int]:
        return [self.varint() for _ in range(number)]

    def pages(self, nr_pages: int) -> List[int]:
        number = self.varint()
        found: List[int] = []
        block = 0
        while len(found) < number:
            block += self.varint()
            kind = self.byte()
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
        bits = self._data[self._at:self._at + size]
        self._at += size
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


class Recording:
    """A recording, which may end early; iterates over what it holds."""

    def __init__(self, path: Path):
        self._path = path
        self._known = {SCAN, LOOK, TRAFFIC, GAUGE, BATCH}
        self._data = path.read_bytes()
        starts = [MAGIC + struct.pack('<I', version) for version in VERSIONS]
        if not self._data.startswith(tuple(starts)):
            raise RecordingError(
                f"{path} is no recording of version "
                f"{' or '.join(map(str, VERSIONS))}")
        if not self._data.startswith(starts[0]):
            self._known.update(WITH_KINDS)
        self._first = len(starts[0])
        kind, header = next(self._raw_entries(), (END, b''))
        if kind != HEADER:
            raise RecordingError(f"{path} has no header")
        self.nr_pages: int = struct.unpack_from('<I', header, 4)[0]

    def _raw_entries(self) -> Iterator[Tuple[int, bytes]]:
        data = self._data
        at = self._first
        while at + 9 <= len(data):
            kind, size = struct.unpack_from('<BI', data, at)
            end = at + 5 + size
            if end + 4 > len(data):
                return
            [crc] = struct.unpack_from('<I', data, end)
            if crc != zlib.crc32(data[at:end]):
                raise RecordingError(f"{self._path} is damaged at {at}")
            yield kind, data[at + 5:end]
            at = end + 4

    def __iter__(self) -> Iterator[Entry]:
        for kind, data in self._raw_entries():
            if kind == END:
                return
            if kind == HEADER:
                continue
            if kind not in self._known:
                raise RecordingError(f"{self._path} has an entry of type "
                                     f"{kind}, which is not known")
            yield self._decode(kind, _Payload(data))

    def _decode(self, kind: int, payload: _Payload) -> Entry:
        entry = Entry(WITH_KINDS.get(kind, kind), payload.signed(),
                      payload.varint(), [])
        if kind == BATCH:
            payload.varint()
            payload.byte()
            entry.moves = [(payload.varint(), payload.varint(),
                            payload.byte()) for _ in range(payload.varint())]
            return entry
        if kind in WITH_KINDS:
            entry.looked_for = payload.byte()
        if entry.looked_for & WRITTEN:
            entry.pages = payload.pages(self.nr_pages)
        if entry.looked_for & READ:
            entry.read_pages = payload.pages(self.nr_pages)
        if kind in (TRAFFIC, GAUGE):
            flags = payload.byte()
            entry.written = payload.counts(len(entry.pages))
            if flags & HAS_READS:
                entry.read = payload.counts(len(entry.pages))
        return entry
