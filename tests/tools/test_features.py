#!/usr/bin/env python3
# QEMU has what its libraries are for, and a document names all of it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import subprocess
import sys
from typing import Dict, Set

from toolslib import check, paths, run_tests

sys.path.insert(0, str(paths.SOURCE / 'tests' / 'packages'))

# pylint: disable=wrong-import-position
import features  # noqa: E402

SETUP = paths.SOURCE / 'scripts' / 'setup'
DOCUMENT = paths.SOURCE / 'docs' / 'build.md'
# Are part of another, or seen only with a guest or a viewer.
NOT_TRIED = {'attr', 'cap-ng', 'iconv', 'spice-protocol', 'vnc-jpeg'}


def optional() -> Dict[str, str]:
    """What QEMU gets if a library is there: its name, how it is found."""
    text = (SETUP / 'qemu-build.sh').read_text()
    [listed] = re.findall(r'^qemu_optional="\n(.*?)^"', text, re.M | re.S)
    return dict(line.split() for line in listed.splitlines())


def packages() -> Dict[str, str]:
    """Which package has a library, by how it is found."""
    lines = (SETUP / 'requirements').read_text().splitlines()
    return {line.split()[2]: line.split()[1] for line in lines
            if not line.startswith('#')}


def left_out() -> Set[str]:
    """What has no library here, or was not wanted."""
    built = (paths.BUILD / 'configure-qemu.args').read_text().split()
    return {name for name in optional() if f'--enable-{name}' not in built
            or f'--disable-{name}' in built}


def what_is_built_works(_: Path) -> None:
    missing = left_out()
    names = [name for name in features.NAMES
             if features.NEEDS.get(name, name) not in missing]
    ended = subprocess.run(
        [features.__file__, paths.require_qemu(), paths.QEMU.parent, *names],
        check=False, stdout=subprocess.PIPE, encoding='utf-8')
    check(ended.stdout.splitlines() == [f'ok {name}' for name in names],
          ended.stdout)


def each_library_is_tried(_: Path) -> None:
    untried = set(optional()) - set(features.NAMES)
    check(untried == NOT_TRIED, untried ^ NOT_TRIED)


def the_document_names_all(_: Path) -> None:
    rows = re.findall(r'^\| (`.*?`) \| `(\S+)` \|', DOCUMENT.read_text(), re.M)
    named = {name: package for names, package in rows
             for name in re.findall(r'`(\S+)`', names)}
    found = {name: packages()[how] for name, how in optional().items()}
    check(named == found, f'{sorted(named.items())}\n{sorted(found.items())}')


if __name__ == '__main__':
    run_tests(what_is_built_works, each_library_is_tried,
              the_document_names_all)
