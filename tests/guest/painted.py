# What a guest that runs the painter has on its screen.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import List

from guestlib import Guest, check

WIDTH, HEIGHT = 640, 480
# Where the painter looks for it
SCREEN = ['-device', 'VGA,addr=2']


def white_lines(guest: Guest, picture: Path) -> List[int]:
    """Numbers of the scan lines that a screen dump shows as white."""
    guest.cmd('screendump', filename=str(picture))
    data = picture.read_bytes()
    header = f'P6\n{WIDTH} {HEIGHT}\n255\n'.encode()
    check(data.startswith(header), f"bad picture: {data[:20]!r}")
    row = 3 * WIDTH
    pixels = data[len(header):]
    return [y for y in range(HEIGHT)
            if min(pixels[y * row:(y + 1) * row]) > 250]
