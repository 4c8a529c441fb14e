#!/usr/bin/env python3
# raminate-map draws what a VM says, and what a real guest has.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import Counter
import json
from pathlib import Path
import struct
import xml.etree.ElementTree as ElementTree
import zlib

from fakeqmp import Hanging, Servers, Vm, container
from toolslib import (MIB, PATIENCE, Boot, Guest, check, check_in, hybrid,
                      run, run_tests, wait_until)

MAP = 'raminate-map'
SVG = '{http://www.w3.org/2000/svg}'


def png_size(path: Path) -> 'tuple[int, int]':
    """Checks that the file is whole."""
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
    check(len(zlib.decompress(pixels)) == size[1] * (1 + 3 * size[0]),
          "pixels are missing")
    return size


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
        result = run(MAP, *args)
        check(result.returncode == 2, f"{args}: {result.returncode}")


def a_file_that_cannot_be_written(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for kind in ('png', 'svg'):
            result = run(MAP, '-o', directory / f'none/x.{kind}',
                         directory / 'vm.sock')
            check(result.returncode == 1, kind)
            check_in("can't write '", result.stderr)


def shows_a_real_guest(directory: Path) -> None:
    socket = directory / 'vm1.sock'
    args = ['-name', 'guest=real', *hybrid(directory, scan_period=200,
                                           swap_period=500),
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
    png_size(directory / 'a.png')
    check(len(svg_fills(directory / 'a.svg')) > 12, "no heat")
    check(once.stdout.splitlines()[1].split()[:6] ==
          ['real', 'dmcon0', 'running', 'cmq', info['sampler'],
           info['mover']], once.stdout)
    [vm] = json.loads(says.stdout)['vms']
    check(set(info) <= set(vm['containers'][0]) | {'slow-share-last'},
          vm['containers'][0])


run_tests(writes_png_and_svg, asks_for_the_container_named, errors_are_plain,
          a_file_that_cannot_be_written, shows_a_real_guest)
