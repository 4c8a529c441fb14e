# What the tests of the traffic plugin share: its options, and what it writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import csv
from pathlib import Path
import sys
from typing import Dict, List, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position,unused-import
from guestlib import (  # noqa: E402,F401
    MIB, Boot, Guest, check, hybrid, run_tests)
from raminate import paths  # noqa: E402
from raminate.recording import TRAFFIC, Recording  # noqa: E402

LINE = 64
PAGE_SIZE = 4096

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


def page_counts(path: Path, last: int = 0
                ) -> Tuple[Dict[int, int], Dict[int, int]]:
    """Lines written to each page in a recording, and read from it.

    In all of it, or in the last entries.
    """
    written: Dict[int, int] = {}
    read: Dict[int, int] = {}
    traffic = [entry for entry in Recording(path) if entry.kind == TRAFFIC]
    for entry in traffic[-last:]:
        check(entry.read is not None or not entry.pages,
              "lines read are not told")
        for counts, lines in ((written, entry.written),
                              (read, entry.read or [])):
            for page, number in zip(entry.pages, lines):
                counts[page] = counts.get(page, 0) + number
    return written, read
