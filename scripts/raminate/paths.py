# Where things are in the source tree and in the build tree.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import subprocess
import sys

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get('RAMINATE_BUILD', SOURCE / 'build')).resolve()
QEMU_SOURCE = Path(os.environ.get('RAMINATE_QEMU_SRC',
                                  SOURCE / 'qemu' / 'src')).resolve()
QEMU = Path(os.environ.get('QEMU', BUILD / 'qemu' / 'qemu-system-x86_64'))
GUEST_PROGRAMS = BUILD / 'tests' / 'guest'


class SetupError(Exception):
    """Something that is needed is not there; the message says what to do."""


def add_qemu_python() -> None:
    """Makes QEMU's own Python packages importable, as its scripts do."""
    path = QEMU_SOURCE / 'python'
    if not (path / 'qemu' / 'machine').is_dir():
        raise SetupError(f"{path} has no QEMU Python package; "
                         "run ./configure first, or set RAMINATE_QEMU_SRC")
    sys.path.insert(0, str(path))


def guest_program(name: str) -> Path:
    path = GUEST_PROGRAMS / name
    if not path.is_file():
        raise SetupError(f"{path} is missing; run make first, "
                         "or set RAMINATE_BUILD to the build directory")
    return path


def require_qemu(binary: Path = QEMU) -> str:
    if not os.access(binary, os.X_OK):
        raise SetupError(f"QEMU binary {binary} is missing; run make first, "
                         "or set QEMU to the binary")
    return str(binary)


def firmware(name: str) -> Path:
    """Of those that QEMU finds by itself."""
    places = subprocess.run([require_qemu(), '-L', 'help'], check=True,
                            text=True, stdout=subprocess.PIPE
                            ).stdout.splitlines()
    for place in places:
        if (Path(place) / name).is_file():
            return Path(place) / name
    raise SetupError(f"QEMU has no {name}; run ./configure")
