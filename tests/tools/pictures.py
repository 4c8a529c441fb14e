# PNG files, for tests that look at pictures.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import struct
from typing import List, Tuple
import zlib

from toolslib import check


def read_png(path: Path) -> Tuple[Tuple[int, int], bytes]:
    """Size and filtered lines; checks that the file is whole."""
    data = path.read_bytes()
    check(data[:8] == b'\x89PNG\r\n\x1a\n', "no PNG")
    size, at, pixels = (0, 0), 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'IHDR':
            size = struct.unpack('>II', body[:8])
        elif kind == b'IDAT':
            pixels += body
        at += length + 12
    check(kind == b'IEND', "it breaks off")
    pixels = zlib.decompress(pixels)
    check(len(pixels) == size[1] * (1 + 3 * size[0]), "pixels are missing")
    return size, pixels


def png_size(path: Path) -> Tuple[int, int]:
    return read_png(path)[0]


def png_brightness(path: Path) -> List[List[int]]:
    """Sum of red, green and blue of each pixel, line by line."""
    (width, height), data = read_png(path)
    above = bytearray(3 * width)
    lines = []
    for number in range(height):
        at = number * (1 + 3 * width)
        line = bytearray(data[at + 1:at + 1 + 3 * width])
        for i, _ in enumerate(line):
            left = line[i - 3] if i >= 3 else 0
            corner = above[i - 3] if i >= 3 else 0
            line[i] = (line[i] + predict(data[at], left, above[i],
                                         corner)) & 255
        lines.append([sum(line[i:i + 3]) for i in range(0, 3 * width, 3)])
        above = line
    return lines


def predict(kind: int, left: int, above: int, corner: int) -> int:
    """The filters of PNG."""
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    guess = left + above - corner
    return min((left, above, corner), key=lambda byte: abs(guess - byte))
