#!/usr/bin/env python3
# The checker notices pages that are in each other's place.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import struct
from typing import Iterator

from guestlib import (CHECKER, PATIENCE, Guest, check, hybrid,
                      run_tests, start_checker)
from raminate.console import GuestTrouble

PAGE_SIZE = 4096
WORD = 8


def stamped_pages(data: bytes) -> Iterator[int]:
    """Offsets of pages in which thread 0 has stamped all of its words."""
    for offset in range(0, len(data), PAGE_SIZE):
        words = struct.unpack_from('<512Q', data, offset)
        first = words[0]
        if first and first % PAGE_SIZE == 0 and all(
                word == first + index * WORD
                for index, word in enumerate(words)):
            yield offset


def exchange_behind_the_guest(path: Path) -> None:
    """Exchanges two stamped pages of memory without telling anyone."""
    data = path.read_bytes()
    pages = stamped_pages(data)
    one, other = next(pages), next(pages)
    with path.open('r+b') as file:
        for source, target in ((one, other), (other, one)):
            file.seek(target)
            file.write(data[source:source + PAGE_SIZE])


def exchanged_pages_are_reported(directory: Path) -> None:
    args = hybrid(directory, monitor='off')
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        guest.cmd('stop')
        exchange_behind_the_guest(directory / 'mram0')
        guest.cmd('cont')
        try:
            guest.console.wait('checker: PASS', PATIENCE)
        except GuestTrouble as trouble:
            check('checker: ERROR in memory' in str(trouble), str(trouble))
        else:
            check(False, "the checker noticed nothing")


run_tests(exchanged_pages_are_reported)
