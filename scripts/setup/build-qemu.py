#!/usr/bin/env python3
"""Build what is installed of QEMU, our qtests, and some of QEMU's.

QEMU's default target has twice as much to compile: all of its own tests.

Usage: build-qemu.py BUILD-DIRECTORY STAMP QTEST...
SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import os
import pathlib
import subprocess
import sys

OUR_QTESTS = '/tests/qtest/raminate/meson.build'


def wanted_targets(build):
    """Return the files to build that meson knows of."""
    text = (build / 'meson-info' / 'intro-targets.json').read_text()
    for target in json.loads(text):
        if target['installed'] or target['defined_in'].endswith(OUR_QTESTS):
            for name in target['filename']:
                yield os.path.relpath(name, build)


def main():
    """Run ninja, and leave the stamp if all is well."""
    build = pathlib.Path(sys.argv[1])
    stamp = pathlib.Path(sys.argv[2])
    qtests = [f'tests/qtest/{name}' for name in sys.argv[3:]]
    command = [os.environ.get('NINJA', 'ninja'), '-C', build]
    command += os.environ.get('RAMINATE_JOBS', '').split()
    # Else a target that is new is not among those that meson knows of.
    status = subprocess.run(command + ['--quiet', 'build.ninja'],
                            check=False).returncode
    if status == 0:
        command += wanted_targets(build)
        status = subprocess.run(command + qtests, check=False).returncode
    if status == 0:
        stamp.touch()
    return status


if __name__ == '__main__':
    sys.exit(main())
