# Finds Prometheus, or gets Debian's without installing it: the package would
# start a server.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import fcntl
import os
from pathlib import Path
import shutil
import subprocess
import tempfile

from toolslib import Skip, paths

CACHE = paths.BUILD / 'prometheus'


def find(program: str) -> str:
    """Path of prometheus or promtool."""
    installed = shutil.which(program)
    if installed:
        return installed
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with open(CACHE.with_suffix('.lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not CACHE.is_dir():
            _fetch()
    return str(CACHE / 'usr' / 'bin' / program)


def _fetch() -> None:
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as name:
        folder = Path(name)
        # apt drops privileges, and must be able to write.
        os.chmod(folder, 0o777)
        try:
            subprocess.run(['apt-get', '-qq', 'download', 'prometheus'],
                           cwd=folder, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            package = next(folder.glob('prometheus_*.deb'))
            subprocess.run(['dpkg', '-x', str(package),
                            str(folder / 'root')], check=True)
        except (OSError, subprocess.CalledProcessError) as err:
            raise Skip("no prometheus: install Debian's package, or one "
                       f"that is in PATH ({err})") from err
        (folder / 'root').rename(CACHE)
