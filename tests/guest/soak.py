#!/usr/bin/env python3
# Storms of swaps, one after the other, for as long as one likes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import argparse
import contextlib
import sys
from typing import List

from guestlib import MIB, ROOM
from loads import Checker, Memtest, Painter, full_kernel
from raminate import paths
from raminate.guest import clean_up_on_signals, work_directory
from storm import Result, Storm, run_storm

DESCRIPTION = """\
Swaps pages of guests without pause, by policy and by command, while they check
their memory, disks, networks and displays.  Fails if anything is lost or
leaked, or if QEMU has to say anything."""

HEADINGS = ('storm', 'pairs', 'pairs/s', 'errors', 'memory, MiB',
            'mappings', 'fds', 'threads')


def storms() -> List[Storm]:
    system = full_kernel()

    def checker(*devices: str) -> Checker:
        return Checker(devices, system)

    return [
        Storm('1 vCPU, virtio-blk', checker('virtio-blk'), 1),
        Storm('2 vCPUs, virtio-scsi, virtio-net, payback',
              checker('virtio-scsi', 'virtio-net'), policy='payback'),
        Storm('4 vCPUs, nvme, e1000', checker('nvme', 'e1000'), 4),
        Storm('2 vCPUs in one thread, ide', checker('ide'),
              accel='tcg,thread=single'),
        Storm('4 vCPUs, ahci, cmq', checker('ahci'), 4, policy='cmq'),
        Storm('1 vCPU, usb-storage', checker('usb-storage'), 1),
        Storm('2 vCPUs, SD card', checker('sd-card')),
        Storm('1 vCPU, floppy', checker('floppy'), 1),
        Storm('2 vCPUs, 9p', checker('9p')),
        Storm('2 vCPUs, I/O thread', checker('virtio-blk in an I/O thread')),
        Storm('framebuffer', Painter(), 1),
        Storm('memtest86+', Memtest(), 1, memory=32 * MIB),
    ]


def row(result: Result) -> List[str]:
    usages = [usage for usage in (result.first, result.last) if usage]

    def change(name: str, unit: int = 1) -> str:
        return ' → '.join(str(getattr(usage, name) // unit)
                          for usage in usages) or '–'

    rate = result.pairs / result.seconds if result.seconds else 0
    return [result.storm.name, str(result.pairs), f'{rate:.0f}',
            str(len(result.errors)), change('bytes', MIB), change('mappings'),
            change('fds'), change('threads')]


def print_table(results: List[Result]) -> None:
    rows = [list(HEADINGS), *map(row, results)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for cells in rows:
        print('  '.join(cell.ljust(width) for cell, width
                        in zip(cells, widths)).rstrip())
    print(f"{sum(result.pairs for result in results)} pairs, "
          f"{sum(len(result.errors) for result in results)} errors")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument('--duration', type=float, default=600,
                        metavar='SECONDS',
                        help="how long all storms take together, without the "
                        "guests' start (default: %(default)s)")
    parser.add_argument('--only', default='', metavar='TEXT',
                        help="leave out storms without TEXT in their name")
    args = parser.parse_args()
    if not args.duration > 0:
        parser.error(f"--duration {args.duration:g}: must be above 0")
    return args


def run_one(storm: Storm, seconds: float) -> Result:
    with work_directory(ROOM) as directory:
        result = run_storm(directory, storm, seconds,
                           lambda line: print(line, flush=True))
    for error in result.errors:
        print(f"{storm.name}: ERROR: {error}", flush=True)
    return result


def main() -> int:
    args = parse_args()
    clean_up_on_signals()
    try:
        chosen = [storm for storm in storms() if args.only in storm.name]
    except paths.SetupError as err:
        print(f"soak: {err}", file=sys.stderr)
        return 1
    if not chosen:
        print(f"soak: no storm has '{args.only}' in its name",
              file=sys.stderr)
        return 1
    results: List[Result] = []
    with contextlib.suppress(KeyboardInterrupt):
        for storm in chosen:
            results.append(run_one(storm, args.duration / len(chosen)))
    print_table(results)
    if len(results) < len(chosen):
        print(f"{len(chosen) - len(results)} of {len(chosen)} storms were not "
              "ended")
        return 130
    return int(any(result.errors for result in results))


if __name__ == '__main__':
    sys.exit(main())
