#!/usr/bin/env python3
# Packages on each release of Debian, booted with its own kernel and systemd:
# the exporter's service has the rights that it needs and no more, and the KVM
# modules that DKMS has built are used.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import tempfile
from typing import Sequence

import booted
import extension
import roots
import service
from test_packages import HERE, HOST, check, of_each_suite, packages, run_tests


def run(suite: str, ours: Sequence[str], others: Sequence[str], program: str
        ) -> str:
    """What a program prints where these packages are, and what they need."""
    debs = [str(path) for path in packages(suite)
            if path.name.partition('_')[0] in ours]
    root = roots.find(suite, 'booted', (*HOST, *booted.SYSTEM))
    with tempfile.TemporaryDirectory(dir=roots.CACHE) as folder:
        return booted.run(root, f'''
            apt-get -q update
            apt-get -q install -y --no-install-recommends {' '.join(others)}
            apt-get -q install -y --no-install-recommends {' '.join(debs)}
        ''', HERE / program, Path(folder), [roots.CACHE / suite])


def service_runs(_: Path, suite: str) -> None:
    said = run(suite, ('raminate-qemu', 'raminate-tools'), (), 'service.py')
    check(said.splitlines() == [f'ok {name}' for name in service.NAMES], said)


def kvm_extension_is_used(_: Path, suite: str) -> None:
    said = run(suite, ('raminate-kvm-dkms', 'raminate-qemu', 'raminate-tools'),
               ('dkms', 'kmod', 'linux-headers-amd64'), 'extension.py')
    check(said.splitlines() == [f'ok {name}' for name in extension.NAMES],
          said)


run_tests(*of_each_suite(service_runs, kvm_extension_is_used))
