#!/usr/bin/env python3
# Counts what scans and swaps cost, and writes the tables in
# docs/performance.md.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
import re
import subprocess
import sys
from typing import Callable, Dict, List, Sequence, TypeVar

from costlib import (CPU, Find, Gaps, Scan, Swap, finds, gaps, scans, swaps)
from nestedlib import NESTED, SOURCE, modules_of_commit, paths

DOCUMENT = SOURCE / 'docs' / 'performance.md'
BEGIN = '<!-- begin: make bench-cost -->'
END = '<!-- end: make bench-cost -->'

Counted = TypeVar('Counted')

SIZES = (256, 1024, 4096)
SMALL = 256
PAGES_PER_GIB = 1 << 18
# Gaps shorter than this are of one row; each next row goes on to four times
# as much.
LOWEST_BIT = 12
BITS_PER_ROW = 2

# The last one of which a scan read all tables.
BEFORE = '1dd2370'
CASES = {
    'nothing': 'nothing',
    'few': '5% of the regions: 1% of the pages written',
    'all': 'all regions: 10% of the pages written',
}
CALLS = {0: 'SCAN', 1: 'FIND, written', 3: 'FIND, written and accessed'}

MODES = {'none': 'no swaps', 'running': 'swaps, VM running',
         'stopped': 'swaps, VM stopped'}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    lines = [head, ['---:'] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def thousands(number: float) -> str:
    return f'{number:,.0f}'


def scan_table(found: Sequence[Scan]) -> List[str]:
    return table(
        ['guest RAM, MiB', 'pages written', 'scan', 'scan, no flush',
         'million a GiB', 'log: get, clear', "log: guest's faults",
         'log: together'],
        [[str(s.mib), f'{s.share:.0%}', f'{s.scan:.1f}',
          f'{s.scan_no_flush:.1f}', f'{s.scan * PAGES_PER_GIB / 1e6:.1f}',
          f'{s.log:.1f}', f'{s.log_guest:.1f}', f'{s.log_total:.1f}']
         for s in found])


def find_table(found: Sequence[Find], before: Sequence[Find]) -> List[str]:
    rows = []
    for f in found:
        old = next(b for b in before
                   if (b.mib, b.used) == (f.mib, f.used))
        rows.append([str(f.mib), CASES[f.used], CALLS[f.kinds],
                     f'{f.call:.2f}', f'{f.after:.2f}', f'{old.call:.2f}',
                     f'1/{old.call / f.call:.1f}'])
    return table(['guest RAM, MiB', 'used before the call', 'call',
                  'instructions', 'the next call', 'before', 'of that'], rows)


def break_even(found: Sequence[Scan]) -> float:
    """The share of written pages from which on the log costs more."""
    written = [s for s in found if s.share > 0]
    for low, high in zip(written, written[1:]):
        below, above = low.log_total - low.scan, high.log_total - high.scan
        if below <= 0 < above:
            part = -below / (above - below)
            return low.share + part * (high.share - low.share)
    return 0


def swap_table(found: Sequence[Swap], before: Sequence[Swap]) -> List[str]:
    return table(
        ['pairs a call', 'swap', 'of pages that the guest does not map',
         "the guest's faults afterwards", 'together', 'before', 'of that'],
        [[thousands(s.batch), thousands(s.swap), thousands(s.unmapped),
          thousands(s.faults), thousands(s.together),
          thousands(old.together), f'1/{old.together / s.together:.1f}']
         for s, old in zip(found, before)])


def gap_table(found: Dict[str, Gaps]) -> List[str]:
    modes = [found[mode] for mode in MODES]
    last = max(bit for g in modes for bit, n in enumerate(g.histogram) if n)
    rows = [[f'below {thousands(1 << LOWEST_BIT)}',
             *(thousands(sum(g.histogram[:LOWEST_BIT])) for g in modes)]]
    for bit in range(LOWEST_BIT, last + 1, BITS_PER_ROW):
        end = bit + BITS_PER_ROW
        rows.append([f'{thousands(1 << bit)} to {thousands(1 << end)}',
                     *(thousands(sum(g.histogram[bit:end])) for g in modes)])
    rows += [[name, *(thousands(getattr(g, key)) for g in modes)]
             for name, key in (('longest', 'longest'),
                               ('pairs swapped', 'swapped'),
                               ('writes', 'writes'),
                               ('instructions in all', 'instructions'))]
    return table(['gap, instructions', *MODES.values()], rows)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          cwd=SOURCE).stdout.strip()


def circumstances() -> str:
    commit = _output('git', 'rev-parse', '--short', 'HEAD')
    if _output('git', 'status', '--porcelain', '--', 'kvm', 'patches',
               'tests/nested/cost*'):
        commit += ' with changes'
    release = (NESTED / 'kernel' / 'release').read_text().strip()
    qemu = _output(str(paths.require_qemu()), '--version').splitlines()[0]
    return (f'Commit {commit}, host kernel {release}, emulated by\n{qemu},\n'
            f'`-cpu {CPU}`.')


def _start(pool: ThreadPoolExecutor, name: str,
           count: Callable[[int], Counted], mib: int) -> 'Future[Counted]':
    """Counts in the background and says when it has begun and ended."""
    def run() -> Counted:
        print(f'Counting {name} ...', flush=True)
        counted = count(mib)
        print(f'Counted {name}', flush=True)
        return counted

    return pool.submit(run)


def generate() -> List[str]:
    # All at once, the longest first: counts don't depend on the time taken.
    old = modules_of_commit(BEFORE)
    with ThreadPoolExecutor() as pool:
        used = {mib: _start(pool, f'what is skipped of {mib} MiB', finds, mib)
                for mib in sorted(SIZES, reverse=True)}
        all_read = {mib: _start(pool, f'the same by commit {BEFORE}',
                                partial(finds, build=old), mib)
                    for mib in sorted(SIZES, reverse=True)}
        scanned = {mib: _start(pool, f'scans of {mib} MiB', scans, mib)
                   for mib in sorted(SIZES, reverse=True)}
        swapped = _start(pool, 'swaps', swaps, SMALL)
        swapped_before = _start(pool, f'swaps by commit {BEFORE}',
                                partial(swaps, build=old), SMALL)
        watched = _start(pool, "gaps in a guest's loop", gaps, SMALL)
        found = [s for mib in SIZES for s in scanned[mib].result()]
        skipped = [f for mib in SIZES for f in used[mib].result()]
        before = [f for mib in SIZES for f in all_read[mib].result()]
        pairs = swapped.result()
        pairs_before = swapped_before.result()
        seen = watched.result()

    share = break_even([s for s in found if s.mib == SIZES[-1]])
    return [
        circumstances(), '',
        '### Scan: instructions a page of guest RAM', '',
        *scan_table(found), '',
        f'The log costs as much as the scan when about {share:.1%} of the '
        'pages are written between two scans.', '',
        '### What was not used is skipped: instructions a page of guest RAM',
        '', f'**Before** is the scan of commit {BEFORE}, which has read all '
        'tables.', '',
        *find_table(skipped, before), '',
        '### Swap: instructions a pair', '',
        f'**Before** is commit {BEFORE}, after whose swaps the guest faults '
        'for each page.', '',
        *swap_table(pairs, pairs_before), '',
        "### What a guest's loop sees: number of gaps between two writes", '',
        *gap_table(seen)]


def main() -> int:
    try:
        lines = generate()
    except paths.SetupError as err:
        print(f'bench-cost: {err}', file=sys.stderr)
        return 1
    print('\n'.join(lines))
    text = DOCUMENT.read_text()
    new = '\n'.join([BEGIN, '', *lines, '', END])
    text, count = re.subn(f'{re.escape(BEGIN)}.*{re.escape(END)}',
                          lambda _: new, text, flags=re.S)
    if count != 1:
        print(f'bench-cost: {DOCUMENT} lacks the lines {BEGIN} and {END}',
              file=sys.stderr)
        return 1
    DOCUMENT.write_text(text)
    print(f'Written to {DOCUMENT}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
