# An NBD server, as storage that stops.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from contextlib import contextmanager
from pathlib import Path
import subprocess
from typing import Iterator

from guestlib import wait_until
from raminate import paths

QEMU_NBD = Path(paths.require_qemu()).parent / 'qemu-nbd'


@contextmanager
def nbd_server(directory: Path,
               image: Path) -> Iterator['subprocess.Popen[bytes]']:
    """Serves the image at the socket 'nbd' of the directory."""
    with subprocess.Popen([QEMU_NBD, '-t', '-f', 'raw', '-k',
                           str(directory / 'nbd'), str(image)]) as server:
        try:
            wait_until((directory / 'nbd').exists, "the NBD server")
            yield server
        finally:
            server.kill()
