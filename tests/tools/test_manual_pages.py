#!/usr/bin/env python3
# Each tool has a manual page with all of its options; no page has mistakes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import shutil
import subprocess
from typing import List

import debian
from toolslib import Skip, check, installed_tools, paths, run, run_tests

PAGES = paths.SOURCE / 'docs' / 'man'


def all_pages() -> List[Path]:
    return sorted(PAGES.glob('*.[157]'))


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


def raminate_7_names_all_commands_and_events(_: Path) -> None:
    schema = (paths.SOURCE / 'hw' / 'raminate' / 'raminate.json').read_text()
    names = re.findall(r"^{ '(?:command|event)': '([\w-]+)'", schema, re.M)
    check('query-raminate' in names, schema)
    page = (PAGES / 'raminate.7').read_text().replace('\\', '')
    missing = {name for name in names if f'\n.B {name}\n' not in page}
    check(not missing, f"raminate.7 lacks {missing}")


def raminate_top_1_names_all_states(_: Path) -> None:
    source = (paths.SOURCE / 'tools' / 'top' / 'rows.c').read_text()
    [function] = re.findall(r'^const char \*row_state.*?^}', source,
                            re.M | re.S)
    states = set(re.findall(r'"(.*?)"', function))
    check('gone' in states, function)
    page = (PAGES / 'raminate-top.1').read_text()
    missing = {state for state in states if f'\n.B {state}\n' not in page}
    check(not missing, f"raminate-top.1 lacks {missing}")


def pages_are_installed(_: Path) -> None:
    rules = (paths.SOURCE / 'tools' / 'meson.build').read_text()
    for page in all_pages():
        name = (page.stem.removeprefix('raminate-') if page.suffix == '.1'
                else f'../docs/man/{page.name}')
        check(f"'{name}'" in rules, f"{page.name} is not installed")


def mandoc_finds_no_mistake(_: Path) -> None:
    mandoc = debian.find('mandoc', 'mandoc')
    pages = [str(page) for page in all_pages()]
    result = subprocess.run([mandoc, '-T', 'lint', '-W', 'warning', *pages],
                            check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, encoding='utf-8')
    check(result.returncode == 0 and not result.stdout, result.stdout)


def groff_finds_no_mistake(_: Path) -> None:
    if not shutil.which('groff'):
        raise Skip("there is no groff")
    for page in all_pages():
        result = subprocess.run(
            ['groff', '-man', '-Tutf8', '-ww', str(page)], check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            encoding='utf-8')
        check(result.returncode == 0 and not result.stderr, result.stderr)


run_tests(each_tool_has_a_page, pages_have_all_options,
          raminate_7_names_all_commands_and_events,
          raminate_top_1_names_all_states,
          pages_are_installed, mandoc_finds_no_mistake,
          groff_finds_no_mistake)
