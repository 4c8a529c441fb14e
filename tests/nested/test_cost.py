#!/usr/bin/env python3
# The cost of a scan and of a swap, in instructions: within bounds, no more a
# page for a larger guest, less than with KVM's dirty log, and next to nothing
# where nothing was used; and what counts them leaves guests as they are.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from costlib import finds, interrupts, scans, swaps
from nestedlib import Tap, main

SMALL, LARGE = 64, 256          # MiB
WRITTEN, ACCESSED = 1, 2        # KVM_RAMINATE_*
PER_PAGE = 60
PER_PAGE_ALL_WRITTEN = 100
# By what was used; it was 53.8 when all was read.
PER_PAGE_USED = {'nothing': 53.8 / 50, 'few': 53.8 / 15, 'all': 55.9}
READS = 1.25
# With the guest's faults; it was 21,725 when it faulted for each page.
PER_PAIR = 21725 / 2
# Of a tenth of the pages written.
TENTH = 0.09
GROWTH = 1.05


def run(tap: Tap) -> None:
    small, large = scans(SMALL), scans(LARGE)
    for s in large:
        bound = PER_PAGE if s.share < 0.5 else PER_PAGE_ALL_WRITTEN
        tap.check(s.scan <= bound, f'{s.share:.0%} written: a scan takes '
                  f'{s.scan:.1f} instructions a page, at most {bound}')
        if s.share >= TENTH:
            tap.check(s.scan < s.log_total,
                      f'{s.share:.0%} written: the dirty log takes '
                      f'{s.log_total:.1f}, which is more')
            tap.check(s.scan_guest < 1,
                      f'{s.share:.0%} written: the guest takes '
                      f'{s.scan_guest:.1f} for its writes after a scan, '
                      'less than 1')
    for a, b in zip(small, large):
        tap.check(b.scan <= a.scan * GROWTH,
                  f'{b.share:.0%} written: {b.scan:.1f} a page of {LARGE} MiB, '
                  f'{a.scan:.1f} of {SMALL} MiB')

    found_by = {(f.used, f.kinds): f for f in finds(LARGE)}
    for used, bound in PER_PAGE_USED.items():
        f = found_by[used, WRITTEN]
        tap.check(f.call <= bound, f'{used} used: to find what was written '
                  f'takes {f.call:.2f} a page, at most {bound:.2f}')
        both = found_by[used, WRITTEN | ACCESSED]
        tap.check(both.call <= f.call * READS,
                  f'{used} used: to find accesses too takes {both.call:.2f}, '
                  f'at most {f.call * READS:.2f}')

    found = swaps(SMALL)
    whole = found[-1]
    tap.check(whole.together <= PER_PAIR, f'a swap takes {whole.swap:.0f} '
              f"instructions a pair, and {whole.faults:.0f} of the guest's "
              f'afterwards, together at most {PER_PAIR:.0f}')
    tap.check(whole.swap < found[0].swap, 'a batch takes less a pair than '
              f'single swaps, {found[0].swap:.0f}')

    injected, taken = interrupts(SMALL)
    tap.check(taken == injected, f'{injected} interrupts are injected, and '
              f'a guest takes {taken}')


if __name__ == '__main__':
    main(run)
