#!/usr/bin/env python3
# One version everywhere: that of git, or of the file VERSION without git.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import shutil
import subprocess

from toolslib import (CONTAINER, Skip, check, complete, exporter, installed_tools,
                      objects, paths, run, run_tests)

FILE = paths.SOURCE / 'VERSION'
FORM = re.compile(r'\d+\.\d+\.\d+(-dev)?(-\d+-g[0-9a-f]+)?(-dirty)?')
CHANGES = paths.SOURCE / 'CHANGELOG.md'


def built_version() -> str:
    """That of what was built last."""
    match = re.fullmatch(r'raminate-pool \(RAMinate\) (\S+)\n',
                         run('raminate-pool', '--version').stdout)
    check(match, run('raminate-pool', '--version'))
    assert match is not None
    return match.group(1)


def tools_print_it(_: Path) -> None:
    version = built_version()
    check(FORM.fullmatch(version), version)
    check(len(installed_tools()) > 5, installed_tools())
    for name in installed_tools():
        result = run(name, '--version')
        check(result.returncode == 0 and not result.stderr and
              result.stdout == f'{name} (RAMinate) {version}\n', result)


def qemu_prints_it(_: Path) -> None:
    for program in (paths.QEMU, paths.QEMU.parent / 'qemu-img'):
        said = subprocess.run([program, '--version'], check=True,
                              stdout=subprocess.PIPE, encoding='utf-8').stdout
        check(f'RAMinate {built_version()})\n' in said, said)


def queries_tell_it(directory: Path) -> None:
    with objects(directory) as qmp:
        complete(qmp, directory)
        [info] = qmp.cmd('query-raminate', id=CONTAINER)
        package = qmp.cmd('query-version')['package']
    check(info['version'] == built_version(), info)
    check(package == f'RAMinate {built_version()}', package)


def the_exporter_serves_it(directory: Path) -> None:
    with exporter(directory / '*.sock') as server:
        text = server.scrape()
    line = f'raminate_build_info{{version="{built_version()}"}} 1'
    check(line in text.splitlines(), text)


def configure_prints_it(_: Path) -> None:
    said = subprocess.run([paths.SOURCE / 'configure', '--version'],
                          check=True, stdout=subprocess.PIPE,
                          encoding='utf-8').stdout
    check(re.fullmatch(rf'RAMinate {FORM.pattern}\n', said), said)


def git_tells_it(directory: Path) -> None:
    """In a repository that is made up for it."""
    if not shutil.which('git'):
        raise Skip("there is no git")
    (directory / 'scripts').mkdir()
    script = shutil.copy(paths.SOURCE / 'scripts' / 'version',
                         directory / 'scripts')
    (directory / 'VERSION').write_text('0.4.0-dev\n')

    def version() -> str:
        return subprocess.run([script], check=True, encoding='utf-8', cwd='/',
                              stdout=subprocess.PIPE).stdout.strip()

    def git(*args: str) -> None:
        subprocess.run(
            ['git', '-C', directory, '-c', 'user.name=a', '-c',
             'user.email=a@example.org', *args], check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, 'GIT_CONFIG_GLOBAL': '/dev/null'})

    check(version() == '0.4.0-dev', version())
    git('init', '-q')
    check(version() == '0.4.0-dev', version())
    git('add', '.')
    git('commit', '-q', '-m', 'one')
    check(re.fullmatch('0.4.0-dev-1-g[0-9a-f]+', version()), version())
    (directory / 'VERSION').write_text('0.4.0\n')
    check(re.fullmatch('0.4.0-1-g[0-9a-f]+-dirty', version()), version())
    git('commit', '-q', '-a', '-m', 'two')
    git('tag', '-a', '-m', '0.4.0', 'v0.4.0')
    git('tag', '-a', '-m', 'other', 'other')
    check(version() == '0.4.0', version())
    git('commit', '-q', '--allow-empty', '-m', 'three')
    check(re.fullmatch('0.4.0-1-g[0-9a-f]+', version()), version())


def the_changelog_has_it(_: Path) -> None:
    """A release has a section of its own with a date, the newest first."""
    version = FILE.read_text().strip()
    check(FORM.fullmatch(version), version)
    sections = re.findall(r'^## \[(.+)\](?: - (\d{4}-\d\d-\d\d))?$',
                          CHANGES.read_text(), re.M)
    check(sections and sections[0] == ('Unreleased', ''), sections)
    released = [name for name, _ in sections[1:]]
    check(all(date for _, date in sections[1:]), sections)
    check('-' in version or released[:1] == [version], sections)
    kinds = set(re.findall('^### (.*)$', CHANGES.read_text(), re.M))
    check(kinds <= {'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed',
                    'Security'}, kinds)


run_tests(tools_print_it, qemu_prints_it, queries_tell_it,
          the_exporter_serves_it, configure_prints_it, git_tells_it,
          the_changelog_has_it)
