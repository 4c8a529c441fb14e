#!/usr/bin/env python3
# raminate-top keeps what it sees, and shows it again.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import base64
import json
from pathlib import Path
from typing import Any, Dict, List

from fakeqmp import Servers, Vm, container
from terminal import SHELL_LEFT, terminal
from toolslib import check, check_in, refused, run, run_tests, tool, wait_until

TOP = 'raminate-top'
HEAD = {'raminate-top-session': 1}


def line(time: float, socket: str = '/x/a.sock', **more: Any
         ) -> Dict[str, Any]:
    return {'time': time, 'socket': socket, 'vm': 'a', **more}


def write(path: Path, *lines: object) -> Path:
    """A session; what is text is put down as it is."""
    path.write_text(''.join(
        text if isinstance(text, str) else json.dumps(text) + '\n'
        for text in (HEAD, *lines)))
    return path


def encode(*values: int) -> str:
    """Buckets of a map; what is missing is 255."""
    more = [255] * (-len(values) % 4)
    return base64.b64encode(bytes([*values, *more])).decode()


def events(path: Path) -> List[Dict[str, Any]]:
    head, *lines = [json.loads(text) for text in
                    path.read_text().splitlines()]
    check(head == HEAD, head)
    return lines


def shows_again_what_was_seen(directory: Path) -> None:
    file = directory / 'session'
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', Vm())
        servers.add(directory / 'vm2.sock', Vm('second'))
        with terminal(directory, f'{tool(TOP)} -d 0.2 --record {file} '
                      f'"{directory}/*.sock"') as shown:
            shown.wait('mixed')
            shown.keys('Down')
            shown.wait('vm1/dmcon0, 4 GiB')
            before = shown.wait('     0 B o-.O=:0%+@&#o-.O')
            servers.end(directory / 'vm2.sock')
            shown.wait('VMs: 1')
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')
    kinds = [key for event in events(file) for key in event
             if key in ('containers', 'map', 'gone', 'error')]
    check({'containers', 'map', 'gone'} <= set(kinds), kinds)
    check(events(file)[0]['containers'][0]['pause-time'] ==
          container()['pause-time'], events(file)[0])
    with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
        shown.wait('replay x1')
        shown.keys('Down')
        text = shown.wait('     0 B o-.O=:0%+@&#o-.O')
        for what in ('second     dmcon0', 'vm1        dmcon0     running',
                     'Swaps: 1234, failed 0, reversed 5'):
            check_in(what, text)
        map_before, map_now = ([row for row in screen.splitlines()
                                if 'iB o' in row or ' B o' in row]
                               for screen in (before, text))
        check(map_before == map_now, f'{before}\n{text}')
        shown.wait('VMs: 1')
        shown.wait('at its end')
        check_in('The session ends here.', shown.text())
        shown.keys('Home')
        shown.wait('VMs: 2')
        shown.keys('q')
        shown.wait(SHELL_LEFT + '0')


def goes_at_the_speed_asked_for(directory: Path) -> None:
    file = write(directory / 'session',
                 line(1000, containers=[container(scans=1, swaps=1)]),
                 line(1009, containers=[container(scans=2, swaps=91)]),
                 line(1900, containers=[container(scans=3, swaps=92)]),
                 line(1000000, containers=[container(scans=4, swaps=93)]))
    with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
        shown.wait('Swaps: 1,')
        shown.keys(' ')
        shown.wait('replay x1, stopped')
        shown.keys('<', '<', '<', '<', '<', '<')
        shown.wait('replay x1/16, stopped')
        shown.keys(*'>' * 16)
        shown.wait('replay x1024, stopped')
        check_in('Swaps: 1,', shown.text())
        shown.keys('p')
        shown.wait('there is nobody to ask')
        shown.keys(' ')
        shown.wait('Swaps: 93,')
        shown.wait('at its end')


def rates_are_those_of_its_time(directory: Path) -> None:
    file = write(directory / 'session',
                 line(1000, containers=[container(scans=1, swaps=1)]),
                 line(1000, '/x/b.sock', containers=[container(swaps=0)]),
                 line(1009, '/x/b.sock', containers=[container(swaps=45)]),
                 line(1009, containers=[container(scans=2, swaps=91)]))
    with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
        shown.keys(*'>>>>')
        shown.wait('Swaps: 91,')
        text = shown.wait('15 swaps/s')
        row = [row for row in text.splitlines() if row.startswith('a ')][0]
        check(row.split()[4] == '10', row)


def batches_are_recorded_as_well(directory: Path) -> None:
    file = directory / 'session'
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        result = run(TOP, '--batch', '-n', 3, '-d', 0.1, '--record', file,
                     directory / 'vm.sock', directory / 'none.sock')
    check(result.returncode == 1, result)
    check([event.get('code', 'containers' in event)
           for event in events(file)] == [0, True] * 3 or
          [event.get('code', 'containers' in event)
           for event in events(file)] == [True, 0] * 3, events(file))
    with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
        shown.wait('none       -          gone')
        shown.wait('vm         dmcon0     running')


def what_cannot_be_written_is_said(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for file, status in (('/dev/full', 1), (directory, 1),
                             (directory / 'none' / 'session', 1)):
            result = run(TOP, '--batch', '-n', 1, '--record', file,
                         directory / 'vm.sock')
            check(result.returncode == status, result)
            check_in(f"can't record to '{file}': ", result.stderr)
        inner = (f'trap "" XFSZ; ulimit -f 16; exec {tool(TOP)} -d 0.1 '
                 f'--record {directory}/small {directory}/vm.sock')
        with terminal(directory, f"sh -c '{inner}'") as shown:
            shown.wait("small': File too large")
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')
    check(events_of_whole_lines(directory / 'small') > 1, "nothing is left")


def events_of_whole_lines(path: Path) -> int:
    return len([json.loads(text) for text in
                path.read_text().split('\n')[:-1]])


def what_is_no_session_is_refused(directory: Path) -> None:
    for number, text in enumerate((
            '', '\n', '[]\n', '{}\n', '{"raminate-top-session": 2}\n',
            '{"raminate-top-session": 1}', 100000 * '[' + '\n',
            3000000 * ' ', '\0\n')):
        file = directory / f'session{number}'
        file.write_text(text)
        with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
            shown.wait(SHELL_LEFT + '1')
            check_in('session', shown.text())
    with terminal(directory, f'{tool(TOP)} --replay {directory}/no') as shown:
        shown.wait(SHELL_LEFT + '1')
        check_in("/no': No such file", shown.text())


def damage_ends_a_session(directory: Path) -> None:
    good = line(1, containers=[container()])
    for number, bad in enumerate((
            'x\n', '{}\n', '\n', '{"time": NaN}\n', line(-1, gone=True),
            line(1e12, gone=True), line(2), line(2, containers={}),
            line(2, containers=[{}]), line(2, error=5, code=1),
            line(2, error='x', code=99), line(2, error='x', code=-2),
            line(2, map=5, container='c'), line(2, map='', container='c'),
            line(2, map='AAA=', container='c'), line(2, map='AAAA'),
            line(2, map='AAAAAAA=', container='c'),
            line(2, map='!', container='c'),
            line(2, map='A' * 1000000, container='c'),
            {'time': 2, 'socket': 5, 'vm': 'a', 'gone': True},
            '{"time": 2, "a": ' + 100000 * '[' + '\n', 3000000 * 'x')):
        file = write(directory / f'session{number}', good, bad, good)
        with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
            shown.wait('line 3: is ')
            check_in('a          dmcon0     running', shown.text())
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')


def oddities_do_no_harm(directory: Path) -> None:
    """Times that go back, maps of nobody, text for a terminal, half a line."""
    file = write(
        directory / 'session', line(5, containers=[container()]),
        line(1, '/x/b.sock', containers=[container('\x1b[31m\u4e16')]),
        line(1, '/x/c.sock', containers=[]),
        line(1, '/x/none.sock', container='dmcon0', map=encode(255)),
        line(2, container='dmcon0', map=encode(200, 255, 9, 0, 255, 0, 1, 7)),
        line(2, '/x/b.sock', gone=True), line(2, '/x/b.sock', gone=True),
        line(3, '/x/c.sock', error='\x1b[1m', code=-1),
        line(4, containers=[container(scans=0)]), '{"time": 5')
    with terminal(directory, f'{tool(TOP)} --replay {file}') as shown:
        shown.wait('VMs: 2')
        shown.wait('at its end')
        check('\x1b' not in shown.text(), shown.text())
        shown.keys('Home')
        for columns, lines in ((1, 1), (2, 2), (200, 1), (20, 5), (80, 24)):
            shown.resize(columns, lines)
            shown.keys('?', '?')
        shown.wait('at its end')
        wait_until(lambda: 'mixed' in shown.text(), "the map")


def wrong_options_are_refused(directory: Path) -> None:
    file = write(directory / 'session')
    for args in (['--replay', file, 'x.sock'], ['--replay', file, '--once'],
                 ['--replay', file, '--json'], ['--replay', file, '--batch'],
                 ['--replay', file, '--record', directory / 'x']):
        check_in('--replay takes no VMs', refused(TOP, *args))
    for args in (['--once'], ['--json']):
        check_in('--record is for', refused(TOP, '--record', file, *args))
    check_in('no terminal', refused(TOP, '--replay', file))


run_tests(shows_again_what_was_seen, goes_at_the_speed_asked_for,
          rates_are_those_of_its_time, batches_are_recorded_as_well,
          what_cannot_be_written_is_said, what_is_no_session_is_refused,
          damage_ends_a_session, oddities_do_no_harm,
          wrong_options_are_refused)
