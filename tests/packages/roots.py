# Root directories of Debian's releases, to make packages and install them in.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import fcntl
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import Skip  # noqa: E402
from raminate import apt, paths  # noqa: E402

CACHE = paths.BUILD / 'packages'
ENTER = paths.SOURCE / 'tests' / 'nested' / 'in-host-root'
# Has meson 1.5, as a build on Debian 12 needs it
BACKPORTS = {'bookworm': 'bookworm-backports'}
FROM_BACKPORTS = ('meson', 'python3-pycotap')


def require() -> None:
    """What it takes to have root directories at all."""
    if os.geteuid() != 0:
        raise Skip("only root can have a root directory of its own")
    subprocess.run([paths.SOURCE / 'scripts' / 'setup' / 'need', 'packages'],
                   check=True, stdout=sys.stderr)
    if not shutil.which('mmdebstrap'):
        raise Skip("there is no mmdebstrap")


def build_dependencies() -> List[str]:
    """Those that debian/control names."""
    text = (paths.SOURCE / 'debian' / 'control').read_text()
    listed = re.search(r'^Build-Depends:\n((?: .*\n)+)', text, re.M)
    assert listed is not None
    names = re.findall(r'^ ([\w.+-]+)', listed.group(1), re.M)
    return ['debhelper' if name == 'debhelper-compat' else name
            for name in names]


def find(suite: str, name: str, packages: Sequence[str]) -> Path:
    """A root directory with these packages, made once for them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    root = CACHE / f'{suite}-{name}'
    made_for = Path(f'{root}.packages')
    wanted = '\n'.join(packages)
    with open(f'{root}.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (not root.is_dir() or not made_for.exists()
                or made_for.read_text() != wanted):
            shutil.rmtree(root, ignore_errors=True)
            _make(suite, root, packages)
            made_for.write_text(wanted)
    return root


def _make(suite: str, root: Path, packages: Sequence[str]) -> None:
    new = Path(f'{root}.new')
    if new.exists():
        shutil.rmtree(new)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        os.chmod(folder, 0o755)
        apt.suite_options(Path(folder), suite,
                          *([BACKPORTS[suite]] if suite in BACKPORTS else []))
        sources = sorted(Path(folder).glob('apt/sources/*'))
        names = [f'{name}/{BACKPORTS[suite]}'
                 if name in FROM_BACKPORTS and suite in BACKPORTS else name
                 for name in packages]
        ended = subprocess.run(
            ['mmdebstrap', '--variant=minbase', '--mode=root',
             '--format=directory', '--skip=cleanup/apt',
             '--aptopt=Acquire::Languages "none"',
             f"--include={','.join(names)}", suite, str(new),
             *map(str, sources)], check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding='utf-8')
    if ended.returncode != 0:
        raise Skip(f"no root directory of {suite} can be had: "
                   + ' | '.join(ended.stdout.splitlines()[-3:]))
    new.rename(root)


def run(root: Path, script: str, *shared: Path) -> str:
    """Runs a script there; what it changes elsewhere is lost.

    Variables of packagers are handed on: DEB_BUILD_OPTIONS and its like.
    """
    shared = (*shared, CACHE / 'ccache')
    for folder in shared:
        folder.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        [ENTER, '--of', root, *map(str, shared), '--', 'bash', '-euc',
         script], check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8',
        env={**{name: value for name, value in os.environ.items()
                if name.startswith('DEB_')},
             'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
             'HOME': '/root', 'DEBIAN_FRONTEND': 'noninteractive',
             'CCACHE_DIR': str(CACHE / 'ccache')})
    if ended.returncode != 0:
        raise AssertionError(f'{script}\nin {root}:\n'
                             + '\n'.join(ended.stdout.splitlines()[-60:]))
    return ended.stdout
