#!/usr/bin/env python3
# What is installed besides programs: the example of pools.conf and those of
# the manual pages work, and completions offer what there is.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import shutil
import subprocess
from typing import List

import debian
from documents import blocks
from terminal import SHELL_LEFT, terminal
from toolslib import (PATIENCE, QEMUMonitorProtocol, Skip, check,
                      installed_tools, paths, run, run_tests, wait_until)

SHARE = paths.SOURCE / 'share'
PAGES = paths.SOURCE / 'docs' / 'man'
POOLS = '''
[pool dram]
nodes=0
[pool nvm]
nodes=1
[type small]
dram=1G
nvm=3G
[type large]
dram=2G
nvm=6G
'''
# Asks the completion of the last word, as readline does.
COMPLETE = '''
. "$1"
COMP_LINE="${*:2}" COMP_POINT=${#COMP_LINE}
words=("${@:2}")
compopt() { :; }
_raminate "${words[0]}" "${words[-1]##*=}" "${words[-2]}"
printf '%s\\n' "${COMPREPLY[@]}"
'''


def examples_of_pools_conf_are_understood(directory: Path) -> None:
    page, command = blocks(PAGES / 'pools.conf.5')
    check('raminate-pool args small' in command.text, command)
    example = directory / 'example.conf'
    example.write_text(page.text)
    for path in (SHARE / 'pools.conf', example):
        result = run('raminate-pool', '-f', path, 'args', 'small')
        check(result.returncode == 0 and
              'size=1048576k' in result.stdout and
              'size=3145728k' in result.stdout, result)


def the_pools_conf_that_is_commented_out_is_understood(directory: Path
                                                       ) -> None:
    text = (SHARE / 'pools.conf').read_text()
    [commented] = re.findall(r'^# \[pool nvm\]\n(?:# .*=.*\n)+', text, re.M)
    whole = directory / 'pools.conf'
    whole.write_text(text + commented.replace('# ', ''))
    result = run('raminate-pool', '-f', whole, 'args', 'small')
    check(result.returncode == 0, result)


def the_example_of_raminate_starts_a_vm(directory: Path) -> None:
    _, example = blocks(PAGES / 'raminate.7')
    lines = example.text.replace('\\e', '\\')
    for inside in ('/dev/shm', '/run/raminate'):
        lines = lines.replace(inside, str(directory))
    lines = lines.replace('qemu-system-x86_64',
                          f'exec {paths.require_qemu()} -display none')
    with subprocess.Popen(['bash', '-ec', lines], cwd=directory) as process:
        try:
            sock = directory / 'vm1.sock'
            wait_until(lambda: sock.exists() or process.poll() is not None,
                       "QEMU to start")
            check(process.poll() is None, f"QEMU has ended:\n{lines}")
            qmp = QEMUMonitorProtocol(str(sock))
            qmp.connect()
            qmp.settimeout(PATIENCE)
            [info] = qmp.cmd('query-raminate')
            check([tier['id'] for tier in info['tiers']] ==
                  ['dram0', 'nvm0'], info)
            qmp.close()
        finally:
            process.kill()


def completed(directory: Path, *words: str) -> List[str]:
    (directory / 'pools.conf').write_text(POOLS)
    tool = str(installed_tools()[words[0]])
    return subprocess.run(
        ['bash', '-uc', COMPLETE, 'bash',
         SHARE / 'completions' / 'raminate.bash', tool, *words[1:]],
        cwd=directory, check=True, stdout=subprocess.PIPE, encoding='utf-8',
        env={**os.environ, 'RAMINATE_POOLS': str(directory / 'pools.conf')}
    ).stdout.split()


def bash_completes_options(directory: Path) -> None:
    for name in installed_tools():
        usage = run(name, '--help').stdout
        there = set(re.findall(r'^  (?:-., )?(--[a-z-]+)', usage, re.M))
        check('--version' in there, usage)
        offered = {word.rstrip('=')
                   for word in completed(directory, name, '--')}
        check(offered == there, f'{name}: {offered ^ there}')
    found = completed(directory, 'raminate-pool', '--f')
    check(found == ['--file='], found)


def bash_completes_words(directory: Path) -> None:
    (directory / 'sm.rec').touch()
    for words, there, not_there in (
            (('raminate-pool', ''), ['list', 'args', 'xml'], ['small']),
            (('raminate-pool', 'args', ''), ['small', 'large'], ['list']),
            (('raminate-pool', 'args', 'sm'), ['small'], ['large']),
            (('raminate-pool', 'xml', 'sm'), ['small'], ['large']),
            (('raminate-synth', 'mov'), ['moving', 'moving2'], ['zipf']),
            (('raminate-sim', '-p', ''), ['cmq', 'payback'], ['sm.rec']),
            (('raminate-sim', '--policy=cm'), ['cmq'], ['payback']),
            (('raminate-sim', 's'), ['sm.rec'], ['cmq'])):
        found = completed(directory, *words)
        check(set(there) <= set(found) and not set(not_there) & set(found),
              f'{words}: {found}')


def zsh_completes(directory: Path) -> None:
    """On a terminal, as its completion runs nowhere else."""
    zsh = debian.find('zsh', 'zsh')
    functions = [Path('/usr/share/zsh/functions')]
    modules = ''
    if not shutil.which('zsh'):
        functions = [debian.unpacked('zsh-common') / 'usr/share/zsh/functions']
        [found] = debian.unpacked('zsh').glob('usr/lib/*/zsh/5*')
        modules = f'module_path=({found})\n'
    folders = [str(path) for path in functions[0].rglob('*') if path.is_dir()]
    (directory / 'pools.conf').write_text(POOLS)
    tools = ':'.join({str(path.parent) for path in
                      installed_tools().values()})
    (directory / '.zshenv').write_text(
        f"{modules}fpath=({SHARE / 'completions'} {' '.join(folders)})\n"
        f"PATH={tools}:$PATH\nexport RAMINATE_POOLS={directory}/pools.conf\n")
    (directory / '.zshrc').write_text(
        'autoload -U compinit && compinit -u -D\nPS1="READY "\n')
    with terminal(directory, f'env ZDOTDIR={directory} {zsh} -i') as shown:
        for line, there in (('raminate-pool ', 'xml'),
                            ('raminate-pool args ', 'large'),
                            ('raminate-top --onc', '--once'),
                            ('raminate-sim --policy=payb', '=payback'),
                            ('raminate-synth comp', 'compile2')):
            shown.wait('READY')
            shown.keys('C-u', 'C-l')
            shown.keys('-l', line)
            shown.keys('Tab', 'Tab')
            shown.wait(there)
        # Not by C-c: what is typed soon after an interrupt may be lost.
        shown.keys('C-u', 'C-d')
        shown.wait(SHELL_LEFT)


def zsh_knows_all_tools(_: Path) -> None:
    file = SHARE / 'completions' / '_raminate'
    first = file.read_text().split('\n', 1)[0]
    check(first.split() == ['#compdef', *sorted(installed_tools())], first)


run_tests(examples_of_pools_conf_are_understood,
          the_pools_conf_that_is_commented_out_is_understood,
          the_example_of_raminate_starts_a_vm, bash_completes_options,
          bash_completes_words, zsh_completes, zsh_knows_all_tools)
