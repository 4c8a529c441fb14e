#!/usr/bin/env python3
# Draws docs/raminate-top.svg: the screen of raminate-top beside a guest, just
# after its hot set has moved.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
import re
import tempfile
import time
from typing import Dict, Iterator, List, Optional, Tuple
from xml.sax.saxutils import escape

from terminal import Terminal, terminal
from toolslib import MIB, PATIENCE, Boot, Guest, hybrid, paths, tool

PICTURE = paths.SOURCE / 'docs' / 'raminate-top.svg'
COLUMNS, LINES = 80, 24
CHARACTER = 8.43        # width of one, at this size
SIZE = 14
LINE = 17               # height of one
# Of a dark terminal
BACKGROUND, FOREGROUND = '#111111', '#dddddd'
ESCAPE = re.compile(r'\x1b\[([\d;]*)m')


@dataclass(frozen=True)
class Look:
    """How characters are shown."""
    colour: Optional[str] = None
    behind: Optional[str] = None
    bold: bool = False
    underlined: bool = False
    swapped: bool = False


SWITCHES: Dict[int, Dict[str, object]] = {
    1: {'bold': True}, 22: {'bold': False}, 4: {'underlined': True},
    24: {'underlined': False}, 7: {'swapped': True}, 27: {'swapped': False},
    39: {'colour': None}, 49: {'behind': None}}


def palette(number: int) -> str:
    """Of the cube and the greys of a terminal with 256 colours."""
    if number >= 232:
        return '#' + f'{8 + 10 * (number - 232):02x}' * 3
    assert number >= 16, "nothing of raminate-top's has the first 16 colours"
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return '#' + ''.join(f'{levels[number // step % 6]:02x}'
                         for step in (36, 6, 1))


def after(look: Look, codes: str) -> Look:
    """What an escape sequence makes of it."""
    numbers = [int(code or 0) for code in codes.split(';')]
    while numbers:
        first = numbers.pop(0)
        if first == 0:
            look = Look()
        elif first in (38, 48):
            colour = palette(numbers[1])
            del numbers[:2]
            look = replace(look, **{'colour' if first == 38 else 'behind':
                                    colour})
        else:
            look = replace(look, **SWITCHES[first])  # type: ignore[arg-type]
    return look


def pieces(line: str, look: Look) -> Iterator[Tuple[str, Look]]:
    """Text between escape sequences; the last piece has the last look."""
    at = 0
    for match in ESCAPE.finditer(line):
        yield line[at:match.start()], look
        look = after(look, match.group(1))
        at = match.end()
    yield line[at:], look


def drawn(text: str, look: Look, column: int, line: int) -> List[str]:
    colour = look.colour or FOREGROUND
    behind = look.behind or BACKGROUND
    if look.swapped:
        colour, behind = behind, colour
    left, width = column * CHARACTER, len(text) * CHARACTER
    parts = []
    if behind != BACKGROUND:
        parts.append(f'<rect x="{left:.1f}" y="{line * LINE}" '
                     f'width="{width + 0.3:.1f}" height="{LINE}" '
                     f'fill="{behind}"/>')
    if text.strip() or look.underlined:
        style = (' font-weight="bold"' if look.bold else '') + (
            ' text-decoration="underline"' if look.underlined else '')
        parts.append(f'<text x="{left:.1f}" y="{line * LINE + 13}" '
                     f'fill="{colour}" textLength="{width:.1f}"{style}>'
                     f'{escape(text)}</text>')
    return parts


def picture_of(screen: str) -> str:
    look, parts = Look(), []
    for number, line in enumerate(screen.split('\n')[:LINES]):
        column = 0
        for text, look in pieces(line, look):
            if text:
                parts += drawn(text, look, column, number)
            column += len(text)
    width, height = COLUMNS * CHARACTER, LINES * LINE
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} '
        f'{height}" width="{width:.0f}" height="{height}" '
        f'font-family="DejaVu Sans Mono, monospace" font-size="{SIZE}" '
        'xml:space="preserve">',
        '<title>The screen of raminate-top</title>',
        f'<rect width="100%" height="100%" fill="{BACKGROUND}"/>',
        *parts, '</svg>', ''])


def look_at(guest: Guest, shown: Terminal, seconds: float) -> str:
    shown.wait('slow')
    time.sleep(seconds)
    guest.console.send('move')
    guest.console.wait('workload: phase 2\n', PATIENCE)
    time.sleep(3)       # a scan, and a look of raminate-top's
    return shown.coloured()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Draws the screen of raminate-top.")
    parser.add_argument('-o', '--output', type=Path, default=PICTURE,
                        help="default: docs/raminate-top.svg")
    parser.add_argument('--seconds', type=float, default=60.0,
                        help="until the hot set moves (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir='/dev/shm') as name:
        directory = Path(name)
        boot = Boot(['/bin/workload', f'arena={64 * MIB // 4096}',
                     'hot=1200', 'thin=60'])
        qmp = directory / 'vm1.sock'
        with Guest(directory, boot, [
                '-name', 'guest=vm1', *hybrid(directory),
                '-qmp', f'unix:{qmp},server=on,wait=off']) as guest:
            guest.launch()
            guest.console.wait('workload: phase 1\n', PATIENCE)
            with terminal(directory, f"{tool('raminate-top')} {qmp}",
                          COLUMNS, LINES) as shown:
                screen = look_at(guest, shown, args.seconds)
    args.output.write_text(picture_of(screen), encoding='utf-8')


if __name__ == '__main__':
    main()
