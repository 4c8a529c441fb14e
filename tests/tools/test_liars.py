#!/usr/bin/env python3
# Whoever answers at a socket in QEMU's place can't harm those who ask: neither
# their terminal nor their memory, nor what others see.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import resource
from typing import Any, Callable, Dict, List
from xml.etree import ElementTree

from fakeqmp import Answering, Saying, Servers, Vm, container, tier
from toolslib import check, check_in, exporter, run, run_tests

EVIL = '\x1b]0;x\x07\x1b[2J\r\n\x9b\x7f\u202e\u200b"\\}evil'
HARM = re.compile('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]')
MEMORY = 512 << 20                # address space of a tool, in bytes


def evil_container() -> Dict[str, Any]:
    return container(
        EVIL, state='held', **{
            'held-because': EVIL, 'sampler-reason': EVIL,
            'mover-reason': EVIL,
            'tiers': [{**tier(EVIL, 0, 4096, 1), 'mem-path': EVIL},
                      tier(EVIL + '2', 1, 4096, 1)]})


class Refusing(Vm):
    """Has an error of its own for everything but its name."""

    def answer(self, client: Any, message: Dict[str, Any]) -> None:
        if message['execute'] == 'qmp_capabilities':
            super().answer(client, message)
        else:
            client.send({'error': {'class': EVIL, 'desc': EVIL},
                         'id': message['id']})


class Ending(Vm):
    """Gives a reason of its own for its end."""

    def answer(self, client: Any, message: Dict[str, Any]) -> None:
        if message['execute'] != 'query-raminate':
            super().answer(client, message)
            return
        client.send({'event': 'SHUTDOWN', 'data': {'guest': True,
                                                   'reason': EVIL},
                     'timestamp': {'seconds': 1, 'microseconds': 2}})
        client.sock.shutdown(2)


def vms() -> Dict[str, Callable[[], Vm]]:
    named = {name: lambda name=name: Vm(None, [container(**{name: EVIL})])
             for name in ('state', 'policy', 'sampler', 'mover')}
    return {'container': lambda: Vm(EVIL, [evil_container()]),
            'error': Refusing, 'end': Ending, **named}


def ask(socket: Path, *more: object) -> 'List[Any]':
    """What the tools say that show text to people."""
    return [run(*command) for command in (
        ['raminate-top', '--once', '-t', 10, socket],
        ['raminate-top', '--batch', '-n', 1, '-t', 10, socket],
        ['raminate-map', '-o', socket.parent / 'x.svg', '-t', 10, socket,
         *more])]


def no_text_harms_the_terminal(directory: Path) -> None:
    for name, make in vms().items():
        with Servers() as servers:
            servers.add(directory / 'vm.sock', make())
            for result in ask(directory / 'vm.sock'):
                said = result.stdout + result.stderr
                check(said or result.returncode == 0, f'{name}: {result}')
                check(not HARM.search(said), f'{name}: {said!r}')
        if (directory / 'x.svg').exists():
            ElementTree.parse(directory / 'x.svg')
            (directory / 'x.svg').unlink()


def no_text_breaks_metrics(directory: Path) -> None:
    with Servers() as servers:
        for name, make in vms().items():
            servers.add(directory / f'{name}.sock', make())
        servers.add(directory / 'honest.sock', Vm('honest'))
        with exporter(directory / '*.sock') as server:
            text = server.scrape()
    check_in('vm="honest"', text)
    for line in text.split('\n')[:-1]:
        check(line.startswith('# ') or re.fullmatch(
            r'[a-z_]+({([a-z_]+="([^"\\]|\\.)*",?)*})? [-+.0-9a-z]+', line),
              repr(line))


def no_series_comes_twice(directory: Path) -> None:
    """Whatever has one name twice is told from what has not."""
    twice = container()
    twice['tiers'][1]['id'] = twice['tiers'][0]['id']
    costly = container()
    costly['energy'] *= 2
    # What the tiers really cost comes last.
    own = container('a')
    own['energy'].append(dict(own['energy'][0], **{'slow-write-cost': 3}))
    with Servers() as servers:
        for name, vm in (('containers', Vm(None, 2 * [container()])),
                         ('tiers', Vm(None, [twice])),
                         ('energies', Vm(None, [costly])),
                         ('good', Vm(None, [own, container()]))):
            servers.add(directory / f'{name}.sock', vm)
        with exporter(directory / '*.sock') as server:
            lines = server.scrape().splitlines()
    series = [line.rsplit(' ', 1)[0] for line in lines if line[0] != '#']
    check(len(series) == len(set(series)), [one for one in series
                                            if series.count(one) > 1])
    up = [line for line in lines if line.startswith('raminate_vm_up')]
    check([line[-1] for line in sorted(up)] == ['0', '0', '1', '0'], up)


def no_number_is_too_odd(directory: Path) -> None:
    good = json.dumps([container()])
    for wrong in ('-1', '1e999', '-1e999', '1e400', '9223372036854775808',
                  '99999999999999999999999', 'NaN', 'Infinity', '0.5',
                  'null', '""', '[]', '{}'):
        text = good.replace('"scans": 100', f'"scans": {wrong}')
        check(text != good, "no such number")
        data = f'{{"return": {text}, "id": ID}}\n'.encode()
        with Servers() as servers:
            servers.add(directory / 'vm.sock', Answering(data))
            servers.add(directory / 'x.sock', Vm('honest'))
            result = run('raminate-top', '--once', '-t', 10,
                         directory / '*.sock')
        check(result.returncode in (0, 1), f'{wrong}: {result}')
        check_in('honest', result.stdout)


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def no_answer_takes_all_memory(directory: Path) -> None:
    floods = {
        'greeting': Saying(b'{"QMP": "' + b'x' * (64 << 20)),
        'line': Answering(b'{"return": "' + b'x' * (64 << 20)),
        'blanks': Answering(b' ' * (64 << 20)),
        'depth': Answering(b'{"return": ' + b'[' * (1 << 20)),
        'elements': Answering(b'{"return": [' + b'{},' * (8 << 20)),
        'answers': Answering(b'{"return": [], "id": 99}\n' * (1 << 20)),
    }
    for name, vm in floods.items():
        with Servers() as servers:
            servers.add(directory / 'vm.sock', vm)
            result = run('raminate-top', '--once', '-t', 5,
                         directory / 'vm.sock', preexec_fn=limit_memory)
        check(result.returncode == 1, f'{name}: {result}')
        check('memory' not in result.stderr, f'{name}: {result}')


run_tests(no_text_harms_the_terminal, no_text_breaks_metrics,
          no_series_comes_twice,
          no_number_is_too_odd, no_answer_takes_all_memory)
