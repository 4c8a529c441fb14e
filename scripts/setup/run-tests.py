"""Run tests with meson, and count test cases in the last line.

Usage: run-tests.py BUILD [--suite SUITE]... [--patience N] [NAME]...
Those of the suite "slow" run where they are named, or RAMINATE_SPEED is slow.
SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from raminate.speed import SLOW  # noqa: E402

LOG = 'check'
AROUND = 6              # lines next to a failed case that tell why
GOOD = {'OK', 'EXPECTEDFAIL'}
# A test that calls make is to get what its author got.
OF_MAKE = ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS')
TAP_LINE = re.compile(r'^(not )?ok\b[^#]*(?:#\s*(\w+))?')


def select_tests(build, suites, names):
    """Return the tests' names: meson builds only what named tests need."""
    subprocess.run([os.environ.get('NINJA', 'ninja'), '-C', build,
                    'build.ninja'], check=True, stdout=subprocess.DEVNULL)
    tests = json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
    known = {test['name']: {suite.split(':')[-1] for suite in test['suite']}
             for test in tests}
    if suites:
        known = {name: its for name, its in known.items() if suites & its}
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such test: {', '.join(unknown)}; "
                 f"there are: {', '.join(known)}")
    return names or [name for name, its in known.items()
                     if SLOW or 'slow' not in its]


def count_cases(output):
    """Count the cases that a test reported in TAP."""
    cases = collections.Counter()
    for line in output.splitlines():
        match = TAP_LINE.match(line)
        if not match:
            continue
        bad, directive = match.groups()
        directive = (directive or '').lower()
        if directive == 'skip':
            cases['skipped'] += 1
        elif bad and directive != 'todo':
            cases['failed'] += 1
        else:
            cases['passed'] += 1
    return cases


def count_test(test):
    """Count the cases of one entry of meson's log."""
    cases = count_cases(test.get('stdout', ''))
    if test['result'] == 'SKIP':
        cases['skipped'] = max(cases['skipped'], 1)
    elif test['result'] in GOOD:
        if not cases:
            cases['passed'] = 1
    elif not cases['failed']:
        # It crashed or hung between two cases.
        cases['failed'] = 1
    return cases


def failures(output):
    """Return the lines of failed cases and those around them, or the last."""
    lines = output.splitlines()
    cases = [TAP_LINE.match(line) for line in lines]
    failed = [number for number, case in enumerate(cases)
              if case and case.group(1)] or [len(lines) - 1]
    near = {line for number in failed
            for line in range(number - AROUND, number + AROUND + 1)}
    return [lines[number] for number in sorted(near)
            if 0 <= number < len(lines) and
            (not cases[number] or cases[number].group(1))]


def print_failures(tests):
    """Name what failed where whoever reads a long log looks first."""
    for test in tests:
        if test['result'] not in GOOD and test['result'] != 'SKIP':
            print(f"{test['name']}: {test['result']}")
            for output in ('stdout', 'stderr'):
                for line in failures(test.get(output, '')):
                    print(f'  {line}')


def run_tests(build, names, patience):
    """Run the tests; return meson's status and the counted cases."""
    total = collections.Counter()
    if not names:
        return 0, total
    log = build / 'meson-logs' / f'{LOG}.json'
    log.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items()
                   if name not in OF_MAKE}
    status = subprocess.run(
        [sys.executable, '-m', 'mesonbuild.mesonmain', 'test', '-C', build,
         '--logbase', LOG, '--print-errorlogs',
         '--timeout-multiplier', str(patience), *names],
        check=False, env=environment).returncode
    if log.exists():
        tests = [json.loads(line) for line in log.read_text().splitlines()]
        print_failures(tests)
        for test in tests:
            total.update(count_test(test))
    elif status:
        sys.exit('The tests did not run: something does not build.')
    return status, total


def main():
    """Run the tests and return make's exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('--suite', action='append', default=[])
    parser.add_argument('--patience', type=int, default=1,
                        help='factor to the time that tests may take')
    parser.add_argument('name', nargs='*')
    args = parser.parse_intermixed_args()

    names = select_tests(args.build, set(args.suite), args.name)
    status, total = run_tests(args.build, names, args.patience)
    line = f"{total['passed']} passed, {total['failed']} failed"
    if total['skipped']:
        line += f", {total['skipped']} skipped"
    print(line)
    return 1 if status or total['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
