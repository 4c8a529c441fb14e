#!/usr/bin/env python3
# The plugin counts what a bare guest, of which all accesses are known, must
# read and write: to the line.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import OrderedDict
from pathlib import Path
import subprocess
from typing import Any, List, Sequence

from trafficlib import (LINE, MIB, PAGE_SIZE, Row, built, check, page_counts,
                        paths, plugin_args, rows, run_tests, total)

MEMORY = 256 * MIB
BUFFER = 64 * MIB       # where it begins, far from all that the BIOS uses
SIZE = 64 * MIB
CACHE = 20 * MIB        # the default
EXIT_STATUS = 1         # of isa-debug-exit if the guest writes 0
PATIENCE = 600
THREADS = ('-accel', 'tcg,thread=multi')
ONE_THREAD = ('-accel', 'tcg,thread=single')
NS_PER_INSTRUCTION = 16
ICOUNT = ('-accel', 'tcg', '-icount', 'shift=4,sleep=off')


def qemu(args: List[str], accel: Sequence[str] = THREADS
         ) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(
        [paths.require_qemu(), *accel, '-smp', '2', '-m',
         f'{MEMORY // MIB}M', '-display', 'none', '-nodefaults',
         '-no-user-config', '-device', 'isa-debug-exit,iobase=0x501,iosize=1',
         *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding='utf-8', check=False,
        timeout=PATIENCE)


def run(directory: Path, *jobs: str, size: int = SIZE,
        accel: Sequence[str] = THREADS, **options: Any) -> List[Row]:
    """Runs jobs on the buffer, which is a pool of its own."""
    given = {'buffer': f'{BUFFER:#x}+{size}', 'csv': directory / 'csv',
             'flush': 'on', **options}
    words = [job.replace('@', f'={BUFFER}+{size}*') for job in jobs]
    result = qemu(['-kernel', built('tests', 'traffic', 'traffic-guest'),
                   '-append', ' '.join(words), *plugin_args(**given)], accel)
    check(result.returncode == EXIT_STATUS and not result.stdout,
          f"exit status {result.returncode}: {result.stdout}")
    return rows(directory / 'csv')


def expect(table: List[Row], read: int, written: int) -> None:
    found = total(table, 'buffer_read'), total(table, 'buffer_written')
    check(found == (read, written),
          f"read and written are {found}, not {(read, written)}")


def stream_is_written_each_time(directory: Path) -> None:
    expect(run(directory, 'fill@2'), 2 * SIZE, 2 * SIZE)


def what_fits_is_written_once(directory: Path) -> None:
    expect(run(directory, 'fill@10', size=16 * MIB), 16 * MIB, 16 * MIB)


def what_is_dirty_stays_without_flush(directory: Path) -> None:
    expect(run(directory, 'fill@3', size=16 * MIB, flush='off'), 16 * MIB, 0)
    # The cache holds some lines of others as well.
    written = total(run(directory, 'fill@1', flush='off'), 'buffer_written')
    check(SIZE - CACHE <= written < SIZE - CACHE + MIB,
          f"{written} bytes are written")


def what_is_read_is_not_written(directory: Path) -> None:
    expect(run(directory, 'read@2'), 2 * SIZE, 0)
    expect(run(directory, 'fill@1', 'read@3'), 4 * SIZE, SIZE)


def writes_across_lines_are_two(directory: Path) -> None:
    expect(run(directory, 'straddle@1'), SIZE, SIZE)


def larger_lines(directory: Path) -> None:
    """A write across lines of 64 bytes is within one of 4096, mostly."""
    expect(run(directory, 'straddle@2', line=4096, cache='320K', ways=5),
           2 * SIZE, 2 * SIZE)


def random_writes(directory: Path) -> None:
    """As a cache in Python has them."""
    writes, size, sets, ways = 300000, 8 * MIB, 1024, 16
    cache: List['OrderedDict[int, None]'] = [OrderedDict()
                                             for _ in range(sets)]
    state, misses = 1, 0
    for _ in range(writes):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        line = (state >> 8) % (size // LINE)
        lines = cache[line % sets]
        if line not in lines:
            misses += 1
            if len(lines) == ways:
                lines.popitem(last=False)
        lines[line] = None
        lines.move_to_end(line)
    check(size // LINE < misses < writes, f"{misses} misses")
    expect(run(directory, f'random@{writes}', size=size, cache='1M',
               ways=ways), misses * LINE, misses * LINE)


def counts_by_page(directory: Path) -> None:
    """All together in each pool, and each page by itself."""
    half = SIZE // 2
    record = directory / 'record'
    # The first pool is the second half.
    table = run(directory, 'pages@2', buffer=f'{BUFFER + half:#x}+{half}',
                low=f'{BUFFER:#x}+{half}', record=record, cache='320K',
                ways=5, period=50)
    counts = [number % (PAGE_SIZE // LINE + 1)
              for number in range(SIZE // PAGE_SIZE)]
    pages = len(counts) // 2
    for pool, lines in (('low', sum(counts[:pages])),
                        ('buffer', sum(counts[pages:]))):
        for column in ('read', 'written'):
            check(total(table, f'{pool}_{column}') == 2 * lines * LINE,
                  f"{pool}_{column} is not 2 * {lines} lines")
    expected = {(number + pages) % (2 * pages): 2 * count
                for number, count in enumerate(counts) if count}
    for found in page_counts(record):
        check(found == expected, "the pages' counts are not as expected")


def two_cpus_stream(directory: Path, accel: Sequence[str] = THREADS) -> None:
    """A CPU that stands still in a line while the other one fills the cache
    has that line read and written once more."""
    table = run(directory, 'halves', 'fill@2', accel=accel)
    read = total(table, 'buffer_read')
    most = 2 * (SIZE // CACHE) * LINE
    check(2 * SIZE <= read <= 2 * SIZE + most, f"{read} bytes are read")
    expect(table, read, read)


def two_cpus_take_turns(directory: Path) -> None:
    """They share translated code."""
    two_cpus_stream(directory, ONE_THREAD)


def two_cpus_share_what_fits(directory: Path) -> None:
    """Both miss the same lines at the same time: one of them reads."""
    for _ in range(3):
        expect(run(directory, 'both', 'fill@10', size=4 * MIB),
               4 * MIB, 4 * MIB)


def two_cpus_write_at_random(directory: Path) -> None:
    """In whatever order: each line that was read was written later."""
    size = 2 * MIB
    record = directory / 'record'
    table = run(directory, 'halves', 'random@1000000', 'both',
                'random@1000000', size=size, cache='64K', ways=4,
                record=record)
    read = total(table, 'buffer_read')
    check(read > 3000000 * LINE, f"only {read} bytes are read")
    expect(table, read, read)
    by_page = page_counts(record)
    check(by_page[0] == by_page[1], "pages are written and read differently")
    check(sum(by_page[0].values()) == read // LINE, "pages are amiss")


def periods_of_time(directory: Path) -> None:
    times = [row['time_ms'] for row in run(directory, 'fill@4', period=20)]
    check(len(times) > 5, f"periods end at {times}")
    check(all(a < b for a, b in zip(times, times[1:-1])), f"{times}")


def time_follows_instructions(directory: Path) -> None:
    """With -icount; the rest is what the BIOS waits for."""
    table = run(directory, 'fill@2', accel=ICOUNT, period=100)
    expect(table, 2 * SIZE, 2 * SIZE)
    ends = [row['time_ms'] for row in table]
    busy = total(table, 'instructions') * NS_PER_INSTRUCTION / 1e6
    check(0.99 * busy < ends[-1] < 1.1 * busy, f"{busy} ms of {ends[-1]}")
    check(len(ends) > 10, f"periods end at {ends}")


def periods_of_instructions(directory: Path) -> None:
    length = 1000000
    table = run(directory, 'fill@1', instructions=length)
    done = total(table, 'instructions')
    check(done > 3 * SIZE // 4, f"{done} instructions are too few")
    check(len(table) == done // length + 1,
          f"{len(table)} periods for {done} instructions")
    for row in table[:-1]:
        # Each CPU tells of its instructions a sixteenth at a time.
        check(abs(row['instructions'] - length) <= length // 8, f"{row}")


def errors_are_plain(directory: Path) -> None:
    foreign = directory / 'foreign'
    foreign.write_text('precious')
    missing = directory / 'none' / 'x'
    for options, message in (
            ({'csv': 'x'}, "there is no pool"),
            ({'a': '0+1M', 'csv': missing}, f"can't write {missing}"),
            ({'a': '0+1M', 'record': missing}, f"{missing}"),
            ({'a': '0+1M', 'record': foreign}, "is not a recording"),
            ({'a': '0+1M', 'csv': 'x', 'way': 1}, "way=1 is neither")):
        result = qemu(['-S', *plugin_args(**options)])
        check(result.returncode == 1, f"exit status {result.returncode}")
        check('raminate-traffic: ' in result.stdout and
              message in result.stdout, result.stdout)
    check(foreign.read_text() == 'precious', "a file is overwritten")


run_tests(stream_is_written_each_time, what_fits_is_written_once,
          what_is_dirty_stays_without_flush, what_is_read_is_not_written,
          writes_across_lines_are_two, larger_lines, random_writes,
          counts_by_page, two_cpus_stream, two_cpus_take_turns,
          two_cpus_share_what_fits, two_cpus_write_at_random, periods_of_time,
          time_follows_instructions, periods_of_instructions, errors_are_plain)
