#!/usr/bin/env python3
# raminate-map draws how much fast memory would be enough.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Any, Dict, List
import xml.etree.ElementTree as ElementTree

from fakeqmp import Servers, Vm
from pictures import png_brightness
from toolslib import check, check_in, refused, run, run_tests

MAP = 'raminate-map'


def enough(directory: Path, vm: Vm, name: str) -> 'Any':
    with Servers() as servers:
        servers.add(directory / 'vm.sock', vm)
        return run(MAP, '--enough', '-o', directory / name,
                   directory / 'vm.sock')


def is_bright(lines: List[List[int]], x: int, y: int) -> bool:
    """Whether there is a line at this place, or next to it."""
    return max(lines[row][column] for row in range(y - 2, y + 3)
               for column in range(x - 2, x + 3)) > 400


def draws_the_curve(directory: Path) -> None:
    result = enough(directory, Vm('name'), 'a.png')
    check(result.returncode == 0 and not result.stderr, result)
    lines = png_brightness(directory / 'a.png')
    # 95 % of the width are 1.5 GiB: 50 % are in 128 MiB, 90 % in 1 GiB, which
    # is what the fastest tier has.
    left, width, top, height = 84, 904, 52, 566
    for mib, share in ((128, 50), (576, 70), (1024, 90), (1280, 95),
                       (1536, 100), (1024, 20), (1024, 100)):
        x = left + int(width * .95 * mib / 1536)
        y = top + int(height * (100 - share) / 100)
        check(is_bright(lines, x, y), f'{mib} {share}')
    for mib, share in ((128, 60), (576, 80), (900, 20), (1280, 60)):
        x = left + int(width * .95 * mib / 1536)
        y = top + int(height * (100 - share) / 100)
        check(not is_bright(lines, x, y), f'{mib} {share}')


class Saying(Vm):
    """Has these shares and sizes."""

    def __init__(self, *points: object):
        super().__init__()
        self.points = points

    def do_query_raminate_working_set(self, arguments: Dict[str, Any]
                                      ) -> object:
        answer: Any = super().do_query_raminate_working_set(arguments)
        return {**answer, 'enough': [{'share': share, 'size': size}
                                     for share, size in self.points]}


def odd_curves_do_no_harm(directory: Path) -> None:
    for points in ([(50, 0), (100, 0)], [(100, (1 << 63) - 1)],
                   [(90, 1 << 40), (50, 1), (0, 1 << 62)], [(0, 0)] * 16):
        result = enough(directory, Saying(*points), 'a.svg')
        check(result.returncode == 0, result)
        ElementTree.parse(directory / 'a.svg')


def errors_are_plain(directory: Path) -> None:
    class Older(Vm):
        """Does not know the command."""
        do_query_raminate_working_set = None    # type: ignore

    for vm, message in ((Older(), "does not know 'query-raminate-working-set'"),
                        (Saying(), "no proper 'enough'"),
                        (Saying((101, 5)), "no proper 'share'")):
        result = enough(directory, vm, 'a.svg')
        check(result.returncode == 1, result)
        check_in(message, result.stderr)
    check(not (directory / 'a.svg').exists(), "a file is left")
    for args in (['--hottest'], ['--over', 5]):
        check_in('--enough draws no heat',
                 refused(MAP, '--enough', *args, 'x.sock'))
    check_in('for running guests', refused(MAP, '--enough', '-r', 'x'))


run_tests(draws_the_curve, odd_curves_do_no_harm, errors_are_plain)
