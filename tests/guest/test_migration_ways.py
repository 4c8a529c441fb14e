#!/usr/bin/env python3
# A guest that writes all the time is moved and saved in every way QEMU has,
# and goes on where it was when that fails.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from dataclasses import dataclass
from pathlib import Path
import socket
import subprocess
from typing import Any, Callable, Dict, Iterator, List, Sequence

from guestlib import (CHECKER, FULL_RATE, MEMORY, MIB, PATIENCE, Guest, Skip,
                      check, check_figures, finish_checker, hmp, hybrid,
                      run_tests, start_checker, wait_for_passes, wait_for_swaps,
                      wait_until)
from qemu.qmp import ExecuteError
from raminate import paths

FAST = {'max-bandwidth': 16 << 30, 'downtime-limit': 60000}
SLOW = {'max-bandwidth': 32 << 20, 'downtime-limit': 1}
ENDS = ('cancelled', 'completed', 'failed')
SWAPS = 1000            # so many must be made after each event


@dataclass(frozen=True)
class Way:
    """How a guest gets from one QEMU to another."""
    name: str
    to_file: bool
    capabilities: Sequence[str] = ()
    mode: str = 'normal'

    @property
    def is_post_copy(self) -> bool:
        return 'postcopy-ram' in self.capabilities


WAYS = (Way('multifd', False, ['multifd']),
        Way('post-copy', False, ['postcopy-ram']),
        Way('post-copy-preempt', False, ['postcopy-ram', 'postcopy-preempt']),
        Way('post-copy-release', False, ['postcopy-ram', 'release-ram']),
        Way('file', True),
        Way('mapped-ram', True, ['mapped-ram', 'multifd']),
        Way('x-ignore-shared', True, ['x-ignore-shared']),
        Way('cpr-reboot', True, mode='cpr-reboot'))
CAPABILITIES = sorted({name for way in WAYS for name in way.capabilities})


def side(directory: Path, name: str, *more: str) -> Guest:
    """A QEMU with ranges of its own."""
    place = directory / name
    place.mkdir()
    return Guest(directory, CHECKER, [*hybrid(place, **FULL_RATE), '-smp', '2',
                                      *more])


def status_of(guest: Guest) -> str:
    return str(guest.cmd('query-migrate').get('status'))


def wait_for_status(guest: Guest, status: str) -> None:
    def reached() -> bool:
        now = guest.cmd('query-migrate')
        is_it = now.get('status') == status
        check(is_it or now.get('status') not in ENDS, f"migration: {now}")
        return is_it
    wait_until(reached, f"migration to be {status}", guest)


def set_capabilities(guest: Guest, names: Sequence[str], on: bool = True
                     ) -> None:
    guest.cmd('migrate-set-capabilities', capabilities=[
        {'capability': name, 'state': on} for name in names])


def goes_on(guest: Guest) -> None:
    """Placement works, and no write was lost."""
    wait_until(lambda: guest.raminate()['state'] == 'running',
               "placement to go on", guest)
    wait_for_swaps(guest, SWAPS)
    wait_for_passes(guest, 1)
    check_figures(guest.raminate())


# Every way

def prepare(guest: Guest, way: Way) -> None:
    # It has kept those of the way by which it came.
    set_capabilities(guest, CAPABILITIES, False)
    set_capabilities(guest, way.capabilities)
    speed = SLOW if way.is_post_copy else FAST
    guest.cmd('migrate-set-parameters', {**speed, 'mode': way.mode})


def send(source: Guest, uri: str, way: Way) -> None:
    source.cmd('migrate', uri=uri)
    if way.is_post_copy:
        wait_for_status(source, 'active')
        wait_until(lambda: source.cmd('query-migrate')['ram'][
            'dirty-sync-count'] >= 2, "a walk of RAM", source)
        source.cmd('migrate-start-postcopy')
    wait_for_status(source, 'completed')


def move(source: Guest, target: Guest, way: Way, directory: Path) -> None:
    place = directory / f'{way.name}.state'
    uri = f"{'file' if way.to_file else 'unix'}:{place}"
    prepare(target, way)
    prepare(source, way)
    if not way.to_file:
        target.cmd('migrate-incoming', uri=uri)
    send(source, uri, way)
    if way.to_file:
        target.cmd('migrate-incoming', uri=uri)
    wait_until(lambda: status_of(target) == 'completed', "the guest", target)
    source.kill()
    if not target.cmd('query-status')['running']:
        target.cmd('cont')
    place.unlink(missing_ok=True)


def arrive(source: Guest, target: Guest, way: Way, directory: Path) -> Guest:
    """Returns: where the guest is then."""
    target.launch()
    try:
        move(source, target, way, directory)
        goes_on(target)
        return target
    except ExecuteError as err:
        # The host may not let us.
        if not way.is_post_copy or 'serfault' not in str(err):
            raise
        print(f"# {way.name} is left out: {err}")
        target.kill()
        return source


def guest_arrives_every_way(directory: Path) -> None:
    with contextlib.ExitStack() as stack:
        guest = stack.enter_context(side(directory, 'first'))
        start_checker(guest)
        wait_for_swaps(guest, SWAPS)
        for way in WAYS:
            target = stack.enter_context(side(directory, way.name,
                                              '-incoming', 'defer'))
            try:
                guest = arrive(guest, target, way, directory)
            except Exception as err:
                raise AssertionError(f"{way.name}: {err}") from err
        finish_checker(guest)


# Failures

@contextlib.contextmanager
def deaf_destination(path: Path) -> Iterator[str]:
    """Takes a connection, and reads nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield f'unix:{path}'


def refused_target(source: Guest, directory: Path) -> None:
    with contextlib.suppress(ExecuteError):
        source.cmd('migrate', uri=f"unix:{directory / 'nobody'}")
    wait_until(lambda: status_of(source) == 'failed', "no target", source)


def full_file(source: Guest, directory: Path) -> None:
    del directory
    source.cmd('migrate', uri='exec:cat >/dev/full')
    wait_for_status(source, 'failed')


def cancelled_before_it_begins(source: Guest, directory: Path) -> None:
    with deaf_destination(directory / 'deaf') as uri:
        source.cmd('migrate', uri=uri)
        wait_until(lambda: source.raminate()['state'] == 'held', "the hold",
                   source)
        source.cmd('migrate_cancel')
        wait_for_status(source, 'cancelled')


@contextlib.contextmanager
def under_way(source: Guest, directory: Path, name: str, status: str,
              speed: Dict[str, int]) -> Iterator[Guest]:
    """A destination, and a migration to it that has come so far."""
    uri = f"unix:{directory / name}.sock"
    with side(directory, name, '-incoming', uri) as target:
        target.launch()
        source.cmd('migrate-set-parameters', speed)
        source.cmd('migrate', uri=uri)
        wait_for_status(source, status)
        yield target
        target.kill()


def destination_dies(source: Guest, directory: Path) -> None:
    with under_way(source, directory, 'dies', 'active', SLOW) as target:
        wait_until(lambda: source.cmd('query-migrate')['ram'][
            'dirty-sync-count'] >= 2, "a walk of RAM", source)
        target.kill()
        wait_for_status(source, 'failed')


def cancelled_before_switchover(source: Guest, directory: Path) -> None:
    with under_way(source, directory, 'cancelled', 'pre-switchover', FAST):
        source.cmd('migrate_cancel')
        wait_for_status(source, 'cancelled')


def destination_dies_before_switchover(source: Guest, directory: Path) -> None:
    with under_way(source, directory, 'late', 'pre-switchover', FAST
                   ) as target:
        target.kill()
        with contextlib.suppress(ExecuteError):
            source.cmd('migrate-continue', state='pre-switchover')
        wait_for_status(source, 'failed')


FAILURES: Sequence[Callable[[Guest, Path], None]] = (
    refused_target, full_file, cancelled_before_it_begins, destination_dies,
    cancelled_before_switchover, destination_dies_before_switchover)


def guest_stays_when_it_fails(directory: Path) -> None:
    with side(directory, 'source') as source:
        start_checker(source)
        set_capabilities(source, ['pause-before-switchover'])
        for failure in FAILURES:
            source.cmd('migrate-set-parameters', FAST)
            try:
                failure(source, directory)
                wait_until(lambda: source.cmd('query-status')['running'],
                           "the guest to run", source)
                goes_on(source)
            except Exception as err:
                raise AssertionError(f"{failure.__name__}: {err}") from err
        finish_checker(source)


# Snapshots and dumps

def snapshots_of_a_busy_guest_are_right(directory: Path) -> None:
    disk = directory / 'disk'
    subprocess.run([paths.QEMU.parent / 'qemu-img', 'create', '-q', '-f',
                    'qcow2', disk, '64M'], check=True)
    with side(directory, 'source', '-drive',
              f'if=none,id=d,format=qcow2,file={disk}') as guest:
        start_checker(guest)
        wait_for_swaps(guest, SWAPS)
        hmp(guest, 'savevm one')
        goes_on(guest)
        hmp(guest, 'loadvm one')
        goes_on(guest)
        finish_checker(guest)


def elf_memory(path: Path, address: int, size: int) -> bytes:
    """Guest memory as an ELF dump has it."""
    data = path.read_bytes()
    check(data[:4] == b'\x7fELF', "it is no ELF file")
    start = int.from_bytes(data[32:40], 'little')
    for number in range(int.from_bytes(data[56:58], 'little')):
        head = data[start + 56 * number:start + 56 * number + 56]
        offset, first, in_file = (int.from_bytes(head[at:at + 8], 'little')
                                  for at in (8, 24, 32))
        if (head[:4] == b'\1\0\0\0' and first <= address
                and address + size <= first + in_file):
            offset += address - first
            return data[offset:offset + size]
    raise AssertionError(f"the dump lacks {address:#x}")


def dumps_of_a_busy_guest_are_right(directory: Path) -> None:
    with side(directory, 'source') as guest:
        start_checker(guest)
        wait_for_swaps(guest, SWAPS)
        for detach in (False, True):
            path = directory / f'dump-{detach}'
            guest.cmd('dump-guest-memory', paging=False, detach=detach,
                      protocol=f'file:{path}')
            wait_until(lambda: guest.cmd('query-dump')['status'] ==
                       'completed', "the dump", guest)
            path.unlink()
            goes_on(guest)
        # Of a guest that stands still, both must show the same.
        guest.cmd('stop')
        guest.cmd('dump-guest-memory', paging=False,
                  protocol=f"file:{directory / 'dump'}")
        guest.cmd('pmemsave', val=MIB, size=MEMORY - MIB,
                  filename=str(directory / 'memory'))
        check(elf_memory(directory / 'dump', MIB, MEMORY - MIB) ==
              (directory / 'memory').read_bytes(), "the dump is wrong")
        guest.cmd('cont')
        goes_on(guest)
        finish_checker(guest)


def background_snapshot_is_right(directory: Path) -> None:
    state = directory / 'state'
    with side(directory, 'source') as source:
        start_checker(source)
        wait_for_swaps(source, SWAPS)
        try:
            set_capabilities(source, ['background-snapshot'])
        except ExecuteError as err:
            # The host may not let us, or /dev/shm has no room.
            raise Skip(str(err)) from err
        source.cmd('migrate-set-parameters', FAST)
        source.cmd('migrate', uri=f'file:{state}')
        wait_for_status(source, 'completed')
        goes_on(source)
        finish_checker(source)
    with side(directory, 'target', '-incoming', f'file:{state}') as target:
        target.launch()
        target.console.wait('checker: running', PATIENCE)
        goes_on(target)
        finish_checker(target)


run_tests(guest_arrives_every_way, guest_stays_when_it_fails,
          background_snapshot_is_right,
          slow=[snapshots_of_a_busy_guest_are_right,
                dumps_of_a_busy_guest_are_right])
