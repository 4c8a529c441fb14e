#!/usr/bin/env python3
# In pictures drawn by hand, texts stay within their boxes, and colours are
# those of the heat map.  In those that are plotted, each policy has its own.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
import os
from pathlib import Path
import re
import subprocess
import sys
from typing import Any, Dict, List, Tuple
import xml.etree.ElementTree as ET

from screenshot import picture_of
from toolslib import Skip, check, paths, run_tests

PICTURE = paths.SOURCE / 'docs' / 'how-it-works.svg'
SVG = '{http://www.w3.org/2000/svg}'
# Of text, in a font that is as wide as any that stands for "sans-serif".
MEASURE = '''
import json, sys
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
size, texts = json.load(sys.stdin)
print(json.dumps([TextPath((0, 0), text, size=size, prop=FontProperties(
    family='DejaVu Sans', weight=weight)).get_extents().width
    for text, weight in texts]))
'''
Box = Tuple[float, float, float, float]     # left, top, right, bottom
PLACE = {'start': 0.0, 'middle': 0.5, 'end': 1.0}


def python() -> str:
    """One that has matplotlib, which is the system's."""
    for candidate in ('/usr/bin/python3', sys.executable):
        if os.path.exists(candidate) and not subprocess.run(
                [candidate, '-c', 'import matplotlib'], check=False,
                stderr=subprocess.DEVNULL).returncode:
            return candidate
    raise Skip("python3-matplotlib is not installed")


def boxes(root: ET.Element) -> Dict[Box, str]:
    """Colour of each."""
    found = {}
    for rect in root.iter(f'{SVG}rect'):
        left, top, width, height = (float(rect.get(name, 0)) for name in
                                    ('x', 'y', 'width', 'height'))
        found[left, top, left + width, top + height] = rect.get('fill', '')
    return found


def box_around(root: ET.Element, x: float, y: float) -> Box:
    """The smallest one."""
    return min((box for box in boxes(root)
                if box[0] <= x <= box[2] and box[1] <= y <= box[3]),
               key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))


def texts_fit(_: Path) -> None:
    root = ET.parse(PICTURE).getroot()
    texts: Any = [(group, text) for group in root.iter(f'{SVG}g')
                  for text in group.findall(f'{SVG}text')]
    widths = json.loads(subprocess.run(
        [python(), '-c', MEASURE], check=True, stdout=subprocess.PIPE,
        encoding='utf-8', input=json.dumps([
            float(root.get('font-size', 0)),
            [(text.text, text.get('font-weight', 'normal'))
             for _, text in texts]])).stdout)
    check(len(widths) > 10, widths)
    for (group, text), width in zip(texts, widths):
        x, y = float(text.get('x')), float(text.get('y'))
        anchor = text.get('text-anchor', group.get('text-anchor', 'start'))
        left = x - width * PLACE[anchor]
        box = box_around(root, x, y)
        check(box[0] + 2 <= left and left + width <= box[2] - 2,
              f"'{text.text}', {left:.0f} to {left + width:.0f}, in {box}")


def colours_of_the_map() -> List[str]:
    """Those of fast and of slow memory, as raminate-map has them."""
    text = (paths.SOURCE / 'tools' / 'map' / 'picture.c').read_text()
    found = re.search(r'fast_colour = (.*?);.*?slow_colours\[\] = \{(.*?)\},',
                      text, re.S)
    assert found
    return ['#' + ''.join(f'{round(255 * float(part)):02x}'
                          for part in re.findall(r'[\d.]+', colour))
            for colour in found.groups()]


def colours_are_those_of_the_map(_: Path) -> None:
    root = ET.parse(PICTURE).getroot()
    for name, expected in zip(('tier 0', 'tier 1'), colours_of_the_map()):
        [text] = [text for text in root.iter(f'{SVG}text')
                  if (text.text or '').startswith(name)]
        colour = boxes(root)[box_around(root, float(text.get('x', 0)),
                                        float(text.get('y', 0)))]
        check(colour == expected, f"{name} is {colour}, not {expected}")


def legend(picture: Path) -> Dict[str, str]:
    """The colour of each entry."""
    _, _, text = picture.read_text().partition('<g id="legend_1">')
    found: Dict[str, str] = {}
    colour = ''
    for style, label in re.findall(r'(?:fill|stroke): (#[0-9a-f]{6})'
                                   r'|<!-- (.*?) -->', text):
        colour = style or colour
        if label:
            found[label] = colour
    return found


def policies_have_the_same_colours_everywhere(_: Path) -> None:
    found: Dict[str, Dict[str, List[str]]] = {}
    for picture in sorted((paths.SOURCE / 'docs').glob('evaluation*/*.svg')):
        for label, colour in legend(picture).items():
            found.setdefault(label, {}).setdefault(colour, []).append(
                picture.name)
    check(len(found) > 8 and 'payback' in found, found)
    check(all(len(colours) == 1 for colours in found.values()), found)
    colours = [next(iter(of)) for of in found.values()]
    check(len(set(colours)) == len(colours), found)


def screens_are_drawn(_: Path) -> None:
    """As a terminal shows them."""
    root = ET.fromstring(picture_of(
        'a\x1b[1;38;5;33;48;5;208m<b\x1b[0m c\n\x1b[7md\n'))
    rects = [rect.get('fill') for rect in root.iter(f'{SVG}rect')]
    check(rects[1:] == ['#ff8700', '#dddddd'], rects)
    texts = [(text.text, text.get('fill'), text.get('font-weight'),
              text.get('y')) for text in root.iter(f'{SVG}text')]
    check(texts == [('a', '#dddddd', None, '13'),
                    ('<b', '#0087ff', 'bold', '13'),
                    (' c', '#dddddd', None, '13'),
                    ('d', '#111111', None, '30')], texts)


run_tests(texts_fit, colours_are_those_of_the_map,
          policies_have_the_same_colours_everywhere, screens_are_drawn)
