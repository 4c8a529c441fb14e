#!/usr/bin/env python3
# raminate-top says in its plain outputs what VMs answer, and what is wrong.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import subprocess
from typing import Dict, Tuple

from fakeqmp import (Answering, Hanging, Saying, Servers, Silent, Vm,
                     container)
from toolslib import (PATIENCE, check, check_in, refused, run, run_tests,
                      tool)

TOP = 'raminate-top'


def once_shows_containers_and_tiers(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', Vm('first'))
        servers.add(directory / 'vm2.sock',
                    Vm(None, [container('a'), container('b')]))
        result = run(TOP, '--once', directory / '*.sock')
    check(result.returncode == 0, result.stderr)
    names = [line.split()[:2] for line in result.stdout.splitlines()[1:4]]
    check(names == [['first', 'dmcon0'], ['vm2', 'a'], ['vm2', 'b']], names)
    check_in('mram0', result.stdout)


def json_is_what_qemu_says(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm('name'))
        servers.add(directory / 'x.sock', Silent())
        result = run(TOP, '--json', '-t', 1, directory / 'vm.sock',
                     directory / 'x.sock')
    check(result.returncode == 1, "no error, though one VM is silent")
    good, bad = json.loads(result.stdout)['vms']
    check(good['vm'] == 'name', good)
    check(good['containers'][0]['pause-time'] ==
          container()['pause-time'], good)
    check_in('no QMP greeting', bad['error'])


def batch_prints_a_line_a_period(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        result = run(TOP, '--batch', '-n', 3, '-d', 0.1,
                     directory / 'vm.sock')
    check(result.returncode == 0, result.stderr)
    lines = [line.split() for line in result.stdout.splitlines()]
    check(len(lines) == 4, result.stdout)
    check(lines[0][:3] == ['TIME', 'VM', 'CONTAINER'], lines[0])
    check(all(line[1:5] == ['vm', 'dmcon0', 'running', '25.0']
              for line in lines[1:]), result.stdout)


def batch_ends_with_its_output(directory: Path) -> None:
    """As by itself it goes on for ever."""
    with Servers() as servers, open('/dev/full', 'wb') as full:
        servers.add(directory / 'vm.sock', Vm())
        for how in ('--batch', '--json'):
            result = subprocess.run(
                [tool(TOP), '--batch', how, '-d', '0.1',
                 directory / 'vm.sock'], stdout=full, stderr=subprocess.PIPE,
                timeout=PATIENCE, encoding='utf-8', check=False)
            check(result.returncode == 1, result)
            check_in("can't write the output", result.stderr)


def batch_ends_with_the_vm(directory: Path) -> None:
    class Mortal(Vm):
        """Ends at the third look."""

        def do_query_raminate(self, arguments: object) -> object:
            looks = [command for command in self.commands
                     if command['execute'] == 'query-raminate']
            if len(looks) == 3:
                servers.end_soon(directory / 'vm.sock', 'guest-shutdown')
            return super().do_query_raminate({})

    with Servers() as servers:
        servers.add(directory / 'vm.sock', Mortal())
        result = run(TOP, '--batch', '-d', 0.1, directory / 'vm.sock')
    check(result.returncode == 1, "no error, though the VM ended")
    check_in('the VM has ended', result.stdout)


def check_errors(directory: Path, timeout: int,
                 wrong: Dict[str, Tuple[Vm, str]]) -> None:
    with Servers() as servers:
        for name, (vm, _) in wrong.items():
            servers.add(directory / f'{name}.sock', vm)
        result = run(TOP, '--once', '-t', timeout, directory / '*.sock')
    check(result.returncode == 1, "no error")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()
             if line}
    for name, (_, message) in wrong.items():
        check_in(message, lines[name])


def servers_that_hang_are_given_up(directory: Path) -> None:
    check_errors(directory, 3, {
        'silent': (Silent(), 'no QMP greeting within 3 s'),
        'hanging': (Hanging(), "no answer to 'query-name' within 3 s"),
        'half-greeting': (Saying(b'{"QMP": {'), 'no QMP greeting'),
        'half-answer': (Answering(b'{"return": [{"id"'),
                        "no answer to 'query-raminate'"),
    })


def errors_are_told_apart(directory: Path) -> None:
    check_errors(directory, 100, {
        'hmp': (Saying(b'QEMU 10.0.13 monitor\r\n(qemu) '), 'is not QMP'),
        'garbage': (Saying(bytes(range(256)) * 1000), 'is not QMP'),
        'json': (Saying(b'{"hello": 1}\r\n'), 'is not QMP'),
        'shut': (Saying(b'', True), 'closed before the QMP greeting'),
        'broken-answer': (Answering(b'{"return": [', True),
                          'has ended in the middle of an answer'),
        'ending': (Answering(b'{"event": "SHUTDOWN", "data": {"reason": '
                             b'"guest-shutdown"}}\r\n', True),
                   'the VM has ended (guest-shutdown)'),
        'no-json': (Answering(b'{"return": [}]'), 'is not QMP'),
        'wrong-id': (Answering(b'{"return": [], "id": 77}'), 'is not QMP'),
        'deep': (Answering(b'{"return": ' + b'[' * 100000), 'is not QMP'),
        'long': (Answering(b'{"return": "' + b'x' * (1 << 20)),
                 'is longer than 262144 bytes'),
        'empty-answer': (Answering(b'{"return": [{}], "id": ID}'),
                         "has no proper 'id'"),
        'old-qemu': (Answering(b'{"error": {"class": "CommandNotFound", '
                               b'"desc": "no"}, "id": ID}'),
                     'it must be QEMU with RAMinate'),
    })


def sockets_where_nobody_is(directory: Path) -> None:
    (directory / 'file.sock').write_text('')
    with Servers() as servers:
        servers.add(directory / 'ended.sock', Vm())
        servers.end(directory / 'ended.sock', unlink=False)
        for name, message in (('file', 'is not a socket'),
                              ('ended', 'nobody listens'),
                              ('none', 'there is no socket')):
            result = run(TOP, '--once', directory / f'{name}.sock')
            check(result.returncode == 1, f"{name}: no error")
            check_in(message, result.stdout)


def an_answer_that_trickles_is_given_up(directory: Path) -> None:
    class Trickling(Vm):
        """Sends events without end, but no answer."""

        def do_query_name(self, _: object) -> object:
            return {}

        def answer(self, client: object, message: object) -> None:
            if message['execute'] != 'query-raminate':  # type: ignore
                super().answer(client, message)         # type: ignore
            else:
                event = {'event': 'RESUME', 'timestamp': {}}
                for _ in range(5000):
                    client.send(event)                  # type: ignore

    with Servers() as servers:
        servers.add(directory / 'vm.sock', Trickling())
        result = run(TOP, '--once', '-t', 2, directory / 'vm.sock')
    check_in("no answer to 'query-raminate'", result.stdout)


def names_cannot_harm_the_terminal(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm('\x1b[2J\r\n\x9bevil'))
        result = run(TOP, '--once', directory / 'vm.sock')
    check_in('?[2J???evil', result.stdout)


def a_thousand_vms(directory: Path) -> None:
    with Servers() as servers:
        for number in range(1000):
            servers.add(directory / f'{number:04}.sock', Vm())
        result = run(TOP, '--once', '-t', 60, directory / '*.sock')
    check(result.returncode == 0, result.stdout[-500:])
    check(result.stdout.count('dmcon0') == 3000, "not all are there")


def wrong_options_are_refused(directory: Path) -> None:
    for args in (['--period', '0'], ['--period', 'nan'], ['-t', '99999'],
                 ['--count', '3'], ['--once', '--batch'], ['--nonsense'],
                 [directory / 'x.sock']):
        refused(TOP, *args)


run_tests(once_shows_containers_and_tiers, json_is_what_qemu_says,
          batch_prints_a_line_a_period, batch_ends_with_its_output,
          batch_ends_with_the_vm,
          servers_that_hang_are_given_up, errors_are_told_apart,
          sockets_where_nobody_is, an_answer_that_trickles_is_given_up,
          names_cannot_harm_the_terminal, a_thousand_vms,
          wrong_options_are_refused)
