#!/usr/bin/env python3
# A guest that writes all the time migrates, and is swapped on both sides.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Any, Dict, List

from guestlib import (CHECKER, FULL_RATE, PATIENCE, Boot, Guest, Skip, check,
                      check_figures, finish_checker, hybrid, run_tests,
                      start_checker, wait_for_passes, wait_for_swaps,
                      wait_until)
from qemu.qmp import ExecuteError

# Migration ends when what is left takes no longer than the downtime allowed: 8
# pages here.  The guest writes more than it sends even on a slow host.
SLOW = {'max-bandwidth': 32 << 20, 'downtime-limit': 1}
FAST = {'max-bandwidth': 16 << 30, 'downtime-limit': 60000}
ENDS = ('cancelled', 'completed', 'failed')
PAIR = [{'a': 1, 'b': 40000}]
# Writes 1500 pages at each tick, and others now and then.
WORKLOAD = ('arena=30000', 'hot=1500', 'thin=400')
SCANS = 20


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


def hot_side(directory: Path, name: str, *more: str) -> Guest:
    """A QEMU for a guest whose hot pages fit in a third of DRAM."""
    place = directory / name
    place.mkdir()
    args = hybrid(place, policy='cmq', scan_period=500, swap_period=1000,
                  life_time=2500)
    return Guest(directory, Boot(['/bin/workload', *WORKLOAD]),
                 [*args, '-smp', '2', *more])


def slow_share(guest: Guest, since: Dict[str, Any]) -> float:
    """Of the writes found in the next SCANS scans."""
    wait_until(lambda: guest.raminate()['scans'] >= since['scans'] + SCANS,
               f"{SCANS} scans", guest)
    fast, slow = (now['total-written'] - before['total-written']
                  for now, before in zip(guest.raminate()['tiers'],
                                         since['tiers']))
    return float(slow / (fast + slow))


def settle(guest: Guest) -> float:
    """Waits until hot pages are fast; returns the slow share then."""
    shares: List[float] = []

    def settled() -> bool:
        shares.append(slow_share(guest, guest.raminate()))
        return len(shares) > 1 and shares[-1] > 0.9 * shares[-2]
    wait_until(settled, "hot pages in fast memory", guest)
    return sum(shares[-2:]) / 2


def migrate_at_once(source: Guest, target: Guest, uri: str) -> None:
    target.launch()
    set_speed(source, FAST)
    source.cmd('migrate', uri=uri)
    wait_for_status(source, 'completed')
    source.kill()


def destination_starts_warm(directory: Path) -> None:
    """And cold without migrate-heat, which shows that it is by that."""
    uris = [f"unix:{directory / name}" for name in ('warm', 'cold')]
    with hot_side(directory, 'source') as source, \
            hot_side(directory, 'second', '-incoming', uris[0]) as second, \
            hot_side(directory, 'third', '-incoming', uris[1]) as third:
        source.launch()
        source.console.wait('workload: phase 1', PATIENCE)
        before = settle(source)
        none = {'scans': 0, 'tiers': [{'total-written': 0}] * 2}
        migrate_at_once(source, second, uris[0])
        warm = slow_share(second, none)
        second.set('migrate-heat', False)
        migrate_at_once(second, third, uris[1])
        cold = slow_share(third, none)
        print(f"# slow share: {before:.3f}, then {warm:.3f} with heat and "
              f"{cold:.3f} without")
        # Chance alone changes a few hundredths by a fifth.
        check(warm - before <= (cold - before) / 5,
              "the destination did not start warm")
        check(cold > 2 * before, "a cold start looks like a warm one")


run_tests(checker_goes_on_at_the_destination,
          swaps_go_on_after_a_cancelled_migration,
          post_copy_goes_on_at_the_destination,
          destination_starts_warm)
