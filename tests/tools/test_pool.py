#!/usr/bin/env python3
# raminate-pool shows who has what, and its options start a VM of a type.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import subprocess
from typing import Iterator, List

from toolslib import (MIB, check, check_in, paths, run, run_tests,
                      wait_until)

POOL = 'raminate-pool'


def make_pools(directory: Path) -> Path:
    for name, size in (('fast', 8), ('slow', 32)):
        with (directory / name).open('wb') as file:
            file.truncate(size * MIB)
    conf = directory / 'pools.conf'
    conf.write_text(f'[pool dram]\npath={directory}/fast\nranges=0+8M\n'
                    f'[pool nvm]\npath={directory}/slow\n'
                    'ranges=0+20M;24M+8M\n'
                    '[type small]\ndram=1M\nnvm=3M\n'
                    '[type large]\ndram=2M\nnvm=8M\n')
    os.environ['RAMINATE_POOLS'] = str(conf)
    return conf


@contextlib.contextmanager
def vm(name: str, args: List[str]) -> Iterator['subprocess.Popen[bytes]']:
    """A VM that is not started, but has its memory."""
    with subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', paths.require_qemu(), '-name',
             f'guest={name},debug-threads=on', '-nodefaults', '-display',
             'none', '-S', '-cpu', 'qemu64', '-machine', 'none',
             *args]) as process:
        try:
            yield process
        finally:
            process.kill()


def lines() -> List[List[str]]:
    result = run(POOL, 'list')
    check(result.returncode == 0, result.stderr)
    return [line.split() for line in result.stdout.splitlines()[1:]]


def held(name: str) -> List[List[str]]:
    """Pool, start and size of what a VM holds."""
    return [[line[0], line[2], line[3]] for line in lines()
            if line[-1] == name]


def args_of(name: str, *options: str) -> List[str]:
    result = run(POOL, 'args', name, *options)
    check(result.returncode == 0, result.stderr)
    return result.stdout.split()


def nothing_is_held_at_first(directory: Path) -> None:
    make_pools(directory)
    check([[line[0], *line[2:]] for line in lines()] == [
        ['dram', '0x0', '8', 'MiB', '-', 'free'],
        ['nvm', '0x0', '20', 'MiB', '-', 'free'],
        ['nvm', '0x1800000', '8', 'MiB', '-', 'free']], lines())


def shows_who_holds_what(directory: Path) -> None:
    make_pools(directory)
    with vm('one', args_of('small')) as one:
        wait_until(lambda: len(held('one')) == 2, "the first VM")
        with vm('two', args_of('large', '--id', 'ram')):
            wait_until(lambda: len(held('two')) == 2, "the second VM")
            check(held('one') == [['dram', '0x0', '1'], ['nvm', '0x0', '3']],
                  held('one'))
            check(held('two') == [['dram', '0x100000', '2'],
                                  ['nvm', '0x300000', '8']], held('two'))
            check_in(str(one.pid), run(POOL, 'list').stdout)
            check(held('free') == [['dram', '0x300000', '5'],
                                   ['nvm', '0xb00000', '9'],
                                   ['nvm', '0x1800000', '8']], held('free'))


def a_killed_vm_leaves_nothing(directory: Path) -> None:
    make_pools(directory)
    with vm('one', args_of('small')) as one:
        wait_until(lambda: len(held('one')) == 2, "the VM")
        one.kill()
        one.wait()
        check(not held('one') and len(held('free')) == 3, lines())
    with vm('two', args_of('small')):
        wait_until(lambda: held('two') == [['dram', '0x0', '1'],
                                           ['nvm', '0x0', '3']], "another")


def many_vms_at_once_share_nothing(directory: Path) -> None:
    make_pools(directory)
    with contextlib.ExitStack() as stack:
        for number in range(6):
            stack.enter_context(vm(f'vm{number}', args_of('small')))
        wait_until(lambda: all(len(held(f'vm{number}')) == 2
                               for number in range(6)), "all VMs")
        for pool in ('dram', 'nvm'):
            starts = [line[2] for line in lines()
                      if line[0] == pool and line[-1] != 'free']
            check(len(starts) == len(set(starts)) == 6, lines())


def errors_are_plain(directory: Path) -> None:
    conf = make_pools(directory)
    for args, status, message in (
            (['args', 'huge'], 1, "no type 'huge', only: small, large"),
            (['args', 'small', '--id', 'a b'], 2, "'a b' is no id"),
            (['-f', directory / 'none', 'list'], 1, "can't read pools"),
            ([], 2, 'give a command'), (['list', 'x'], 2, 'give a command'),
            (['erase'], 2, 'give a command')):
        result = run(POOL, *args)
        check(result.returncode == status, f"{args}: {result.returncode}")
        check_in(message, result.stderr)
    conf.write_text('\n[pool a]\npath=/none\nranges=0+4K\n')
    check_in("can't look at '/none'", run(POOL, 'list').stderr)
    conf.write_text('\n[pool a]\nranges=0+4K\n[pool b]\nranges=0+4K\n')
    result = run(POOL, 'list')
    check(result.returncode == 1, "overlap is not seen")
    check_in(f"{conf}:5: range 0x0 of pool 'b' overlaps", result.stderr)


run_tests(nothing_is_held_at_first, shows_who_holds_what,
          a_killed_vm_leaves_nothing, many_vms_at_once_share_nothing,
          errors_are_plain)
