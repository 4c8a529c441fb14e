# Copies what a test needs of the host's file system into a directory: for a
# machine that cannot share all of it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import shutil
import subprocess
from typing import List

from machine import SOURCE, kernel, paths

PROGRAMS = ('env', 'python3', 'setpriv')
LIBRARY = "import sysconfig; print(sysconfig.get_path('stdlib'))"
FIRMWARE = ('bios-256k.bin', 'kvmvapic.bin', 'linuxboot_dma.bin')
SCRIPTS = ('scripts/raminate', 'tests/guest', 'tests/nested')
MERGED = ('bin', 'lib', 'lib64', 'sbin')
# Large, or of no use to a test.
UNUSED = shutil.ignore_patterns(
    '*-packages', 'config-*', 'ensurepip', 'idlelib', 'lib2to3', 'pydoc_data',
    'test', 'tkinter', 'turtledemo')


class Tree:
    """A directory that becomes a root directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for name in MERGED:
            link = Path('/') / name
            if link.is_symlink():
                (root / 'usr' / name).mkdir(parents=True)
                (root / name).symlink_to(os.readlink(link))
        for name in ('dev', 'proc', 'sys', 'tmp'):
            (root / name).mkdir()

    def _place(self, path: Path) -> Path:
        place = self._root / path.relative_to('/')
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def add(self, *files: Path) -> None:
        for file in files:
            shutil.copy(file, self._place(file))

    def add_directory(self, directory: Path) -> None:
        shutil.copytree(directory, self._place(directory), ignore=UNUSED)

    def add_program(self, program: Path) -> None:
        """Without debugging information, most of its size."""
        subprocess.run(['strip', '-o', self._place(program), program],
                       check=True)
        self.add(*libraries(program))


def libraries(program: Path) -> List[Path]:
    listed = subprocess.run(['ldd', program], check=False, text=True,
                            stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    return [Path(name) for name in re.findall(r'(/\S+) \(0x', listed)]


def copy(root: Path) -> None:
    """QEMU, guests, Python, and our scripts."""
    tree = Tree(root)
    for name in PROGRAMS:
        tree.add_program(Path('/usr/bin') / name)
    tree.add_program(paths.QEMU)
    tree.add(*map(paths.firmware, FIRMWARE), kernel.find().image)
    # Not this Python's, which may be another one.
    library = Path(subprocess.run(['/usr/bin/python3', '-c', LIBRARY],
                                  check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip())
    tree.add_directory(library)
    for module in (library / 'lib-dynload').glob('*.so'):
        tree.add(*libraries(module))
    tree.add_directory(paths.QEMU_SOURCE / 'python' / 'qemu')
    for folder in SCRIPTS:
        tree.add(*(SOURCE / folder).glob('*.py'))
    tree.add(*(file for file in paths.GUEST_PROGRAMS.iterdir()
               if file.is_file()))
