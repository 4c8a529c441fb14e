# Other suites of the machine's own mirror, as configure sees them: without any
# change to the system's sources.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import subprocess
from typing import List

from . import paths

# "$1" is a directory to work in, "$2" our source; suites follow.
PRIVATE_APT = '''
temp_dir=$1; build_dir=$1; source_dir=$2
shift 2
. "$source_dir/scripts/setup/apt.sh"
apt_available && apt_use_suites deb "$@" || exit 1
printf '%s\\n' "${apt_options[@]}"
'''


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
