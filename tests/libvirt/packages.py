# Gets Debian's libvirt without installing it: the packages would start
# services.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import fcntl
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile
from typing import List, Sequence

from libvirtlib import Skip, paths
from raminate import apt

WANTED = ('libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-clients')
# With what confines domains, too
APPARMOR = (*WANTED, 'apparmor', 'libvirt-daemon-system')
# Part of qemu-system-x86 in Debian 12
SPICE = 'qemu-system-modules-spice'
# Debian's QEMU as well, and what guests with UEFI and a TPM take
DESKTOP = ('libvirt-daemon-system', 'libvirt-clients', 'ovmf', SPICE,
           'qemu-system-x86', 'swtpm-tools', 'virtinst')
SETS = {WANTED: '', APPARMOR: '-apparmor', DESKTOP: '-desktop'}
# Releases whose backports have a newer libvirt
BACKPORTED = ('bookworm', 'trixie')
# libvirtd ends at its start where it has these, and finds no firewall.
LEFT_OUT = re.compile('libvirt-daemon-(config|driver)-(network|nwfilter)$')
CACHE = paths.BUILD / 'libvirt'


def codename() -> str:
    """The distribution's release, empty if it has no such name."""
    try:
        text = Path('/etc/os-release').read_text()
    except OSError:
        return ''
    match = re.search(r'^VERSION_CODENAME=(\w+)', text, re.M)
    return match.group(1) if match else ''


def suites() -> List[str]:
    """Where libvirt can be had: the distribution itself, then backports."""
    return [''] + ([f'{codename()}-backports'] if codename() in BACKPORTED
                   else [])


def find(suite: str, wanted: Sequence[str] = WANTED) -> Path:
    """The root directory of what packages install, one of SETS."""
    cache = CACHE / ((suite or 'stable') + SETS[tuple(wanted)])
    cache.parent.mkdir(parents=True, exist_ok=True)
    with open(cache.with_suffix('.lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cache.is_dir():
            _fetch(suite, cache, wanted)
    return cache


def _fetch(suite: str, cache: Path, wanted: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=cache.parent) as name:
        folder = Path(name)
        # apt drops privileges, and must be able to write.
        os.chmod(folder, 0o777)
        try:
            options = _options(suite, folder)
            (folder / 'debs').mkdir(mode=0o777)
            os.chmod(folder / 'debs', 0o777)
            _run('apt-get', '-qq', *options, 'download',
                 *_names(options, wanted), cwd=folder / 'debs')
            _unpack(folder / 'debs', folder / 'root')
        except (OSError, subprocess.CalledProcessError,
                apt.NoPackage) as err:
            raise Skip(f"libvirt's packages can't be had ({err})") from err
        (folder / 'root').rename(cache)


def _run(*args: str, cwd: Path) -> str:
    return subprocess.run(args, cwd=cwd, check=True, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL,
                          env=dict(os.environ, LC_ALL='C')).stdout


def _options(suite: str, folder: Path) -> List[str]:
    if suite:
        return [*apt.suite_options(folder, codename(), suite), '-t', suite]
    if os.geteuid() == 0 and not _run('apt-cache', 'search', '--names-only',
                                      f'^{WANTED[0]}$', cwd=folder):
        _run('apt-get', '-qq', 'update', cwd=folder)
    return []


def _names(options: List[str], wanted: Sequence[str]) -> List[str]:
    """These packages, and what they need that the system lacks."""
    there = _run('apt-cache', *options, 'search', '--names-only', f'^{SPICE}$',
                 cwd=Path('/'))
    wanted = [name for name in wanted if name != SPICE or there]
    plan = _run('apt-get', *options, '--simulate', '--reinstall',
                '--no-install-recommends', 'install', *wanted, cwd=Path('/'))
    return [name for name in re.findall(r'^Inst (\S+)', plan, re.M)
            if not LEFT_OUT.match(name)]


def _unpack(packages: Path, root: Path) -> None:
    """Unpacks them as on a system whose /lib is /usr/lib, and so on."""
    for package in sorted(packages.glob('*.deb')):
        _run('dpkg', '-x', str(package), str(root), cwd=packages)
    for name in ('lib', 'sbin'):
        if (root / name).is_dir():
            shutil.copytree(root / name, root / 'usr' / name, symlinks=True,
                            dirs_exist_ok=True)
            shutil.rmtree(root / name)
