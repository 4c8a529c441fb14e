#!/usr/bin/env python3
# A guest that writes all the time migrates from libvirtd to libvirtd.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import threading
from typing import Callable, Iterator, Tuple

from document import blocks, replaced
from domain import NAME, Domain, make_disk, make_pools
from libvirtlib import (Host, check, check_figures, connect, finish_checker,
                        images, run_suites, wait_for_passes, wait_until)

# A second.  Migration ends when what is left takes no longer than the downtime
# allowed: at 1 ms and these speeds, 2 and 8 pages.  A guest that runs writes
# more.
SLOW_MIB = '8'
WALKS_MIB = '32'
NO_LIMIT_MS = '100000'


@contextlib.contextmanager
def two_hosts(directory: Path, suite: str) -> Iterator[Tuple[Host, Host]]:
    """Hosts with a cable between them, and a disk for both."""
    with images() as folder:
        make_disk(folder)
        with Host(directory, folder, suite, 1) as one, \
                Host(directory, folder, suite, 2) as two:
            connect(one, two)
            for host in (one, two):
                make_pools(host)
            yield one, two


def documented(target: Host) -> str:
    """The guide's command, for hosts without ssh.

    They share a directory, which is as good as a network file system, but
    libvirt can't know.
    """
    return replaced(blocks('Live migration')[0],
                    {'qemu+ssh://host2/': f'qemu+tcp://{target.name}/',
                     ' --live ': ' --live --unsafe '})


class Migration(threading.Thread):
    """The guide's command, running."""

    def __init__(self, source: Host, target: Host):
        super().__init__(daemon=True)
        self._source = source
        self._command = documented(target)
        self.failure = ''

    def run(self) -> None:
        result = self._source.call('sh', '-ec', self._command)
        self.failure = result.stderr if result.returncode else ''

    def reaches(self, condition: Callable[[], object], what: str,
                source: Domain) -> None:
        """Waits for something to happen on the way."""
        def reached() -> bool:
            check(self.is_alive(), f"migration has ended: {self.failure}")
            return bool(condition())
        wait_until(reached, what, source)


def start_migration(source: Domain, target: Host) -> Migration:
    """Migrates slowly, until memory has been walked a few times."""
    source.host.run('virsh', 'migrate-setspeed', NAME, SLOW_MIB)
    migration = Migration(source.host, target)
    migration.start()
    # For a moment, they may be held for another reason.
    migration.reaches(lambda: source.raminate().get('held-because') ==
                      'a migration is in progress', "swaps held", source)
    before = source.raminate()
    source.host.run('virsh', 'migrate-setmaxdowntime', NAME, '1')
    source.host.run('virsh', 'migrate-setspeed', NAME, WALKS_MIB)
    migration.reaches(
        lambda: source.command('query-migrate').get('ram', {}).get(
            'dirty-sync-count', 0) >= 3, "three walks of memory", source)
    check(source.raminate()['swaps'] == before['swaps'],
          "pages were swapped during migration")
    return migration


def migrate(source: Domain, target: Host) -> Domain:
    """Moves the domain; returns it as it runs there."""
    migration = start_migration(source, target)
    source.host.run('virsh', 'migrate-setmaxdowntime', NAME, NO_LIMIT_MS)
    migration.join()
    check(not migration.failure, migration.failure)
    source.console.check()
    check(NAME not in source.host.run('virsh', 'list', '--all'),
          "the source still has the domain")
    return Domain(target)


def look(domain: Domain) -> None:
    """Pages move, and nothing is lost."""
    domain.wait_for_swaps(3000)
    wait_for_passes(domain)
    check_figures(domain.raminate())


def goes_there_and_back(directory: Path, suite: str) -> None:
    with two_hosts(directory, suite) as (one, two):
        domain = Domain(one)
        domain.start_checker()
        look(domain)
        for target in (two, one):
            domain = migrate(domain, target)
            look(domain)
        finish_checker(domain)


def stays_if_it_is_aborted(directory: Path, suite: str) -> None:
    with two_hosts(directory, suite) as (one, two):
        domain = Domain(one)
        domain.start_checker()
        migration = start_migration(domain, two)
        one.run('virsh', 'domjobabort', NAME)
        migration.join()
        check('migration out job: canceled by client' in migration.failure
              or 'operation aborted' in migration.failure, migration.failure)
        look(domain)
        finish_checker(domain)
        wait_until(lambda: 'hybrid' not in two.run('raminate-pool', 'list'),
                   "the target's ranges to be free")


run_suites(goes_there_and_back, stays_if_it_is_aborted)
