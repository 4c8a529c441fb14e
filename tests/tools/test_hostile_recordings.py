#!/usr/bin/env python3
# Tools take memory by what a recording holds, and end in order without it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import resource
import subprocess
import threading
from typing import Callable, List, Optional

from crafted import (SCAN, end, entry, full_blocks, run, scan, start, traffic,
                     varint)
from toolslib import MIB, PATIENCE, check, check_in, run_tests, tool

MOST_PAGES = (1 << 32) - 2
FAST = 1 << 20
LITTLE = 400 * MIB
SIM, MERGE, MAP = 'raminate-sim', 'raminate-merge', 'raminate-map'


class Result:
    """Of a tool that may have only so much address space."""

    def __init__(self, name: str, *args: object,
                 room: Optional[int] = None):
        def limit() -> None:
            if room:
                resource.setrlimit(resource.RLIMIT_AS, (room, room))

        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        process = subprocess.Popen(
            [tool(name), *map(str, args)], preexec_fn=limit,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # What is filled by malloc() is touched, and counts as in use.
            env={**os.environ, 'MALLOC_PERTURB_': '0'})
        killer = threading.Timer(PATIENCE, process.kill)
        killer.start()
        assert process.stdout and process.stderr
        with process.stdout, process.stderr:
            # Both are short enough for a pipe.
            self.stdout = process.stdout.read().decode()
            self.stderr = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.memory = usage.ru_maxrss << 10


def check_refused(result: Result, what: str) -> None:
    """One sentence, and status 1."""
    check(result.status == 1, f"{result.status}: {result.stderr}")
    check(result.stderr.count('\n') == 1, result.stderr)
    check_in(what, result.stderr)


def write(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b''.join(parts))
    return path


def large(path: Path, *parts: bytes) -> Path:
    """A guest of nearly 16 TiB."""
    return write(path, start(MOST_PAGES, [(0, FAST),
                                          (FAST, MOST_PAGES - FAST)]),
                 *parts, end())


def pages_that_do_not_occur_take_no_memory(directory: Path) -> None:
    far = MOST_PAGES - 1
    scans = large(directory / 'scans', *(scan(1000 * i, run(far, 1))
                                         for i in range(1, 9)))
    counts = large(directory / 'counts', *(traffic(1000 * i, run(far, 1), [9])
                                           for i in range(1, 9)))
    both = directory / 'both'
    for name, *args in [[MERGE, '-o', both, scans, counts],
                        [SIM, '--bound', scans],
                        [SIM, '--bound', both],
                        [MAP, '-r', scans, '-o', directory / 'map.png']]:
        result = Result(name, *args)
        check(result.status == 0, f"{name}: {result.stderr}")
        check(result.memory < LITTLE,
              f"{name} {args} took {result.memory // MIB} MiB")


def claims_are_refused_without_memory(directory: Path) -> None:
    head = varint(1000 << 1) + varint(1000)
    for claim in [varint(MOST_PAGES), varint(MOST_PAGES) + varint(0) + b'\0',
                  varint(MOST_PAGES) + run(0, 2)[1:]]:
        path = large(directory / 'claim', entry(SCAN, head + claim))
        counts = large(directory / 'counts', entry(3, head + claim))
        for name, *args in [[SIM, path], [SIM, counts],
                            [MERGE, '-o', directory / 'x', path, counts],
                            [MAP, '-r', path, '-o', directory / 'map.png']]:
            result = Result(name, *args)
            check_refused(result, "damaged")
            check(result.memory < LITTLE,
                  f"{name} took {result.memory // MIB} MiB")


def headers_that_nobody_writes_are_refused(directory: Path) -> None:
    for pages, tiers in [((1 << 32) - 1, [(0, (1 << 32) - 1)]),
                         (100, [(0, 100), (100, 0)]),
                         (100, [(0, 60), (50, 40)]), (100, [(0, 99)])]:
        path = write(directory / 'wrong', start(pages, tiers),
                     scan(1000, run(0, 1)), end())
        for name, *args in [[SIM, path],
                            [MERGE, '-o', directory / 'x', path, path],
                            [MAP, '-r', path, '-o', directory / 'map.png']]:
            check_refused(Result(name, *args), "damaged")


def times_that_overflow_are_refused(directory: Path) -> None:
    for times in [[1 << 48], [(1 << 63) - 1], [2000, 1000]]:
        path = write(directory / 'wrong', start(100),
                     *(scan(time, run(0, 1)) for time in times), end())
        for name, *args in [[SIM, path],
                            [MERGE, '-o', directory / 'x', path, path],
                            [MAP, '-r', path, '-o', directory / 'map.png']]:
            check_refused(Result(name, *args), "damaged" if name != MERGE
                          else "")
    path = write(directory / 'good', start(100), scan(1, run(0, 1)), end())
    result = Result(MERGE, '--offset', (1 << 63) - 1,
                    '-o', directory / 'x', path, path)
    check(result.status == 2, result.stderr)
    check_in("--offset must be within", result.stderr)


def lack_of_memory_is_an_error(directory: Path) -> None:
    """Each scan holds 2^29 pages, and a tool may have 1 GiB."""
    path = large(directory / 'full', *(scan(1000 * i, full_blocks(1 << 14))
                                       for i in range(1, 4)))
    for name, *args in [[SIM, '-p', 'null', path],
                        [MERGE, '-o', directory / 'x', path, path],
                        [MAP, '-r', path, '-o', directory / 'map.png']]:
        check_refused(Result(name, *args, room=1024 * MIB),
                      "not enough memory")
    check(not (directory / 'x').exists(), "a file is left")


def any_room_is_enough_for_a_sentence(directory: Path) -> None:
    """Wherever memory runs out, there is no signal."""
    pages = full_blocks(64)
    path = large(directory / 'some', *(
        part for i in range(1, 9)
        for part in (traffic(1000 * i, pages, [3] * (64 << 15)),
                     scan(1000 * i, pages))))
    failed = 0
    for room in range(48, 400, 16):
        result = Result(SIM, '--bound', path, room=room * MIB)
        if result.status == 0:
            break
        # Or the file itself can't be mapped: "Cannot allocate memory"
        check_refused(result, "memory")
        failed += 1
    check(failed > 2, "memory never ran out")


def files_that_are_no_recordings_are_refused(directory: Path) -> None:
    empty = write(directory / 'empty')
    missing = directory / 'missing'
    for path, text in (
            (missing, f"can't open the recording {missing}: No such file or "
                      "directory"),
            (directory, f"can't open the recording {directory}: it is not a "
                        "regular file"),
            (empty, f"{empty} is not a recording of RAMinate; give a file "
                    "that record= has written")):
        result = Result(SIM, path)
        check_refused(result, '')
        check(result.stderr == f'raminate-sim: {text}\n', result.stderr)


TESTS: List[Callable[[Path], None]] = [
    pages_that_do_not_occur_take_no_memory,
    claims_are_refused_without_memory,
    headers_that_nobody_writes_are_refused,
    times_that_overflow_are_refused,
    lack_of_memory_is_an_error,
    any_room_is_enough_for_a_sentence,
    files_that_are_no_recordings_are_refused,
]

if __name__ == '__main__':
    run_tests(*TESTS)
