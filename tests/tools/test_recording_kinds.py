#!/usr/bin/env python3
# Recordings that tell what was read are read by all, or refused in a sentence.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
from typing import Callable, List

from crafted import (KINDS_SCAN, SCAN, END, end, entry, run as pages, scan,
                     scan_of_kinds, start, varint)
from toolslib import check, check_in, paths, run, run_tests

# pylint: disable=wrong-import-order
from raminate.recording import (  # isort:skip
    READ, WRITTEN, Recording, RecordingError)

NR_PAGES = 1000
SIM, MAP = 'raminate-sim', 'raminate-map'


def make(directory: Path, *parts: bytes, version: int = 2) -> Path:
    path = directory / 'recording'
    path.write_bytes(b''.join([start(NR_PAGES, version=version), *parts,
                               end()]))
    return path


def make_kinds(directory: Path) -> Path:
    return make(directory,
                scan_of_kinds(1000, WRITTEN | READ, pages(3, 4), pages(5, 9)),
                scan(2000, pages(7, 2)),
                scan_of_kinds(3000, READ, pages(40, 1)))


def python_reads_kinds(directory: Path) -> None:
    entries = list(Recording(make_kinds(directory)))
    check([entry.kind for entry in entries] == [SCAN] * 3, f"{entries}")
    for found, looked_for, written, read in zip(
            entries, [WRITTEN | READ, WRITTEN, READ],
            [range(3, 7), range(7, 9), range(0)],
            [range(5, 14), range(0), range(40, 41)]):
        check(found.looked_for == looked_for, f"{found}")
        check(found.pages == list(written), f"{found}")
        check(found.read_pages == list(read), f"{found}")


def tools_read_kinds(directory: Path) -> None:
    path = make_kinds(directory)
    result = run(SIM, '--json', path)
    check(result.returncode == 0, result.stderr)
    rows = json.loads(result.stdout)[0]['results']
    check(rows and all(row['written_pages'] == 6 for row in rows),
          result.stdout)
    picture = directory / 'map.png'
    result = run(MAP, '-r', path, '-o', picture)
    check(result.returncode == 0 and picture.exists(), result.stderr)


def what_is_not_known_is_refused_in_a_sentence(directory: Path) -> None:
    for version, part, complaint in [
            (2, entry(END + 100, b''), "type 104"),
            # Of a version that has none
            (1, entry(KINDS_SCAN, varint(0) * 3), f"type {KINDS_SCAN}"),
            (3, b'', "version 3")]:
        path = make(directory, scan(1000, pages(7, 2)), part, version=version)
        for name, *args in [[SIM, path],
                            [MAP, '-r', path, '-o', directory / 'map.png']]:
            result = run(name, *args)
            check(result.returncode == 1, f"{result}")
            check(result.stderr.count('\n') == 1, result.stderr)
            check_in(complaint, result.stderr)
            check_in("use the release that wrote it", result.stderr)


def python_refuses_what_is_not_known(directory: Path) -> None:
    for version, part in [(2, entry(END + 100, b'')), (3, b''),
                          (1, entry(KINDS_SCAN, varint(0) * 3))]:
        path = make(directory, part, version=version)
        try:
            entries = list(Recording(path))
        except RecordingError:
            continue
        check(False, f"{version}: {entries} are no entries")


TESTS: List[Callable[[Path], None]] = [
    python_reads_kinds,
    tools_read_kinds,
    what_is_not_known_is_refused_in_a_sentence,
    python_refuses_what_is_not_known,
]

if __name__ == '__main__':
    run_tests(*TESTS)
