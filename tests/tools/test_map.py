#!/usr/bin/env python3
# raminate-map draws what a VM says, what a real guest has, and recordings.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import Counter
import json
from pathlib import Path
from typing import List
import xml.etree.ElementTree as ElementTree

import crafted
from fakeqmp import Hanging, Servers, Vm, container
from pictures import png_brightness, png_size
from toolslib import (MIB, PATIENCE, Boot, Guest, check, check_in, hybrid,
                      refused, run, run_tests, wait_until)

MAP = 'raminate-map'
SVG = '{http://www.w3.org/2000/svg}'


def svg_fills(path: Path) -> 'Counter[str]':
    root = ElementTree.parse(path).getroot()
    return Counter(shape.get('fill', '') + shape.get('style', '')
                   for shape in root.iter(f'{SVG}path'))


def writes_png_and_svg(directory: Path) -> None:
    png, svg = directory / 'a.png', directory / 'a.svg'
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm('name'))
        for path in (png, svg):
            result = run(MAP, '-o', path, '-s', '640x480',
                         directory / 'vm.sock')
            check(result.returncode == 0, result.stderr)
    check(png_size(png) == (640, 480), png_size(png))
    # Three places of four heats, besides what the legend has.
    common = [fill for fill, count in svg_fills(svg).items() if count > 100]
    check(len(common) >= 12, f"{len(common)} colours")


def asks_for_the_container_named(directory: Path) -> None:
    with Servers() as servers:
        vm = servers.add(directory / 'vm.sock',
                         Vm(None, [container('a'), container('b')]))
        for option, name in (([], 'a'), (['-c', 'b'], 'b')):
            result = run(MAP, *option, '-o', directory / 'x.svg',
                         directory / 'vm.sock')
            check(result.returncode == 0, result.stderr)
            check(vm.commands[-1]['arguments']['id'] == name, vm.commands)
        result = run(MAP, '-c', 'c', '-o', directory / 'x.svg',
                     directory / 'vm.sock')
    check(result.returncode == 1, "no error")
    check_in("has no container 'c'", result.stderr)


def errors_are_plain(directory: Path) -> None:
    class NoMap(Vm):
        """Says nonsense when asked for a map."""

        def do_query_raminate_map(self, _: object) -> object:
            return {'pages': 3, 'pages-per-bucket': 1, 'tiers': ['a'],
                    'buckets': [{'tiers': ['x'], 'heat': 1, 'hottest': 1}]}

    out = directory / 'x.png'
    with Servers() as servers:
        servers.add(directory / 'wrong.sock', NoMap())
        servers.add(directory / 'hang.sock', Hanging())
        for name, message in (
                ('none', 'there is no socket'),
                ('hang', "no answer to 'query-name' within 2 s"),
                ('wrong', "has no proper 'tiers'")):
            result = run(MAP, '-t', 2, '-o', out, directory / f'{name}.sock')
            check(result.returncode == 1, f"{name}: {result.returncode}")
            check_in(message, result.stderr)
    check(not out.exists(), "a file is left")
    for args in ([], ['a', 'b'], ['-o', 'x.jpg', 'a'], ['-s', '10x10', 'a'],
                 ['-s', '1000', 'a'], ['-s', '9999999x500', 'a']):
        refused(MAP, *args)


def says_where_the_picture_is(directory: Path) -> None:
    """Unless the user has said so."""
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for args, output in ((['-o', 'x.png'], ''),
                             ([], 'The picture is in raminate-map.png.\n')):
            result = run(MAP, *args, 'vm.sock', cwd=directory)
            check(result.returncode == 0 and result.stdout == output, result)
    check(png_size(directory / 'raminate-map.png')[0] > 0, "no picture")


def a_file_that_cannot_be_written(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for kind in ('png', 'svg'):
            result = run(MAP, '-o', directory / f'none/x.{kind}',
                         directory / 'vm.sock')
            check(result.returncode == 1, kind)
            check_in(f"can't write '{directory}/none/x.{kind}': No such file",
                     result.stderr)


def scans() -> List[bytes]:
    """The first half of 1024 pages is written for 5 s, then the second."""
    return [crafted.scan(1000 * (i + 1), crafted.run(0 if i < 5 else 512, 512))
            for i in range(10)]


def draws_a_recording(directory: Path) -> None:
    file, png = directory / 'a.rec', directory / 'a.png'
    file.write_bytes(b''.join([crafted.start(1024), *scans(), crafted.end()]))
    result = run(MAP, '-r', file, '-o', png, '-s', '640x480')
    check(result.returncode == 0, result.stderr)
    lines = png_brightness(png)
    # Well inside of each quarter of the map.
    bright, dark = ((150, 120), (500, 320)), ((500, 120), (150, 320))
    check(all(lines[y][x] > 600 for x, y in bright) and
          all(lines[y][x] < 120 for x, y in dark),
          [(lines[y][x], x, y) for x, y in (*bright, *dark)])
    result = run(MAP, '-r', file, '-o', directory / 'a.svg')
    check(result.returncode == 0, result.stderr)
    ElementTree.parse(directory / 'a.svg')


def damaged_recordings_are_refused(directory: Path) -> None:
    file, png = directory / 'a.rec', directory / 'a.png'
    whole = crafted.start(1024) + b''.join(scans())
    file.write_bytes(whole[:-3])
    result = run(MAP, '-r', file, '-o', png)
    check(result.returncode == 0, "a cut one has good scans")
    png.unlink()
    header = len(crafted.start(1024))
    for data, message in (
            (b'', 'is not a recording'), (b'x' * 5000, 'is not a recording'),
            (whole[:header], 'has no scan'),
            (whole[:header + 9] + b'x' + whole[header + 10:], 'damaged')):
        file.write_bytes(data)
        result = run(MAP, '-r', file, '-o', png)
        check(result.returncode == 1, f"{message}: {result.returncode}")
        check_in(message, result.stderr)
    check(not png.exists(), "a picture is left")
    check_in('none.rec', run(MAP, '-r', directory / 'none.rec').stderr)
    for option in ('--hottest', '--container=a'):
        result = run(MAP, '-r', option, file)
        check(result.returncode == 2, option)


def shows_a_real_guest(directory: Path) -> None:
    socket = directory / 'vm1.sock'
    args = ['-name', 'guest=real', *hybrid(directory, scan_period=200,
                                           swap_period=500,
                                           record=directory / 'a.rec'),
            '-qmp', f'unix:{socket},server=on,wait=off']
    boot = Boot(['/bin/workload', f'arena={64 * MIB // 4096}', 'hot=500',
                 'thin=20'])
    with Guest(directory, boot, args) as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        wait_until(lambda: guest.raminate()['swaps'] > 0, "swaps", guest)
        for kind in ('png', 'svg'):
            result = run(MAP, '-o', directory / f'a.{kind}', socket)
            check(result.returncode == 0, result.stderr)
        once = run('raminate-top', '--once', socket)
        says = run('raminate-top', '--json', socket)
        info = guest.raminate()
    result = run(MAP, '-r', '-o', directory / 'rec.svg', directory / 'a.rec')
    check(result.returncode == 0, result.stderr)
    check(len(svg_fills(directory / 'rec.svg')) > 12, "nothing was written")
    png_size(directory / 'a.png')
    check(len(svg_fills(directory / 'a.svg')) > 12, "no heat")
    check(once.stdout.splitlines()[1].split()[:6] ==
          ['real', 'dmcon0', 'running', info['policy'], info['sampler'],
           info['mover']], once.stdout)
    [vm] = json.loads(says.stdout)['vms']
    check(set(info) <= set(vm['containers'][0]) | {'slow-share-last'},
          vm['containers'][0])


run_tests(writes_png_and_svg, asks_for_the_container_named, errors_are_plain,
          says_where_the_picture_is, a_file_that_cannot_be_written,
          draws_a_recording, damaged_recordings_are_refused,
          shows_a_real_guest)
