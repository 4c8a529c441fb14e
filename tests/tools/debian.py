# Finds programs that only tests need, or gets Debian's packages of them
# without installing: some would start a server.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import fcntl
import os
from pathlib import Path
import shutil
import subprocess
import tempfile

from toolslib import Skip, paths

CACHE = paths.BUILD / 'debian'


def find(program: str, *packages: str) -> str:
    """Path of a program, which one of the packages has."""
    installed = shutil.which(program)
    if installed:
        return installed
    for package in packages:
        for folder in ('usr/bin', 'bin'):
            path = unpacked(package) / folder / program
            if path.exists():
                return str(path)
    raise Skip(f"no {program} in Debian's {' or '.join(packages)}: install "
               "one that is in PATH")


def promtool() -> str:
    """Path of promtool, which became a package of its own in Debian 13."""
    return find('promtool', 'prometheus', 'promtool')


def unpacked(package: str) -> Path:
    """The directory with a package's files."""
    root = CACHE / package
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f'{package}.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _fetch(package, root)
    return root


def _fetch(package: str, root: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        # apt drops privileges, and must be able to write.
        os.chmod(folder, 0o777)
        try:
            subprocess.run(['apt-get', '-qq', 'download', package],
                           cwd=folder, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            file = next(folder.glob(f'{package}_*.deb'))
            subprocess.run(['dpkg', '-x', str(file), str(folder / 'root')],
                           check=True)
        except (OSError, subprocess.CalledProcessError) as err:
            raise Skip(f"no {package}: install Debian's package, or one "
                       f"that is in PATH ({err})") from err
        (folder / 'root').rename(root)
