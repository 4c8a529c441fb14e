# A deliberate loss, which a checker must find.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import struct
from typing import Iterator

PAGE_SIZE = 4096
WORD = 8


def _stamped_pages(data: bytes) -> Iterator[int]:
    """Offsets of pages in which thread 0 has stamped all of its words."""
    for offset in range(0, len(data), PAGE_SIZE):
        words = struct.unpack_from('<512Q', data, offset)
        first = words[0]
        if first and first % PAGE_SIZE == 0 and all(
                word == first + index * WORD
                for index, word in enumerate(words)):
            yield offset


def exchange_behind_the_guest(path: Path) -> None:
    """Exchanges two stamped pages of memory without telling anyone.

    The guest has one vCPU, and must be stopped.
    """
    data = path.read_bytes()
    pages = _stamped_pages(data)
    one, other = next(pages), next(pages)
    with path.open('r+b') as file:
        for source, target in ((one, other), (other, one)):
            file.seek(target)
            file.write(data[source:source + PAGE_SIZE])
