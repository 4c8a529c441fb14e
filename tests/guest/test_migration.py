#!/usr/bin/env python3
# A guest that writes all the time migrates, and is swapped on both sides.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Any, Dict, List

from guestlib import (CHECKER, FULL_RATE, Guest, Skip, check, check_figures,
                      finish_checker, hybrid, run_tests, start_checker,
                      wait_for_passes, wait_for_swaps, wait_until)
from qemu.qmp import ExecuteError

# Migration ends when what is left takes no longer than the downtime allowed: 8
# pages here.  The guest writes more than it sends even on a slow host.
SLOW = {'max-bandwidth': 32 << 20, 'downtime-limit': 1}
FAST = {'max-bandwidth': 16 << 30, 'downtime-limit': 60000}
ENDS = ('cancelled', 'completed', 'failed')
PAIR = [{'a': 1, 'b': 40000}]


def side(directory: Path, name: str, *more: str) -> Guest:
    """A QEMU with ranges of its own."""
    place = directory / name
    place.mkdir()
    args: List[str] = [*hybrid(place, **FULL_RATE), '-smp', '2', *more]
    return Guest(directory, CHECKER, args)


def set_speed(guest: Guest, speed: Dict[str, Any]) -> None:
    guest.cmd('migrate-set-parameters', speed)


def migration(guest: Guest) -> Dict[str, Any]:
    answer: Dict[str, Any] = guest.cmd('query-migrate')
    return answer


def start_migration(source: Guest, uri: str) -> None:
    """Migrates slowly, until RAM has been walked a few times."""
    set_speed(source, SLOW)
    source.cmd('migrate', uri=uri)
    wait_until(lambda: source.raminate()['state'] == 'held',
               "swaps held", source)
    before = source.raminate()
    check('held-because' in before, "no reason is given")
    wait_until(lambda: migration(source).get('ram', {}).get(
        'dirty-sync-count', 0) >= 3, "three walks of RAM", source)
    check(source.raminate()['swaps'] == before['swaps'],
          "pages were swapped during migration")
    try:
        source.cmd('raminate-swap-pages', id='dmcon0', pairs=PAIR)
    except ExecuteError:
        return
    raise AssertionError("raminate-swap-pages works during migration")


def wait_for_status(guest: Guest, status: str) -> None:
    def reached() -> bool:
        now = migration(guest)
        is_it = now.get('status') == status
        check(is_it or now.get('status') not in ENDS, f"migration: {now}")
        return is_it
    wait_until(reached, f"migration to be {status}")


def checker_goes_on_at_the_destination(directory: Path) -> None:
    uri = f"unix:{directory / 'migration'}"
    with side(directory, 'source') as source, \
            side(directory, 'target', '-incoming', 'defer') as target:
        start_checker(source)
        target.launch()
        target.cmd('migrate-incoming', uri=uri)
        wait_for_swaps(source, 5000)
        start_migration(source, uri)
        set_speed(source, FAST)
        wait_for_status(source, 'completed')
        target.console.wait('checker: running')
        wait_for_swaps(target, 5000)
        wait_for_passes(target)
        finish_checker(target)
        check_figures(target.raminate())


def swaps_go_on_after_a_cancelled_migration(directory: Path) -> None:
    uri = f"unix:{directory / 'migration'}"
    with side(directory, 'source') as source, \
            side(directory, 'target', '-incoming', uri) as target:
        start_checker(source)
        target.launch()
        wait_for_swaps(source, 1000)
        start_migration(source, uri)
        source.cmd('migrate_cancel')
        wait_for_status(source, 'cancelled')
        target.kill()
        wait_for_swaps(source, 5000)
        wait_for_passes(source)
        finish_checker(source)
        check_figures(source.raminate())


def allow_post_copy(guest: Guest) -> None:
    try:
        guest.cmd('migrate-set-capabilities', capabilities=[
            {'capability': 'postcopy-ram', 'state': True}])
    except ExecuteError as err:
        if 'serfault' in str(err):
            raise Skip(str(err)) from err
        raise


def post_copy_goes_on_at_the_destination(directory: Path) -> None:
    """Pages that were sent are written, so that they must come once more."""
    uri = f"unix:{directory / 'migration'}"
    with side(directory, 'source') as source, \
            side(directory, 'target', '-incoming', 'defer') as target:
        target.launch()
        try:
            allow_post_copy(target)
        except ExecuteError as err:
            if 'not a file on a tmpfs' in str(err):
                raise Skip("/dev/shm is no tmpfs with room") from err
            raise
        start_checker(source)
        allow_post_copy(source)
        target.cmd('migrate-incoming', uri=uri)
        wait_for_swaps(source, 5000)
        start_migration(source, uri)
        # Slow enough for the guest to run without all of its memory.
        set_speed(source, {'max-postcopy-bandwidth': 4 << 20})
        source.cmd('migrate-start-postcopy')
        target.console.wait('checker: running')
        info = target.raminate()
        check(info['state'] == 'held' and info['swaps'] == 0,
              f"placement goes on during post-copy: {info}")
        check(migration(target)['status'] == 'postcopy-active',
              "post-copy ended before the test could look")
        set_speed(source, {'max-postcopy-bandwidth': 0})
        wait_for_status(source, 'completed')
        wait_for_swaps(target, 5000)
        wait_for_passes(target)
        finish_checker(target)
        check_figures(target.raminate())


run_tests(checker_goes_on_at_the_destination,
          swaps_go_on_after_a_cancelled_migration,
          post_copy_goes_on_at_the_destination)
