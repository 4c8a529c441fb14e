# A device for tests: a file behind a loop device.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import subprocess
from typing import Iterator

from guestlib import Skip


@contextlib.contextmanager
def loop_device(directory: Path, size: int) -> Iterator[Path]:
    """Its node; skips where none can be had."""
    image = directory / 'loop'
    with image.open('wb') as file:
        file.truncate(size)
    try:
        device = subprocess.run(
            ['losetup', '--find', '--show', image], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding='utf-8').stdout.strip()
    except (OSError, subprocess.CalledProcessError) as err:
        raise Skip(f"no loop device: {err}") from err
    try:
        yield Path(device)
    finally:
        subprocess.run(['losetup', '--detach', device], check=True)
