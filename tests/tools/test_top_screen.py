#!/usr/bin/env python3
# raminate-top on a terminal: sizes, keys, VMs that end, and its own end.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import signal
from typing import Any, Iterator

from fakeqmp import Hanging, Servers, Vm, container
from terminal import SHELL_LEFT, Terminal, terminal
from toolslib import (check, check_in, resident_kib, run_tests, tool,
                      wait_until)

LIMIT_KIB = 100 * 1024

@contextlib.contextmanager
def top(directory: Path, *args: object, **options: Any
        ) -> Iterator[Terminal]:
    """A terminal with raminate-top; arguments are words of the shell's."""
    command = ' '.join([tool('raminate-top'), *map(str, args)])
    with terminal(directory, command, **options) as shown:
        yield shown


@contextlib.contextmanager
def one_vm(directory: Path, **options: Any) -> Iterator[Terminal]:
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', Vm())
        with top(directory, '-d', 0.2, directory / 'vm1.sock',
                 **options) as shown:
            yield shown


def shows_all_on_80_by_24(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed .:+# slow')
        text = shown.wait('\u2583\u2583\u2583')
    for what in ('vm1        dmcon0     running   25.0', 'dirty-log mmap',
                 'full 100 %  written      300  75 % [########  ]',
                 'Sampler dirty-log, mover mmap: no KVM extension',
                 'of slow writes (1.23k pages written by swaps), 75.0 % of',
                 'Swaps: 1234, failed 0, reversed 5', 'p99 4 ms',
                 '     0 B o-.O=:0%+@&#o-.O'):
        check_in(what, text)
    check(max(map(len, text.splitlines())) <= 80, "a line is too long")


def the_longest_names_fit(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', Vm(containers=[container(
            policy='payback', sampler='dirty-log', mover='migrate')]))
        with top(directory, '-d', 0.2, directory / 'vm1.sock') as shown:
            shown.wait('payback     4 ms dirty-log migrate\n')


def shows_something_on_20_by_5(directory: Path) -> None:
    with one_vm(directory, columns=20, lines=5) as shown:
        shown.wait('vm1          25.0')
        shown.wait('o-.O=:0%+@&#')


def no_size_is_too_small(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        for columns, lines in ((1, 1), (2, 2), (200, 1), (3, 50), (500, 3),
                               (20, 5), (1, 24), (250, 100), (80, 24)):
            shown.resize(columns, lines)
            shown.keys('?', '?')
        check_in('dmcon0', shown.wait('mixed'))


def fits_a_new_size(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.resize(120, 40)
        wait_until(lambda: len(shown.text().splitlines()[-2]) > 0
                   and 'q quit' in shown.text().splitlines()[-1], "40 lines")
        check(len(shown.text().splitlines()) == 40, shown.text())


def needs_no_colour(directory: Path) -> None:
    for term in ('vt100', 'linux', 'screen'):
        with one_vm(directory, term=term) as shown:
            shown.wait('oO0@ fast')
            shown.wait('0%+@&#')
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')


def needs_a_cursor_to_move(directory: Path) -> None:
    """Else it says so, and draws nothing."""
    for term in ('dumb', 'unknown', 'nonsense'):
        with one_vm(directory, term=term) as shown:
            text = shown.wait(SHELL_LEFT + '1')
            check_in(f"the terminal '{term}' can't show a screen", text)
            check('mixed' not in text, text)


def pauses_and_goes_on(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.keys('p')
        shown.wait('Placement is paused.')
        shown.wait('dmcon0     off')
        shown.keys('p')
        shown.wait('Placement goes on.')
        shown.wait('dmcon0     running')


def changes_the_policy(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.keys('c')
        shown.wait('now cmq: 1 age 2 cmq 3 hemem 4 lru 5 memtis')
        shown.keys('4')
        shown.wait('The policy is lru.')
        shown.wait(' lru ')
        shown.keys('c')
        shown.wait('now lru')
        shown.keys('x')
        shown.wait('q quit')


def a_question_does_not_outlive_its_text(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.keys('c')
        shown.wait('now cmq')
        shown.wait('q quit')
        shown.keys('q')
        shown.wait(f'{SHELL_LEFT}0')


def a_refusal_is_shown(directory: Path) -> None:
    class Refusing(Vm):
        """Lets nothing be changed."""
        do_qom_set = None       # type: ignore

    with Servers() as servers:
        servers.add(directory / 'vm.sock', Refusing())
        with top(directory, directory / 'vm.sock') as shown:
            shown.wait('mixed')
            shown.keys('p')
            shown.wait("does not know 'qom-set'")


def says_why_a_page_is_there(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        for typed, page, address in (
                ('9000', 9000, '35.2 MiB (0x2328000)'),
                ('0x5001', 5, '20 KiB (0x5000)'), ('1.5g', 393216, '1.50 GiB'),
                ('1048575', 1048575, '4.00 GiB (0xfffff000)')):
            shown.keys('w')
            shown.wait('Page, or address in bytes')
            shown.keys(*typed, 'x', 'BSpace', 'Enter')
            text = shown.wait(f'vm1/dmcon0: page {page} at {address}')
            check_in('heat 201 of 255', text)
            check_in(f'It is in mram0 because page {page} was found',
                     ' '.join(text.split()))
            check_in('it has not moved lately.', ' '.join(text.split()))
            check(max(map(len, text.splitlines())) <= 80, text)
        shown.resize(12, 4)
        shown.wait('It is in\n')
        for columns, lines in ((1, 1), (2, 2), (200, 1), (80, 24)):
            shown.resize(columns, lines)
        shown.keys('x')
        shown.wait('mixed')


def asks_for_a_page_that_there_is(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        for typed in ('1048576', '0x100000000', '4G', '-1', '0x', '1e', '1GG',
                      'nan', '99999999999999999999', 'x'):
            shown.keys('w')
            shown.wait('Page, or address in bytes')
            shown.keys(*typed, 'Enter')
            shown.wait(f"'{typed}' is no page of dmcon0")
        shown.keys('w', '5')
        shown.wait('Esc to go back: 5_')
        shown.keys('Escape')
        shown.wait('q quit')
        shown.keys('w', 'Enter')
        shown.wait('q quit')
        check_in('mixed', shown.text())


def lies_about_a_page_do_no_harm(directory: Path) -> None:
    class Lying(Vm):
        """Says something else of each page."""
        said = [{'page': 1 << 62, 'tier': 'x', 'heat': 0,
                 'why': '\x1b[31m' + 10 * '\u4e16 ' + 2000 * 'x'},
                {'page': 1, 'tier': 'x', 'heat': 256, 'why': ''},
                {'page': 1, 'tier': 'x', 'heat': 0, 'why': 4097 * 'x'},
                {'page': 1, 'tier': 'x', 'heat': 0},
                [], None]

        def do_query_raminate_page(self, arguments: Any) -> object:
            return self.said[arguments['page']]

    with Servers() as servers:
        servers.add(directory / 'vm.sock', Lying())
        with top(directory, directory / 'vm.sock') as shown:
            shown.wait('mixed')
            for page, expected in enumerate((
                    '?[31m', "no proper 'heat'", "no proper 'why'",
                    'this QEMU does not say why', "no proper 'return'",
                    "no proper 'return'")):
                shown.keys('w', str(page), 'Enter')
                wait_until(lambda text=expected: text in ' '.join(
                    shown.text().split()), expected)
                shown.keys('x')


def zooms_and_moves_the_map(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('     0 B o')
        shown.keys('+', '+')
        shown.wait('1.50 GiB')
        shown.wait('1.31 MiB a sign')
        shown.keys(*['Right'] * 20)
        shown.wait('   3 GiB')
        shown.keys('-', '-')
        shown.wait('     0 B o')
        shown.keys('h')
        shown.wait('by hottest page')
        shown.keys('m')
        wait_until(lambda: 'Swaps:' not in shown.text(), "the map alone")


def sorts_and_selects(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'a.sock', Vm(None, [container(swaps=1)]))
        fast = container('busy')
        fast['tiers'][1]['written'] = 900
        servers.add(directory / 'b.sock', Vm(None, [fast]))
        with top(directory, '-d', 0.2,
                 directory / '*.sock'.replace('*', '[ab]')) as shown:
            shown.wait('mixed')
            check(shown.text().splitlines()[2].startswith('a '), "order")
            shown.keys('s')
            shown.wait('by slow share')
            wait_until(lambda: shown.text().splitlines()[2].startswith('b '),
                       "b first")
            check_in('a/dmcon0, 4 GiB', shown.text())
            shown.keys('Up')
            shown.wait('b/busy, 4 GiB')
            shown.keys('r')
            wait_until(lambda: shown.text().splitlines()[2].startswith('a '),
                       "a first")
            check_in('b/busy, 4 GiB', shown.text())


def says_that_a_vm_ends(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', Vm())
        with top(directory, '-d', 0.2,
                 directory / 'vm1.sock') as shown:
            shown.wait('mixed')
            servers.end(directory / 'vm1.sock', 'guest-shutdown')
            shown.wait('vm1: the VM has ended')
            servers.add(directory / 'vm1.sock', Vm())
            shown.wait('running')


def vms_may_come_and_go(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'a.sock', Vm())
        servers.add(directory / 'b.sock', Vm())
        with top(directory, '-d', 0.2,
                 f'"{directory}/*.sock"') as shown:
            shown.wait('VMs: 2')
            servers.add(directory / 'c.sock', Vm())
            shown.wait('VMs: 3')
            shown.wait('c          dmcon0     running')
            servers.end(directory / 'b.sock')
            shown.wait('VMs: 2')
            wait_until(lambda: 'b ' not in
                       [line[:2] for line in shown.text().splitlines()],
                       "its row to go")
            shown.wait('a/dmcon0, 4 GiB')


def a_vm_that_hangs_does_not_stop_it(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'a.sock', Vm())
        servers.add(directory / 'b.sock', Hanging())
        with top(directory, '-d', 0.2, '-t', 2, directory / 'a.sock',
                 directory / 'b.sock') as shown:
            shown.wait('silent')
            shown.keys('?')
            shown.wait('# is what should move.')
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')


def a_thousand_vms_leave_it_quick(directory: Path) -> None:
    with Servers() as servers:
        for number in range(1000):
            servers.add(directory / f'{number:04}.sock', Vm())
        with top(directory, f'"{directory}/*.sock"') as shown:
            shown.wait('VMs: 1000')
            shown.wait('mixed')
            shown.keys(*['Down'] * 30)
            shown.wait('0030/dmcon0, 4 GiB')
            memory = resident_kib(shown.pid())
            shown.keys('q')
            shown.wait(SHELL_LEFT + '0')
    check(memory < LIMIT_KIB, f"it takes {memory} KiB")


def says_why_it_cannot_start(directory: Path) -> None:
    with top(directory, directory / 'none.sock') as shown:
        shown.wait('there is no socket')
        shown.wait(SHELL_LEFT + '1')


def leaves_the_terminal_as_it_was(directory: Path) -> None:
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.keys('q')
        check_terminal(shown, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with one_vm(directory) as shown:
            shown.wait('mixed')
            shown.kill(number)
            check_terminal(shown, 128 + number)
    with one_vm(directory) as shown:
        shown.wait('mixed')
        shown.kill(signal.SIGQUIT)
        check_terminal(shown, 128 + signal.SIGTERM)


def check_terminal(shown: Terminal, status: int) -> None:
    text = shown.wait(f'{SHELL_LEFT}{status}')
    text = shown.wait('speed')
    check('before' in text, f"the screen before is not back:\n{text}")
    check(' echo ' in text and ' icanon ' in text, text)


run_tests(shows_all_on_80_by_24, the_longest_names_fit,
          shows_something_on_20_by_5,
          no_size_is_too_small, fits_a_new_size, needs_no_colour,
          needs_a_cursor_to_move, pauses_and_goes_on, changes_the_policy,
          a_question_does_not_outlive_its_text, a_refusal_is_shown,
          says_why_a_page_is_there, asks_for_a_page_that_there_is,
          lies_about_a_page_do_no_harm,
          zooms_and_moves_the_map, sorts_and_selects, says_that_a_vm_ends,
          vms_may_come_and_go, a_vm_that_hangs_does_not_stop_it,
          a_thousand_vms_leave_it_quick, says_why_it_cannot_start,
          leaves_the_terminal_as_it_was)
