#!/usr/bin/env python3
# Tables are as wide as the terminal, and as they are if there is none.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import fcntl
import os
from pathlib import Path
import pty
import struct
import subprocess
import termios
from typing import Any, Dict, List

from fakeqmp import Saying, Servers, Vm, container
from toolslib import PATIENCE, check, check_in, run, run_tests, tool


class Still(Vm):
    """Has the same figures whenever it is asked."""

    def do_query_raminate(self, arguments: Dict[str, Any]) -> object:
        return self.containers


def on_terminal(columns: int, name: str, *args: object) -> List[str]:
    """Lines that a tool prints on a terminal so wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ,
                struct.pack('HHHH', 24, columns, 0, 0))
    with subprocess.Popen([tool(name), *map(str, args)], stdout=slave,
                          stderr=subprocess.DEVNULL) as process:
        os.close(slave)
        text = b''
        while True:
            try:
                text += os.read(master, 65536)
            except OSError:
                break
        check(process.wait(PATIENCE) == 0, f"{args}: {text.decode()}")
    os.close(master)
    return text.decode().splitlines()


def check_parts(piped: List[str], shown: List[str], columns: int,
                keys: int) -> None:
    """Are the lines of one table, in parts that begin with the keys."""
    check(max(map(len, shown)) <= columns, '\n'.join(shown))
    rows: List[List[str]] = [[] for _ in piped]
    for i, line in enumerate(line for line in shown if line):
        row = rows[i % len(piped)]
        words = line.split('  ')
        words = [word.strip() for word in words if word.strip()]
        row += words[keys if row else 0:]
    check([' '.join(row).split() for row in rows] ==
          [line.split() for line in piped], '\n'.join(shown))


def a_table_goes_on_below(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'a.sock', Still('a-name-of-twenty-sig'))
        servers.add(directory / 'b.sock', Still(None, [container('b')]))
        piped = run('raminate-top', '--once', directory / '*.sock'
                    ).stdout.splitlines()
        shown = on_terminal(80, 'raminate-top', '--once',
                            directory / '*.sock')
        wide = on_terminal(200, 'raminate-top', '--once',
                           directory / '*.sock')
        for columns in (1, 2, 20):
            on_terminal(columns, 'raminate-top', '--once',
                        directory / '*.sock')
    check(max(map(len, piped)) > 80, "nothing to be seen")
    check(wide == piped, '\n'.join(wide))
    end = shown.index(next(line for line in shown if 'RANK' in line))
    check_parts(piped[:3], shown[:end], 80, 2)
    check(shown[end:] == piped[4:], shown)


def an_error_is_told_once(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'a.sock', Vm('a' * 30))
        servers.add(directory / 'b.sock', Saying(b'HTTP/1.1 200\r\n'))
        text = run('raminate-top', '--once', directory / '*.sock').stdout
        lines = text.splitlines()
        check_in('is not QMP', lines[2])
        check(lines[2].split()[:3] == ['b', '-', 'not'], lines[2])
        check(not [line for line in lines[3:] if line.startswith('b ')], text)


def lines_leave_out_what_has_no_room(directory: Path) -> None:
    args = ['raminate-top', '--batch', '-n', 2, '-d', 0.1,
            directory / 'vm.sock']
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        for columns, words in (
                (200, 'SLOW% SWAPS/S SWAPS FAILED REVERSED PAUSE-P99'),
                (80, 'SLOW% SWAPS/S FAILED PAUSE-P99'),
                (79, 'SLOW% SWAPS/S PAUSE-P99'), (54, 'SLOW%'), (20, '')):
            lines = on_terminal(columns, *args)
            check(lines[0].split()[4:] == words.split(), lines)
            check(len(lines) == 3, lines)
            if columns > 50:
                check(max(map(len, lines)) <= columns, lines)
            check(len({len(line) for line in lines}) == 1, lines)


def results_of_policies_go_on_below(directory: Path) -> None:
    recording = directory / 'x.rec'
    made = run('raminate-synth', 'kv', '--size', 64, '--scans', 50, '-o',
               recording)
    check(made.returncode == 0, made.stderr)
    args = ['-p', 'cmq', '-p', 'null', recording]
    piped = run('raminate-sim', *args).stdout.splitlines()
    shown = on_terminal(80, 'raminate-sim', *args)
    check(shown[0] == piped[0], shown)
    # Without the speed, which is another each time.
    check_parts([line.rsplit(None, 1)[0] for line in piped[1:]],
                cut_speed(shown[1:]), 80, 2)


def cut_speed(lines: List[str]) -> List[str]:
    """What is above the last figure, or left of it."""
    head = max(i for i, line in enumerate(lines) if 'Mpages/s' in line)
    return lines[:head] + [line.rsplit(None, 1)[0] for line in lines[head:]]


def a_list_of_policies_is_wrapped(directory: Path) -> None:
    del directory
    piped = run('raminate-sim', '--list').stdout.splitlines()
    shown = on_terminal(80, 'raminate-sim', '--list')
    check(max(map(len, piped)) > 80, "nothing to be seen")
    check(max(map(len, shown)) <= 80, '\n'.join(shown))
    check(' '.join(shown).split() == ' '.join(piped).split(), shown)
    check(len([line for line in shown if line[0] != ' ']) == len(piped), shown)
    on_terminal(1, 'raminate-sim', '--list')


run_tests(a_table_goes_on_below, an_error_is_told_once,
          lines_leave_out_what_has_no_room, results_of_policies_go_on_below,
          a_list_of_policies_is_wrapped)
