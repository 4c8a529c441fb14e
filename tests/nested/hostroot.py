# A host's root directory to install things in, for tests; see in-host-root.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import subprocess
import sys
from typing import Dict

from machine import SOURCE, paths
from nestedlib import NESTED, kernel_directory, skip

ENTER = Path(__file__).resolve().parent / 'in-host-root'
INSIDE = 'RAMINATE_IN_HOST_ROOT'
CCACHE = Path('/usr/lib/ccache')


def enter() -> None:
    """Starts the calling script again, as root of its own directory."""
    if INSIDE in os.environ:
        return
    if os.geteuid() != 0:
        skip("only root can have a root directory of its own")
    try:
        kernel_directory()      # gets it, and keeps it
    except paths.SetupError as err:
        print(f'Bail out! {err}')
        sys.exit(1)
    command = [str(ENTER), str(SOURCE), str(paths.BUILD), '--']
    tried = subprocess.run([*command, 'true'], check=False, text=True,
                           stderr=subprocess.PIPE)
    if tried.returncode != 0:
        skip("this machine can't mount a root directory: "
             f"{tried.stderr.strip()}")
    os.environ[INSIDE] = '1'
    os.execv(ENTER, [*command, sys.executable,
                     os.path.abspath(sys.argv[0]), *sys.argv[1:]])


def environment() -> Dict[str, str]:
    """For builds that are the same each time."""
    env = dict(os.environ, DEBIAN_FRONTEND='noninteractive', LC_ALL='C.UTF-8',
               INITRD='No')     # nobody boots it
    if CCACHE.is_dir():
        env.update(PATH=f'{CCACHE}:{env["PATH"]}',
                   CCACHE_DIR=str(NESTED / 'ccache'))
    return env


def shell(command: str) -> 'subprocess.CompletedProcess[str]':
    """Runs a command as root of the directory; all output is in stdout."""
    return subprocess.run(['bash', '-c', command], check=False, text=True,
                          env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def must(command: str) -> str:
    """The same, for what can't be done without."""
    ended = shell(command)
    if ended.returncode != 0:
        raise paths.SetupError(f"{command} failed: "
                               + ' | '.join(ended.stdout.splitlines()[-8:]))
    return ended.stdout


def install_kernel() -> str:
    """Installs the kernel that the tests use; returns its release."""
    release = (kernel_directory() / 'release').read_text().strip()
    # Some other installation may have been under way.
    must('dpkg --configure -a')
    must('apt-get -q install -y --no-install-recommends '
         f'linux-image-{release} kmod')
    return release
