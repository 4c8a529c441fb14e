#!/usr/bin/env python3
# raminate-map draws how hot a running guest's memory is, for a while.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import signal
import subprocess
from typing import Any, Dict, List

from fakeqmp import Servers, Vm, container
from pictures import png_brightness
from toolslib import PATIENCE, check, check_in, refused, run, run_tests, tool

MAP = 'raminate-map'


class Moving(Vm):
    """The first half of its memory is hot in the first maps, then the other.

    It ends after so many maps if it is told to.
    """

    def __init__(self, turn: int, ends: int = 1000):
        super().__init__('moving', [container()])
        self.turn = turn
        self.ends = ends
        self.maps = 0

    def do_query_raminate_map(self, arguments: Dict[str, Any]) -> object:
        buckets = arguments['buckets']
        self.maps += 1
        if self.maps > self.ends:
            return {}
        early = self.maps <= self.turn
        return {'id': 'dmcon0', 'pages': 1 << 20,
                'pages-per-bucket': (1 << 20) // buckets,
                'tiers': ['dram0', 'mram0'],
                'buckets': [{'tiers': [1, 0],
                             'heat': 255 if (i < buckets // 2) == early else 0,
                             'hottest': 255 if i < buckets // 2 else 0}
                            for i in range(buckets)]}


def over(directory: Path, vm: Vm, *args: object) -> 'Any':
    with Servers() as servers:
        servers.add(directory / 'vm.sock', vm)
        return run(MAP, '--over', 5, '-o', directory / 'a.png', '-s',
                   '640x480', *args, directory / 'vm.sock')


def quarters(path: Path) -> List[bool]:
    """Whether each is bright: left and right above, and below."""
    lines = png_brightness(path)
    values = [lines[y][x] for y in (120, 320) for x in (110, 590)]
    check(all(value < 120 or value > 600 for value in values), values)
    return [value > 600 for value in values]


def shows_heat_that_moves(directory: Path) -> None:
    result = over(directory, Moving(1))
    check(result.returncode == 0 and not result.stderr, result)
    check(quarters(directory / 'a.png') == [True, False, False, True],
          quarters(directory / 'a.png'))
    result = over(directory, Moving(1), '--hottest')
    check(quarters(directory / 'a.png') == [True, True, False, False],
          quarters(directory / 'a.png'))


def draws_what_there_is_if_the_vm_ends(directory: Path) -> None:
    result = over(directory, Moving(1, 2))
    check(result.returncode == 0, result)
    check_in("has no proper '", result.stderr)
    check(quarters(directory / 'a.png') == [True, False, False, True],
          quarters(directory / 'a.png'))
    (directory / 'a.png').unlink()
    result = over(directory, Moving(1, 0))
    check(result.returncode == 1, result)
    check(not (directory / 'a.png').exists(), "there is a picture")


def a_file_that_cannot_be_written_is_told_first(directory: Path) -> None:
    vm = Moving(1)
    with Servers() as servers:
        servers.add(directory / 'vm.sock', vm)
        result = run(MAP, '--over', 5, '-o', directory / 'none' / 'a.png',
                     directory / 'vm.sock')
    check(result.returncode == 1, result)
    check_in("/none/a.png': No such file", result.stderr)
    check(not vm.maps, f"{vm.maps} maps were asked for")


def ends_when_told_to(directory: Path) -> None:
    vm = Moving(1)
    with Servers() as servers:
        servers.add(directory / 'vm.sock', vm)
        with subprocess.Popen([tool(MAP), '--over', '80000', '-o',
                               directory / 'a.png', '-s', '640x480',
                               directory / 'vm.sock']) as process:
            while not vm.maps:
                check(process.poll() is None, "it has ended")
            process.send_signal(signal.SIGINT)
            check(process.wait(PATIENCE) == 0, process.returncode)
    check(quarters(directory / 'a.png') == [True, True, False, False],
          quarters(directory / 'a.png'))


def wrong_options_are_refused(_: Path) -> None:
    for value in ('0.5', '-1', '86401', 'nan', 'inf'):
        check_in('--over must be 1 to 86400 seconds',
                 refused(MAP, '--over', value, 'x.sock'))
    check_in('for running guests', refused(MAP, '--over', 5, '-r', 'x'))


run_tests(shows_heat_that_moves, draws_what_there_is_if_the_vm_ends,
          a_file_that_cannot_be_written_is_told_first, ends_when_told_to,
          wrong_options_are_refused)
