# Installs what was built below another directory, as the Makefile does.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import subprocess
import sys

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'scripts'))

# pylint: disable=wrong-import-position
from raminate import paths  # noqa: E402

SETUP = paths.SOURCE / 'scripts' / 'setup'


def python() -> str:
    """The one that has meson, as configure found it."""
    text = (paths.BUILD / 'config.mk').read_text()
    return re.findall('^PYTHON := (.*)$', text, re.M)[0]


def install(destdir: Path, *options: str) -> None:
    """The list of what is installed is kept beside the directory."""
    result = subprocess.run(
        [python(), SETUP / 'install.py', *options, paths.BUILD,
         destdir.parent / 'installed.json'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8',
        check=False, env={**os.environ, 'DESTDIR': str(destdir)})
    if result.returncode != 0:
        raise AssertionError(result.stdout[-2000:])
