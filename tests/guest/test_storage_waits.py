#!/usr/bin/env python3
# While storage does not answer, neither QMP nor the guest wait longer for the
# placer than without it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from itertools import count
import os
from pathlib import Path
import re
import signal
import threading
from typing import List

from guestlib import Guest, check, run_tests, wait_for_swaps
from nbd import nbd_server
from watch import LEAST_ROUNDS, PER_CHANCE, compare, waits, within
from benchlib.beat import DISK, Longest, beating, slow_disk, start_read

NEVER = 3600                # seconds; no test waits for that
STALLED = slow_disk(NEVER)
SUSPENDED = 1.0             # seconds
ATTEMPTS = 5


def null_device(directory: Path) -> None:
    with Guest(directory, None, [*beating(directory), *STALLED]) as guest:
        guest.launch()
        start_read(guest)
        compare(directory, guest)
        guest.kill()


def nbd(directory: Path) -> None:
    """A server that hangs, then dies, and comes back."""
    image = directory / 'disk.img'
    with image.open('wb') as file:
        file.truncate(DISK)
    disk = ['-drive', 'if=none,id=d,driver=nbd,server.type=unix,'
            f'server.path={directory}/nbd,reconnect-delay=3600']
    with nbd_server(directory, image) as server, \
            Guest(directory, None, [*beating(directory), *disk]) as guest:
        guest.launch()
        server.send_signal(signal.SIGSTOP)
        start_read(guest)
        compare(directory, guest)
        server.kill()
        server.wait()
        (directory / 'nbd').unlink()
        compare(directory, guest)
        with nbd_server(directory, image):
            guest.set('monitor', True)
            wait_for_swaps(guest, 100)
            guest.shutdown()    # It flushes.


def target_of_a_backup(directory: Path) -> None:
    nodes: List[str] = []
    for name, latency in (('disk', 0), ('target', NEVER * 10 ** 9)):
        nodes += ['-blockdev', f'null-co,node-name={name},size={DISK},'
                  f'read-zeroes=on,latency-ns={latency}']
    with Guest(directory, None, [*beating(directory), *nodes]) as guest:
        guest.launch()
        guest.cmd('blockdev-backup', job_id='j', sync='full', device='disk',
                  target='target')
        compare(directory, guest)
        guest.kill()


def is_found(directory: Path, each: int, because: str) -> bool:
    """The control: with the placer on, in one round of so many, somebody does
    hold QEMU."""
    with Guest(directory, None, [*beating(directory), *STALLED]) as guest:
        guest.launch()
        start_read(guest)
        numbers = count()

        def suspend() -> None:
            if next(numbers) % each == 0:
                os.kill(guest.get_pid(), signal.SIGSTOP)
                threading.Timer(SUSPENDED, os.kill,
                                (guest.get_pid(), signal.SIGCONT)).start()

        try:
            compare(directory, guest, suspend, rounds=LEAST_ROUNDS)
        except AssertionError as err:
            print(f"# {err}", flush=True)
            return bool(re.search(because, str(err)))
        finally:
            guest.kill()
    return False


def waits_are_found(directory: Path) -> None:
    check(is_found(directory, 1, 'with the placer on'), "nothing was found")


def waits_in_some_rounds_are_found(directory: Path) -> None:
    # On a busy machine, rounds with the placer off may be as long.
    check(any(is_found(directory, 2, r'long in [2-5] rounds more')
              for _ in range(ATTEMPTS)), "nothing was found")


def rounds_are_judged(_: Path) -> None:
    """By figures, as an idle machine or a busy one would give them."""
    quiet = [Longest(3, 5)] * 4
    for name, off, on, good in (
            ('idle', quiet, quiet, True),
            ('held at times', quiet, [*quiet[:2], *[Longest(3, 900)] * 2],
             False),
            ('no answer at times', quiet,
             [*quiet[:2], *[Longest(900, 5)] * 2], False),
            ('held once', quiet, [*quiet[:3], Longest(900, 900)], True),
            ('busy', [*quiet[:1], *[Longest(900, 900)] * 3],
             [*quiet[:1], *[Longest(1300, 1300)] * 3], True),
            ('always a bit', quiet, [Longest(3, 120)] * 4, False)):
        found = waits(off, on)
        check(within(found, len(on) // PER_CHANCE) == good,
              f"{name}: {[str(one) for one in found]}")


run_tests(null_device, nbd, target_of_a_backup, waits_are_found,
          waits_in_some_rounds_are_found, rounds_are_judged)
