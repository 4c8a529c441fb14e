# An apt that has packages of a test's own.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import shutil
import subprocess
from typing import Dict, Iterator

from toolslib import Skip

Files = Dict[str, bytes]


def make_package(archive: Path, name: str, files: Files,
                 version: str = '1') -> None:
    """Puts NAME.deb into the archive."""
    tree = archive / name
    (tree / 'DEBIAN').mkdir(parents=True)
    (tree / 'DEBIAN' / 'control').write_text(
        f'Package: {name}\nVersion: {version}\nArchitecture: all\n'
        'Maintainer: nobody\nDescription: a test\n')
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    subprocess.run(['dpkg-deb', '-b', '-Znone', tree, f'{tree}.deb'],
                   check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def fake_apt(archive: Path, programs: Dict[str, str]) -> Iterator[None]:
    """Meanwhile these shell scripts are found by name; $archive is set."""
    for name, text in programs.items():
        (archive / name).write_text(f'#!/bin/sh\narchive={archive}\n{text}\n')
        (archive / name).chmod(0o755)
    path = os.environ['PATH']
    os.environ['PATH'] = f'{archive}:{path}'
    try:
        yield
    finally:
        os.environ['PATH'] = path


def make_archive(directory: Path) -> Path:
    if shutil.which('dpkg-deb') is None:
        raise Skip("there is no dpkg-deb; install dpkg")
    archive = directory / 'archive'
    archive.mkdir()
    return archive
