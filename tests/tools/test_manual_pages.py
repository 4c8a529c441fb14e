#!/usr/bin/env python3
# Each tool has a manual page with all of its options, and without mistakes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import shlex
import shutil
import subprocess
from typing import List

import debian
from fakeqmp import Servers, Vm
from terminal import SHELL_LEFT, terminal
from toolslib import (PATIENCE, Skip, check, exporter, installed_tools, paths,
                      run, run_tests)

PAGES = paths.SOURCE / 'docs' / 'man'
# Pages whose examples other tests run.
OTHERS = {'raminate-merge': 'tests/traffic/test_recording.py',
          'raminate-pool': 'tests/tools/test_pool.py'}


def each_tool_has_a_page(_: Path) -> None:
    tools = set(installed_tools())
    pages = {path.stem for path in PAGES.glob('*.1')}
    check(tools == pages, f"tools: {tools}, pages: {pages}")


def pages_have_all_options(_: Path) -> None:
    for page in PAGES.glob('*.1'):
        text = page.read_text().replace('\\', '')
        for name in ('raminate', page.stem, 'SYNOPSIS', 'EXIT STATUS'):
            check(name in text, f"{page.name} has no {name}")
        usage = run(page.stem, '--help').stdout
        options = set(re.findall(r'--[a-z-]+', usage))
        check(options, usage)
        missing = {option for option in options if option not in text}
        check(not missing, f"{page.name} lacks {missing}")


def pages_are_installed(_: Path) -> None:
    rules = (paths.SOURCE / 'tools' / 'meson.build').read_text()
    for page in PAGES.glob('*.1'):
        check(f"'{page.stem.removeprefix('raminate-')}'" in rules,
              f"{page.name} is not installed")


def mandoc_finds_no_mistake(_: Path) -> None:
    mandoc = debian.find('mandoc', 'mandoc')
    pages = [str(page) for page in PAGES.glob('*.1')]
    result = subprocess.run([mandoc, '-T', 'lint', '-W', 'warning', *pages],
                            check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, encoding='utf-8')
    check(result.returncode == 0 and not result.stdout, result.stdout)


def groff_finds_no_mistake(_: Path) -> None:
    if not shutil.which('groff'):
        raise Skip("there is no groff")
    for page in PAGES.glob('*.1'):
        result = subprocess.run(
            ['groff', '-man', '-Tutf8', '-ww', str(page)], check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            encoding='utf-8')
        check(result.returncode == 0 and not result.stderr, result.stderr)


def examples(page: Path) -> List[str]:
    """The commands that a page shows, as a terminal shows them."""
    match = re.search(r'^\.SH EXAMPLES\n\.EX\n(.*?)^\.EE', page.read_text(),
                      re.M | re.S)
    check(match, f"{page.name} has no examples")
    assert match is not None
    return (match.group(1).replace('\\(aq', "'").replace('\\-', '-')
            .splitlines())


def examples_work(directory: Path) -> None:
    for page in PAGES.glob('*.1'):
        if page.stem in OTHERS:
            check((paths.SOURCE / OTHERS[page.stem]).is_file(), page.name)
            continue
        for number, example in enumerate(examples(page)):
            # The page's own order of files that are made and used is kept.
            where = directory / page.stem
            where.mkdir(exist_ok=True)
            with Servers() as servers:
                servers.add(where / f'vm{number}.sock', Vm())
                try_example(where, number, example)


def try_example(where: Path, number: int, example: str) -> None:
    """Runs it in a directory with a recording, and a VM in /run/raminate."""
    name, _, words = example.partition(' ')
    words = (words.replace('/run/raminate/vm1', f'{where}/vm{number}')
             .replace('/run/raminate', str(where))
             # Twelve periods, but not a minute
             .replace('-d 5', '-d 0.1'))
    recording = where / 'guest.rec'
    if recording.name in words and not recording.exists():
        result = run('raminate-synth', 'kv2', '--size', 16, '--scans', 50,
                     '-o', recording)
        check(result.returncode == 0, result.stderr)
    if name == 'raminate-exporter':
        if '[::1]' in words and not Path('/proc/net/if_inet6').exists():
            return
        # On a port that is free, and with whatever VMs there are.
        with exporter(*shlex.split(words.replace(':9958', ':0'))) as server:
            check(server.port, example)
        return
    command = f'{installed_tools()[name]} {words}'
    if name == 'raminate-top' and not re.search('--(once|batch)', words):
        with terminal(where, command if words else
                      f"{command} '{where}/*.sock'") as shown:
            shown.wait('mixed')
            shown.keys('q')
            shown.wait(f'{SHELL_LEFT}0')
        return
    result = subprocess.run(['bash', '-c', command], cwd=where, check=False,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            encoding='utf-8', timeout=PATIENCE)
    check(result.returncode == 0, f'{example}: {result.stderr}')


run_tests(each_tool_has_a_page, pages_have_all_options,
          pages_are_installed, examples_work, mandoc_finds_no_mistake,
          groff_finds_no_mistake)
