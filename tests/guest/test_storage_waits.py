#!/usr/bin/env python3
# While storage does not answer, neither QMP nor the guest wait longer for the
# placer than without it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import signal
import threading
from typing import List

from guestlib import Guest, check, run_tests, wait_for_swaps
from nbd import nbd_server
from watch import compare
from benchlib.beat import DISK, beating, slow_disk, start_read

NEVER = 3600                # seconds; no test waits for that
STALLED = slow_disk(NEVER)
SUSPENDED = 1.0             # seconds


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


def waits_are_found(directory: Path) -> None:
    """The control: with the placer on, somebody does hold QEMU."""
    with Guest(directory, None, [*beating(directory), *STALLED]) as guest:
        guest.launch()
        start_read(guest)

        def suspend() -> None:
            os.kill(guest.get_pid(), signal.SIGSTOP)
            threading.Timer(SUSPENDED, os.kill,
                            (guest.get_pid(), signal.SIGCONT)).start()

        try:
            compare(directory, guest, suspend, rounds=3)
        except AssertionError as err:
            check('with the placer on' in str(err), str(err))
        else:
            check(False, "nothing was found")
        guest.kill()


run_tests(null_device, nbd, target_of_a_backup, waits_are_found)
