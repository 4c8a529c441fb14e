#!/usr/bin/env python3
# Domains that AppArmor confines have hybrid memory by the rules we install.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import shutil
import sys
import tempfile

from libvirtlib import Skip, paths, require_privileges
import packages

sys.path[:0] = [str(paths.SOURCE / 'tests' / 'nested'),
                str(paths.SOURCE / 'tests' / 'tools')]

# pylint: disable=wrong-import-position
from installing import install  # noqa: E402
from machine import Machine  # noqa: E402
from nestedlib import (  # noqa: E402
    Tap, main, report, run_script, skip, stock_machine)

SCRIPT = Path(__file__).resolve().parent / 'on_apparmor.py'
TIMEOUT = 1500


class ApparmorMachine(Machine):
    """A host in which a directory can be put on top of another one."""
    share_modules = (*Machine.share_modules, 'overlay')


def installed(directory: Path, others: Path) -> Path:
    """libvirt's files, AppArmor's, and ours as make install puts them."""
    root = directory / 'root'
    shutil.copytree(others, root, symlinks=True)
    install(root)
    return root


def run(tap: Tap) -> None:
    try:
        require_privileges()
        others = packages.find('', packages.APPARMOR)
    except Skip as reason:
        skip(str(reason))
    # Not below /usr, /etc or /var, which get layers on top.
    with tempfile.TemporaryDirectory(prefix='raminate-',
                                     dir=paths.BUILD) as name:
        directory = Path(name)
        directory.chmod(0o755)
        root = installed(directory, others)
        host = stock_machine(directory, make=ApparmorMachine)
        host.parameters = ['apparmor=1', 'security=apparmor']
        result = run_script(host, SCRIPT, str(root), *sys.argv[1:],
                            timeout=TIMEOUT)
        report(tap, 'apparmor', result)


if __name__ == '__main__':
    main(run)
