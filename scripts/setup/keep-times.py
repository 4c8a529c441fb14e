"""Let a new tree look to ninja as if only what differs had been written.

Usage: keep-times.py OLD NEW
A file that is the same in both gets the old one's time, any other gets the
present time: a tarball's own times may lie before the last build.
SPDX-License-Identifier: GPL-2.0-or-later
"""

import filecmp
import os
import sys


def main():
    """Set the times of all regular files in the new tree."""
    old, new = sys.argv[1:]
    for folder, _, names in os.walk(new):
        before = os.path.join(old, os.path.relpath(folder, new))
        for name in names:
            path = os.path.join(folder, name)
            other = os.path.join(before, name)
            if os.path.islink(path):
                continue
            if (os.path.isfile(other)
                    and filecmp.cmp(other, path, shallow=False)):
                stat = os.stat(other)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            else:
                os.utime(path)


if __name__ == '__main__':
    main()
