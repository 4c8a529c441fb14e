"""Install what was built, and remember it; or remove it again.

Usage: install.py [--remove] BUILD MANIFEST
The manifest has the names of all files and directories that were made below
each DESTDIR, by this or by an earlier version.
SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

LOG = 'meson-logs/install-log.txt'


def read_manifest(path):
    """Return the paths that were made, by DESTDIR."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def write_manifest(path, manifest):
    """Keep it, unless there is nothing to keep."""
    new = path.with_suffix('.new')
    new.write_text(json.dumps(manifest, indent=1))
    new.replace(path)
    if not manifest:
        path.unlink()


def logged(folder):
    """Return what meson made at its last installation."""
    lines = (folder / LOG).read_text().splitlines()
    return [line for line in lines if not line.startswith('#')]


def install(build, destdir, path):
    """Install QEMU, then RAMinate with a link to it, each by its meson."""
    manifest = read_manifest(path)
    known = manifest.setdefault(destdir, [])
    for meson, folder in [
            ([build / 'qemu' / 'pyvenv' / 'bin' / 'meson'], build / 'qemu'),
            ([sys.executable, '-m', 'mesonbuild.mesonmain'], build)]:
        (folder / LOG).unlink(missing_ok=True)
        status = subprocess.run(
            [*meson, 'install', '-C', folder, '--no-rebuild'],
            check=False).returncode
        if (folder / LOG).exists():
            known += sorted(set(logged(folder)) - set(known))
            write_manifest(path, manifest)
        if status:
            return status
    return 0


def remove(destdir, path):
    """Remove what was made, and directories that nobody else uses."""
    manifest = read_manifest(path)
    status = 0
    # A directory has a shorter name than what is in it.
    for name in sorted(manifest.pop(destdir, []), key=len, reverse=True):
        try:
            if os.path.isdir(name) and not os.path.islink(name):
                if not os.listdir(name):
                    os.rmdir(name)
            else:
                os.unlink(name)
        except FileNotFoundError:
            pass
        except OSError as err:
            print(f'uninstall: {name}: {err.strerror}', file=sys.stderr)
            status = 1
    if not status:
        write_manifest(path, manifest)
    return status


def main():
    """Return make's exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--remove', action='store_true')
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('manifest', type=pathlib.Path)
    args = parser.parse_args()
    destdir = os.environ.get('DESTDIR', '')
    if not args.remove:
        return install(args.build, destdir, args.manifest)
    known = read_manifest(args.manifest)
    if destdir not in known:
        print('uninstall: nothing was installed from this build directory'
              + (f' below {destdir}' if destdir else '')
              + ''.join(f'; try make uninstall DESTDIR={other}'
                        for other in known), file=sys.stderr)
        return 1
    return remove(destdir, args.manifest)


if __name__ == '__main__':
    sys.exit(main())
