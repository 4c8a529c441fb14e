# Recordings put together byte by byte, also such as nobody writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import struct
from typing import List, Optional, Tuple
import zlib

MAGIC = b'RAMINREC'
SCAN, TRAFFIC, END, KINDS_SCAN = 1, 3, 4, 7
BLOCK_PAGES = 32768


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def entry(kind: int, payload: bytes) -> bytes:
    data = struct.pack('<BI', kind, len(payload)) + payload
    return data + struct.pack('<I', zlib.crc32(data))


def start(nr_pages: int, tiers: Optional[List[Tuple[int, int]]] = None,
          version: int = 1) -> bytes:
    """What comes before the entries; tiers are first frames and numbers."""
    tiers = tiers or [(0, nr_pages)]
    header = struct.pack('<IIqII', 4096, nr_pages, 0, 1000, len(tiers))
    for rank, (first, number) in enumerate(tiers):
        header += struct.pack('<IIBB', first, number, rank, 1) + b'x'
    return MAGIC + struct.pack('<I', version) + entry(0, header)


def run(first: int, number: int) -> bytes:
    """Pages that follow each other, in one block."""
    block, page = divmod(first, BLOCK_PAGES)
    last = (varint(page << 1 | 1) + varint(number - 2) if number > 1
            else varint(page << 1))
    return (varint(number) + varint(block) + b'\0' + varint(number - 1) +
            last)


def full_blocks(number: int) -> bytes:
    """All pages of the first blocks."""
    block = (varint(0) + b'\0' + varint(BLOCK_PAGES - 1) + varint(1) +
             varint(BLOCK_PAGES - 2))
    return varint(number * BLOCK_PAGES) + block * number


def scan(time_ms: int, pages: bytes) -> bytes:
    """A scan 1 s after the last one."""
    return entry(SCAN, varint(time_ms << 1) + varint(1000) + pages)


def scan_of_kinds(time_ms: int, kinds: int, *pages: bytes) -> bytes:
    """The same, with the pages of each kind."""
    return entry(KINDS_SCAN, varint(time_ms << 1) + varint(1000) +
                 bytes([kinds]) + b''.join(pages))


def traffic(time_ms: int, pages: bytes, written: List[int]) -> bytes:
    return entry(TRAFFIC, varint(time_ms << 1) + varint(1000) + pages +
                 b'\0' + b''.join(map(varint, written)))


def end() -> bytes:
    return entry(END, b'')
