#!/usr/bin/env python3
# What all tools have in common: help, and what they say of wrong options.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import subprocess

from toolslib import check, installed_tools, refused, run, run_tests, tool

# What each is told that it can't do
WRONG = {
    'raminate-exporter': [['--listen', 'nowhere'], ['--timeout', '0']],
    'raminate-map': [[], ['x', 'y'], ['-o', 'x.jpg', 'x'], ['-s', '1', 'x'],
                     ['-r', '-c', 'x', 'x'], ['--over', '0', 'x']],
    'raminate-merge': [[], ['x'], ['-o', 'x', 'y'],
                       ['-o', 'x', '--offset', '-9223372036854775808', 'y',
                        'z']],
    'raminate-pool': [[], ['lists'], ['args'], ['list', 'x'],
                      ['-i', '1', 'args', 'x']],
    'raminate-sim': [[], ['--csv', '--json', 'x'], ['--steps', 'x'],
                     ['--jobs', '0', 'x'], ['--unit', '3K', 'x'],
                     ['--fast', '1G', '--tiers', '1G', 'x'],
                     ['--as-recorded', '--fast', '1G', 'x'],
                     ['--swap-period', '0', 'x'], ['--scan-period', '0', 'x'],
                     ['-p', 'cmq:', 'x'], ['-p', 'no-such', 'x'],
                     ['--fast', '1M,2M', 'x']],
    'raminate-synth': [[], ['-o', 'x', 'no-such'], ['-o', 'x', 'a', 'b'],
                       ['-o', 'x', '--size', '1', 'moving']],
    'raminate-top': [['--count', '3'], ['--batch', '--count', '0'],
                     ['--once', '--batch'], ['-d', 'nan'], ['x']],
}


def all_tools_are_here(_: Path) -> None:
    check(set(WRONG) == set(installed_tools()),
          set(WRONG) ^ set(installed_tools()))


def wrong_options_are_refused_alike(_: Path) -> None:
    for name, wrong in WRONG.items():
        for args in [['--nonsense'], ['--two\nlines'], ['-Z'], *wrong]:
            refused(name, *args)


def help_is_plain_in_any_locale(_: Path) -> None:
    for name in WRONG:
        for locale in ('C', 'C.UTF-8'):
            result = run(name, '--help', env={**os.environ,
                                              'LC_ALL': locale})
            check(result.returncode == 0 and not result.stderr, result)
            check(f'  {name} [OPTION...]' in result.stdout, result.stdout)
            check(result.stdout.isascii() and '?' not in
                  result.stdout.splitlines()[1], result.stdout)


def what_is_not_written_is_an_error(directory: Path) -> None:
    synth = tool('raminate-synth')
    subprocess.run([synth, 'kv', '--size', '64', '--scans', '20', '-o',
                    directory / 'x.rec'], check=True)
    with open('/dev/full', 'wb') as full:
        for name, *args in [
                *([name, '--version'] for name in WRONG),
                *([name, '--help'] for name in WRONG),
                ['raminate-sim', '--csv', '-p', 'null',
                 str(directory / 'x.rec')], ['raminate-synth', '--list']]:
            result = subprocess.run([tool(name), *args], stdout=full,
                                    stderr=subprocess.PIPE, check=False,
                                    encoding='utf-8')
            check(result.returncode == 1, f"{name} {args}: {result}")
            check(result.stderr == f"{name}: can't write the output: No space "
                  "left on device\n", result.stderr)


run_tests(all_tools_are_here, wrong_options_are_refused_alike,
          help_is_plain_in_any_locale, what_is_not_written_is_an_error)
