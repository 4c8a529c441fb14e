# Other suites of the machine's own mirror, as configure sees them: without any
# change to the system's sources.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import subprocess
import tempfile
from typing import List, Sequence

from . import paths

# "$1" is a directory to work in, "$2" our source; suites follow.
PRIVATE_APT = '''
temp_dir=$1; build_dir=$1; source_dir=$2
shift 2
. "$source_dir/scripts/setup/apt.sh"
apt_available && apt_use_suites deb "$@" || exit 1
printf '%s\\n' "${apt_options[@]}"
'''

# apt-cache's, by which it lists all that packages can't be without
DEPENDS = ('depends', '--recurse', '--no-recommends', '--no-suggests',
           '--no-conflicts', '--no-breaks', '--no-replaces', '--no-enhances')
# For a directory that the sandbox user of apt may not write to
AS_ROOT = ('-o', 'APT::Sandbox::User=root')


class NoPackage(paths.SetupError):
    """apt knows no such package."""


def suite_options(folder: Path, *suites: str) -> List[str]:
    """Options by which apt sees these suites alone.

    What apt needs for that is kept in the folder.
    """
    ended = subprocess.run(
        ['bash', '-c', PRIVATE_APT, 'bash', folder, paths.SOURCE, *suites],
        check=False, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, env=dict(os.environ, LC_ALL='C'))
    if ended.returncode != 0:
        raise NoPackage("apt's sources name no mirror of this distribution, "
                        f"which could have {' and '.join(suites)}")
    return ended.stdout.splitlines()


def config_file(folder: Path, *suites: str) -> Path:
    """The same for programs that call apt: APT_CONFIG has to name the file."""
    path = folder / 'apt.conf'
    path.write_text(''.join(
        '{} "{}";\n'.format(*option.split('=', 1))
        for option in suite_options(folder, *suites) if option != '-o'))
    return path


def unpack(root: Path, suite: str, packages: Sequence[str]) -> None:
    """Unpacks packages of a suite with all that they need, libc included."""
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        options = suite_options(Path(folder), suite)
        try:
            listed = _output('apt-cache', *options, *DEPENDS, *packages)
        except paths.SetupError as err:
            raise NoPackage(f"apt knows no {' or '.join(packages)} of {suite}"
                            ) from err
        wanted = re.findall(r'^[a-z]\S*$', listed, re.M)
        _output('apt-get', *options, *AS_ROOT, '-q', 'download', *wanted,
                folder=folder)
        for deb in Path(folder).glob('*.deb'):
            _output('dpkg', '-x', str(deb), f'{folder}/root')
        (Path(folder) / 'root').rename(root)


def _output(*command: str, folder: str = '.') -> str:
    ended = subprocess.run(command, check=False, text=True, cwd=folder,
                           env=dict(os.environ, LC_ALL='C'),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
    if ended.returncode != 0:
        raise paths.SetupError(f"{command[0]} failed: {ended.stderr.strip()}")
    return ended.stdout
