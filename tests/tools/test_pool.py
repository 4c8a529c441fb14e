#!/usr/bin/env python3
# raminate-pool shows who has what, and its options start a VM of a type.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import ctypes
import os
from pathlib import Path
import stat
import subprocess
from typing import Iterator, List

from toolslib import (MIB, PATIENCE, Skip, check, check_in, paths, run,
                      run_tests, tool, wait_until)
from loop import loop_device

POOL = 'raminate-pool'
NODE0 = Path('/sys/devices/system/node/node0/meminfo')


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
def two_nodes(directory: Path) -> Iterator[List[Path]]:
    """Of one device, as libvirt makes them: 16 MiB of a file."""
    nodes = [directory / 'node1', directory / 'node2']
    with loop_device(directory, 16 * MIB) as device:
        for node in nodes:
            os.mknod(node, stat.S_IFBLK | 0o600, device.stat().st_rdev)
        yield nodes


@contextlib.contextmanager
def vm(name: str, args: List[str]) -> Iterator['subprocess.Popen[bytes]']:
    """A VM that is not started, but has its memory."""
    with subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', paths.require_qemu(), '-name',
             f'guest={name},debug-threads=on', '-nodefaults', '-display',
             'none', '-S', '-machine', 'none',
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


def columns_are_as_wide_as_what_is_in_them(directory: Path) -> None:
    path = directory / 'a-file-of-a-long-name'
    path.write_bytes(bytes(8192))
    conf = directory / 'pools.conf'
    conf.write_text(f'[pool of-a-long-name]\npath={path}\nranges=0+4K\n'
                    f'[pool b]\npath={path}\nranges=4K+4K\n')
    header, *parts = run(POOL, '-f', conf, 'list').stdout.splitlines()
    check([part[header.index('START'):].split()[0] for part in parts]
          == ['0x0', '0x1000'], [header, *parts])
    check([part[header.index('HELD BY'):] for part in parts]
          == ['free', 'free'], [header, *parts])


def what_a_file_lacks_is_not_free(directory: Path) -> None:
    make_pools(directory)
    with (directory / 'slow').open('wb') as file:
        file.truncate(25 * MIB)
    result = run(POOL, 'list')
    check(result.returncode == 1, "a file that is too short is no error")
    check_in(f"raminate-pool: pool 'nvm': {directory}/slow ends after 25 MiB "
             "(26214400 bytes), but its ranges go up to 32 MiB (33554432)",
             result.stderr)
    free = [line.split()[2:4] for line in result.stdout.splitlines()
            if line.startswith('nvm')]
    check(free == [['0x0', '20'], ['0x1800000', '1']], free)


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


def nodes_of_a_device_are_one(directory: Path) -> None:
    """Whichever of them a VM opens, it gets what no other has."""
    conf = directory / 'pools.conf'
    os.environ['RAMINATE_POOLS'] = str(conf)

    def use(node: Path) -> None:
        conf.write_text(f'[pool a]\npath={node}\nranges=0+16M\n'
                        '[type t]\na=6M\n')

    with two_nodes(directory) as (node1, node2):
        use(node1)
        with vm('one', args_of('t')):
            wait_until(lambda: held('one') == [['a', '0x0', '6']], "the first")
            use(node2)
            with vm('two', args_of('t')):
                wait_until(lambda: held('two') == [['a', '0x600000', '6']],
                           "the second")
                check(held('one') == [['a', '0x0', '6']], lines())
                for where in ('phy-offset=8M,mem-path=' + str(node2),
                              'phy-offset=1M,mem-path=' + str(node1),
                              'phy-offset=1M,mem-path=' + str(node2)):
                    result = start_with('size=4M,' + where)
                    check_in('is in use by another process', result)
                check_in("pool 'a' has no free range",
                         start_with('size=8M,pool=a'))
        with vm('three', args_of('t')):
            wait_until(lambda: held('three') == [['a', '0x0', '6']],
                       "one that comes later")


def start_with(options: str) -> str:
    """The message of a QEMU that gets no memory."""
    return subprocess.run(
        [paths.require_qemu(), '-nodefaults', '-display', 'none', '-S',
         '-machine', 'none', '-object',
         f'memory-backend-devmem,id=a,{options}'], check=False,
        stderr=subprocess.PIPE, encoding='utf-8', timeout=PATIENCE).stderr


def make_node_pools(directory: Path) -> Path:
    """Of node 0, which hosts have, and one that they haven't."""
    conf = directory / 'pools.conf'
    if (not NODE0.exists()
            or ctypes.CDLL('libnuma.so.1').numa_available() < 0):
        raise Skip("the host has no NUMA nodes, or QEMU may not use them")
    conf.write_text('[pool near]\nnodes=0\n[pool far]\nnodes=1023\n'
                    '[type small]\nnear=3M\n[type both]\nnear=1M\nfar=2M\n')
    os.environ['RAMINATE_POOLS'] = str(conf)
    return conf


def claimed(name: str) -> List[List[str]]:
    """Pool, node, start, size and unit of what a VM has taken of nodes."""
    return [line.split()[:5] for line in run(POOL, 'list').stdout.splitlines()
            if line.split()[-1] == name]


def what_vms_take_of_nodes_is_shown(directory: Path) -> None:
    make_node_pools(directory)
    names = [f'vm{number}-{os.getpid()}' for number in range(2)]
    takes = [['near', 'node0', '-', '3', 'MiB']]
    with vm(names[0], args_of('small')) as one:
        wait_until(lambda: claimed(names[0]) == takes, "the first VM")
        with vm(names[1], args_of('small')) as two:
            wait_until(lambda: claimed(names[1]) == takes, "the second VM")
            check(claimed(names[0]) == takes, claimed(names[0]))
            two.kill()
            two.wait()
            check(not claimed(names[1]), claimed(names[1]))
        check_in(str(one.pid), run(POOL, 'list').stdout)
    wait_until(lambda: not claimed(names[0]), "the first VM to be gone")


def nodes_that_are_not_there_are_told(directory: Path) -> None:
    make_node_pools(directory)
    result = run(POOL, 'list')
    check(result.returncode == 1, "a node that is not there is no error")
    check_in("pool 'far': node 1023: the host has no memory that is online "
             "there", result.stderr)
    with NODE0.open() as file:
        gib = int(file.readline().split()[3]) / (1 << 20)
    listed = result.stdout.splitlines()
    check(all(line.split()[:2] == ['near', 'node0'] for line in listed[1:]),
          listed)
    check_in('; the node has ', listed[-1])
    total = listed[-1].split()[-2:]
    check(total[1] != 'GiB' or abs(float(total[0]) - gib) < 0.1 + gib / 99,
          f'{gib} GiB: {listed}')


def types_of_nodes_have_options(directory: Path) -> None:
    make_node_pools(directory)
    options = args_of('both', '--id', 'ram')
    check(options[-4:] == [
        '-object', 'memory-backend-node,id=ram-near,size=1024k,offset=0k,'
        'pool=near,parent=ram',
        '-object', 'memory-backend-node,id=ram-far,size=2048k,offset=1024k,'
        'pool=far,parent=ram'], options)


def errors_are_plain(directory: Path) -> None:
    conf = make_pools(directory)
    for args, status, message in (
            (['args', 'huge'], 1, "no type 'huge', only: small, large"),
            (['args', 'small', '--id', 'a b'], 2, "'a b' is no id"),
            (['-f', directory / 'none', 'list'], 1,
             '; write it as raminate-pool(1) shows'),
            ([], 2, 'give a command'), (['list', 'x'], 2, 'give a command'),
            (['erase'], 2, 'give a command')):
        result = run(POOL, *args)
        check(result.returncode == status, f"{args}: {result.returncode}")
        check_in(message, result.stderr)
    conf.write_text(conf.read_text()
                    + '[pool late]\npath=/none\nranges=0+4K\n')
    result = run(POOL, 'list')
    check(result.returncode == 1, "a pool that is not there is no error")
    check_in("pool 'late': can't look at '/none'", result.stderr)
    check_in('dram', result.stdout)
    conf.write_text('\n[pool a]\nranges=0+4K\n[pool b]\nranges=0+4K\n')
    result = run(POOL, 'list')
    check(result.returncode == 1, "overlap is not seen")
    check_in(f"{conf}:5: range 0x0 of pool 'b' overlaps", result.stderr)


def odd_files_are_refused_at_once(directory: Path) -> None:
    conf = make_pools(directory)
    conf.unlink()
    (directory / 'dir').mkdir()
    (directory / 'loop').symlink_to(directory / 'loop')
    os.mkfifo(directory / 'fifo')
    with (directory / 'long').open('wb') as file:
        file.truncate((1 << 20) + 1)
    for path, reason in (('dir', 'directory'), ('loop', 'symbolic links'),
                         ('fifo', 'this is no file'),
                         ('/dev/zero', 'this is no file'),
                         ('long', 'longer than 1048576 bytes')):
        result = run(POOL, '-f', directory / path, 'list')
        check(result.returncode == 1, f'{path}: {result}')
        check_in("can't read pools: ", result.stderr)
        check_in(reason, result.stderr)


def overlap_is_seen_by_any_path(directory: Path) -> None:
    conf = make_pools(directory)
    fast, link, hard = (directory / name for name in ('fast', 'link', 'hard'))
    link.symlink_to(fast)
    os.link(fast, hard)
    same = [(fast, f'{directory}/./fast'), (fast, link), (hard, link),
            ('/none/x', '/none//./x')]
    with contextlib.suppress(PermissionError):
        node = directory / 'node'
        os.mknod(node, stat.S_IFCHR, os.stat('/dev/null').st_rdev)
        same.append(('/dev/null', node))
    for one, other in same:
        check_overlap_is_seen(conf, one, other, [])
        check_overlap_is_seen(conf, other, one, [])


def overlap_is_seen_through_a_mount(directory: Path) -> None:
    if os.geteuid() != 0:
        raise Skip("only root can mount")
    conf = make_pools(directory)
    fast, mount = directory / 'fast', directory / 'mount'
    mount.touch()
    check_overlap_is_seen(conf, fast, mount, [
        'unshare', '--mount', 'sh', '-c',
        f'mount --bind {fast} {mount} && exec "$@"', 'sh'])


def check_overlap_is_seen(conf: Path, one: object, other: object,
                          within: List[str]) -> None:
    """Between two paths of one file; and ranges that only touch are not."""
    for start, overlaps in (('4K', True), ('8K', False)):
        conf.write_text(f'[pool a]\npath={one}\nranges=0+8K\n'
                        f'[pool b]\npath={other}\nranges={start}+8K\n')
        result = subprocess.run([*within, tool(POOL), 'list'], check=False,
                                stderr=subprocess.PIPE, encoding='utf-8',
                                stdout=subprocess.DEVNULL)
        message = (f"{conf}:6: range 0x1000 of pool 'b' overlaps range 0x0 "
                   "of pool 'a' in line 3")
        check((message in result.stderr) == overlaps,
              f'{one} and {other}: {result.stderr}')


def nonsense_is_refused_with_its_line(directory: Path) -> None:
    conf = make_pools(directory)
    good = '[pool a]\nranges=0+4K\n'
    for text, line in ((good + 'x', 3), (good + '[pool a]\n', 3),
                       (good + '\n\n[type t]\nb=4K\n', 6),
                       (good + '[type t]\na=5\n', 4), ('ranges=0+4K', 1),
                       ('[pool a]\nranges=4K', 2), ('[pool a]\n', 1),
                       ('[pool a]\nranges=0+4K;2K+4K', 2),
                       ('[pool a]\nranges=0+4K;0+8K', 2),
                       ('[pool a]\nranges=99999999T+4K', 2),
                       ('[pool a]\nranges=7E+4K', 2),
                       ('[pool a]\nnodes=\n', 2),
                       ('[pool a]\nnodes=1-\n', 2),
                       ('[pool a]\nnodes=1,1\n', 2),
                       ('[pool a]\nnodes=1\n[pool b]\nnodes=0-2\n', 4),
                       (good + 'nodes=1\n', 3),
                       ('[pool b]\nnodes=1\n' + good
                        + '[type t]\na=4K\nb=4K', 7),
                       ('[pool a\n', 1), ('[pool ]', 1), ('[pool a b]', 1),
                       (good + '\xff', 3), ('[' * 100000, 1)):
        conf.write_text(text, encoding='latin-1')
        result = run(POOL, 'list')
        check(result.returncode == 1, f'{text!r:.60}: no error')
        check_in(f'{conf}:{line}: ', result.stderr)
    for data in (b'\0' * 5000, os.urandom(5000) + b'\0'):
        conf.write_bytes(data)
        check(run(POOL, 'list').returncode == 1, "no error")


run_tests(nothing_is_held_at_first, columns_are_as_wide_as_what_is_in_them,
          what_a_file_lacks_is_not_free, shows_who_holds_what, a_killed_vm_leaves_nothing, many_vms_at_once_share_nothing,
          nodes_of_a_device_are_one, what_vms_take_of_nodes_is_shown,
          nodes_that_are_not_there_are_told, types_of_nodes_have_options,
          errors_are_plain, odd_files_are_refused_at_once, overlap_is_seen_by_any_path, overlap_is_seen_through_a_mount,
          nonsense_is_refused_with_its_line)
