#!/usr/bin/env python3
# raminate-top shows how memory is used, its hottest ranges, and last moves.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
from typing import Any, Dict, Iterator

from fakeqmp import Hanging, Servers, Vm, container
from terminal import SHELL_LEFT, Terminal, terminal
from toolslib import check, check_in, run_tests, tool, wait_until

USE = 'So much fast memory is enough'
HOTTEST = 'HEAT OF 255'
MOVES = 'WHY            PAGE'


@contextlib.contextmanager
def top(directory: Path, vm: Vm, more: str = '', **options: Any
        ) -> Iterator[Terminal]:
    with Servers() as servers:
        servers.add(directory / 'vm1.sock', vm)
        command = f"{tool('raminate-top')} -d 0.2 {more} {directory}/vm1.sock"
        with terminal(directory, command, **options) as shown:
            shown.wait('mixed')
            yield shown


def words(shown: Terminal) -> str:
    return ' '.join(shown.text().split())


def shows_how_memory_is_used(directory: Path) -> None:
    with top(directory, Vm()) as shown:
        shown.keys('Tab')
        text = shown.wait(USE)
        for what in ('Used in the last minute 512 MiB, 10 min 768 MiB, 1 h '
                     '1.50 GiB; known for 120 min\n',
                     'part of what is used; there is 1 GiB',
                     ' 50 %    128 MiB [#                             ] fits',
                     ' 90 %      1 GiB [########                      ] fits',
                     '100 %   1.50 GiB [###########                   ]\n',
                     'a page stands for 128 KiB'):
            check_in(what, text)
        check(max(map(len, text.splitlines())) <= 80, "a line is too long")


class Warm(Vm):
    """Its memory has two warm ranges, of which one is in fast memory."""

    def do_query_raminate_map(self, arguments: Dict[str, Any]) -> object:
        buckets = arguments['buckets']
        heats = [0] * buckets
        each = -(-(1 << 20) // buckets)
        heats[buckets // 4:buckets // 2] = [100] * (buckets // 4)
        heats[buckets // 4] = 70
        heats[0] = 200
        return {'id': arguments['id'], 'pages': 1 << 20,
                'pages-per-bucket': each, 'tiers': ['dram0', 'mram0'],
                'buckets': [{'tiers': [each, 0] if i == 0 else [0, each],
                             'heat': heat, 'hottest': heat + 20}
                            for i, heat in enumerate(heats)]}


def shows_the_hottest_ranges(directory: Path) -> None:
    with top(directory, Warm()) as shown:
        shown.keys('Tab', 'Tab')
        shown.wait(HOTTEST)
        wait_until(lambda: '512 KiB' in shown.text(), "a finer map")
        rows = [line.split() for line in shown.text().splitlines()
                if '[' in line and '%' in line and 'full' not in line]
    # 8192 parts of 4 GiB; that with 70 is not like those with 100.
    check(rows == [
        ['0', 'B', '512', 'KiB', '200', '[########', ']', '220', '100', '%'],
        ['1.00', 'GiB', '1024', 'MiB', '100', '[####', ']', '120', '0', '%'],
        ['1', 'GiB', '512', 'KiB', '70', '[###', ']', '90', '0', '%']], rows)


def a_range_is_chosen_by_keys(directory: Path) -> None:
    """And its first page asked for."""
    with top(directory, Warm()) as shown:
        shown.keys('Tab', 'Tab')
        wait_until(lambda: '512 KiB' in shown.text(), "a finer map")
        # The first range is chosen; the last two are at 1 GiB and beyond.
        for keys, page in (([], 0), (['Down'], 262272), (['Up'], 0),
                           (['Down'] * 9, 262144), (['Down', '7'], 7),
                           (['7', 'Down'], 0), (['7', 'BSpace'], None)):
            shown.keys('w')
            shown.wait('Why?  Up, down, Enter; page, address')
            shown.keys(*keys, 'Enter')
            if page is None:
                wait_until(lambda: 'Why?' not in shown.text(), "no question")
                check_in(HOTTEST, shown.text())
            else:
                shown.wait(f'vm1/dmcon0: page {page} at')
                shown.keys('x')
                shown.wait(HOTTEST)
        shown.keys('w', 'Down')
        wait_until(lambda: '\x1b[7m  1.00 GiB' in shown.coloured(),
                   "it to stand out")
        for columns, lines in ((1, 1), (20, 5), (80, 4), (80, 24)):
            shown.resize(columns, lines)
            shown.keys('Up', 'Down', 'Down')
        shown.keys('Escape', 'Tab', 'w')
        shown.wait('Why?  Page, or address in bytes')


def ranges_stay_while_one_is_chosen(directory: Path) -> None:
    class Turning(Warm):
        """Has one range that is elsewhere each time it is asked."""
        nr_asked = 0

        def do_query_raminate_map(self, arguments: Dict[str, Any]) -> object:
            self.nr_asked += 1
            answer: Any = super().do_query_raminate_map(arguments)
            for i, bucket in enumerate(answer['buckets']):
                bucket['heat'] = 100 if i == self.nr_asked else 0
            return answer

    vm = Turning()
    with top(directory, vm) as shown:
        shown.keys('Tab', 'Tab')
        wait_until(lambda: '512 KiB' in shown.text(), "a finer map")
        shown.keys('w')
        shown.wait('Why?')
        before = shown.text().splitlines()[:-1]
        asked = vm.nr_asked
        wait_until(lambda: shown.text().splitlines()[0] != before[0],
                   "time to go by")
        wait_until(lambda: len(vm.commands) > 100, "more answers")
        check(vm.nr_asked <= asked + 1, f"asked {vm.nr_asked - asked} times")


def shows_the_last_moves(directory: Path) -> None:
    with top(directory, Vm()) as shown:
        shown.keys('BTab')
        shown.wait(MOVES)
        text = words(shown)
    for what in ('11.0 s ago demote 17 for 9000, dram0 > mram0, heat 0, cmq',
                 '11.0 s ago promote 9000 for 17, mram0 > dram0, heat 201, cmq',
                 '3600.0 s ago resize 5, dram0 > mram0, heat 3 '):
        check_in(what, text)


def sums_up_all_containers(directory: Path) -> None:
    busy = container('busy', swaps=0)
    busy['tiers'][1]['written'] = 700
    with Servers() as servers:
        servers.add(directory / 'a.sock', Vm(None, [container('c'), busy]))
        servers.add(directory / 'b.sock', Hanging())
        servers.add(directory / 'c.sock', Vm())
        command = f"{tool('raminate-top')} -d 0.2 -t 1 {directory}/[abc].sock"
        with terminal(directory, command) as shown:
            # 100, 700 and 100 of 400, 1000 and 400
            shown.wait('All 3: fast 3 GiB, slow 9 GiB; 50.0 % of what is '
                       'written is slow; 0 swaps/s')
            servers.end(directory / 'a.sock')
            shown.wait('All 1: fast 1 GiB, slow 3 GiB; 25.0 % of')
            shown.resize(80, 9)
            wait_until(lambda: 'All 1' not in shown.text(), "no room for it")


def one_container_needs_no_sum(directory: Path) -> None:
    with top(directory, Vm()) as shown:
        check('All 1' not in shown.text(), shown.text())


def goes_round(directory: Path) -> None:
    with top(directory, Vm()) as shown:
        for what in (USE, HOTTEST, MOVES, 'mixed', USE):
            shown.keys('Tab')
            shown.wait(what)
        shown.keys('m')
        wait_until(lambda: 'Swaps:' not in shown.text(), "the pane alone")
        check_in(USE, shown.text())
        for columns, lines in ((1, 1), (2, 2), (200, 1), (3, 50), (20, 5),
                               (250, 100), (80, 24)):
            shown.resize(columns, lines)
            shown.keys('Tab', 'Tab', 'Tab', 'Tab', 'Tab')
        shown.wait('mixed')
        shown.keys('q')
        shown.wait(SHELL_LEFT + '0')


def an_older_qemu_has_none(directory: Path) -> None:
    class Older(Vm):
        """Does not know the commands."""
        do_query_raminate_working_set = None    # type: ignore
        do_query_raminate_moves = None          # type: ignore

    with top(directory, Older(), columns=130) as shown:
        shown.keys('Tab')
        shown.wait("does not know 'query-raminate-working-set'")
        shown.keys('Tab', 'Tab')
        shown.wait("does not know 'query-raminate-moves'")
        shown.keys('Tab')
        shown.wait('mixed')


def lies_do_no_harm(directory: Path) -> None:
    class Lying(Vm):
        """Gives the next wrong answer whenever it is asked."""
        good_set: Any = Vm().do_query_raminate_working_set({'id': 'c'})
        good_move: Any = Vm().do_query_raminate_moves({'max': 1})[0]
        sets = [[], None, {**good_set, 'minute': -1},
                {**good_set, 'enough': []}, {**good_set, 'enough': [5]},
                {**good_set, 'enough': 17 * good_set['enough'][:1]},
                {**good_set, 'enough': [{'share': 101, 'size': 1}]}, {}]
        moves = [{}, None, [5], [{}], [{**good_move, 'reason': '\x1b[1m'}],
                 [{**good_move, 'from': 5}], 1001 * [good_move],
                 [{**good_move, 'to': '\x1b[31m', 'policy': '\u202e',
                   'heat': 1 << 62}]]

        def do_query_raminate_working_set(self, _: Dict[str, Any]) -> object:
            return self.sets.pop(0) if self.sets else self.good_set

        def do_query_raminate_moves(self, _: Dict[str, Any]) -> object:
            return self.moves.pop(0) if self.moves else [self.good_move]

    lying = Lying()
    with top(directory, lying) as shown:
        shown.keys('Tab')
        shown.wait("no proper '")
        wait_until(lambda: not lying.sets, "all lies")
        shown.wait(USE)
        shown.keys('Tab', 'Tab')
        wait_until(lambda: not lying.moves, "all lies")
        shown.wait('demote           17')
        check('\x1b' not in shown.text(), shown.text())


def a_session_has_what_was_shown(directory: Path) -> None:
    file = directory / 'session'
    with top(directory, Vm(), f'--record {file}') as shown:
        for what in (USE, HOTTEST, MOVES):
            shown.keys('Tab')
            shown.wait(what)
        shown.keys('q')
        shown.wait(SHELL_LEFT + '0')
    with terminal(directory,
                  f"{tool('raminate-top')} --replay {file}") as shown:
        shown.wait('at its end')
        for what in ('known for 120 min', HOTTEST, '11.0 s ago  promote',
                     'mixed'):
            shown.keys('Tab')
            shown.wait(what)
    text = file.read_text()
    check(text.count('"moves":') > 0, text)
    for name in ('moves', 'working-set'):
        # A member of another name is none that there is.
        file.write_text(text.replace(f'"{name}":', '"other":'))
        with terminal(directory,
                      f"{tool('raminate-top')} --replay {file}") as shown:
            shown.wait('is damaged')


run_tests(shows_how_memory_is_used, shows_the_hottest_ranges,
          a_range_is_chosen_by_keys, ranges_stay_while_one_is_chosen,
          shows_the_last_moves, sums_up_all_containers,
          one_container_needs_no_sum, goes_round, an_older_qemu_has_none,
          lies_do_no_harm, a_session_has_what_was_shown)
