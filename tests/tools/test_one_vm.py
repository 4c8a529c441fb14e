#!/usr/bin/env python3
# A VM is one VM, whatever sockets it has; and a socket is there for all tools.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
import os
from pathlib import Path
import socket
import subprocess
from typing import Any, Iterator, List

from fakeqmp import Servers, Vm, container
from terminal import terminal
from toolslib import (MIB, Skip, check, check_in, exporter, paths, run,
                      run_tests, tool, wait_until)

TOP = 'raminate-top'
UUID = '0b4e5f60-1111-4222-8333-94a5b6c7d8e9'


class Named(Vm):
    """One with a UUID."""

    def __init__(self, uuid: str, *args: Any):
        super().__init__(*args)
        self.uuid = uuid

    def do_query_uuid(self, _: object) -> object:
        return {'UUID': self.uuid}


@contextlib.contextmanager
def vm(directory: Path, name: str, *sockets: str, uuid: str = '',
       qemu: str = '') -> Iterator[None]:
    """A QEMU with a container, that listens at all of these."""
    memory = directory / f'{sockets[0]}.memory'
    with memory.open('wb') as file:
        file.truncate(2 * MIB)
    monitors = [word for sock in sockets for word in (
        '-qmp', f'unix:{directory}/{sock},server=on,wait=off')]
    tiers = [word for number in (0, 1) for word in (
        '-object', f'memory-backend-devmem,id=t{number},parent=c,size=1M,'
        f'mem-path={memory},phy-offset={number}M,offset={number}M')]
    with subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', qemu or paths.require_qemu(),
             '-nodefaults', '-display', 'none', '-name', name,
             *(['-uuid', uuid] if uuid else []), '-m', '2M', '-machine',
             'none,memory-backend=c', '-object',
             'memory-backend-container,id=c,size=2M', *tiers,
             *monitors]) as process:
        try:
            wait_until(lambda: all((directory / sock).exists()
                                   for sock in sockets), "the sockets")
            yield
        finally:
            process.kill()


def names(*args: object) -> List[str]:
    """Of the VMs that raminate-top shows."""
    result = run(TOP, '--json', *args)
    check(result.returncode == 0, result)
    return [entry['vm'] for entry in json.loads(result.stdout)['vms']]


def a_second_socket_is_no_second_vm(directory: Path) -> None:
    with vm(directory, 'one', 'a.sock', 'b.sock'), \
            vm(directory, 'two', 'c.sock'), \
            exporter(directory / '*.sock') as server:
        check(names(directory / '*.sock') == ['one', 'two'], "top --json")
        table = run(TOP, '--once', directory / '*.sock').stdout
        check(table.count('\none ') == 3, table)
        text = server.scrape()
        check(text.count('\nraminate_vm_up{') == 2, text)
        check(text.count('\nraminate_scans_total{') == 2, text)
        check_in('\nraminate_exporter_sockets 3\n', text)


def qemu_of_the_packages_is_known(directory: Path) -> None:
    """By the name that it has there."""
    qemu = directory / 'raminate-qemu'
    qemu.symlink_to(Path(paths.require_qemu()).resolve())
    with vm(directory, 'one', 'a.sock', 'b.sock', qemu=str(qemu)):
        check(names(directory / '*.sock') == ['one'], "top")


def one_that_is_taken_hides_nothing(directory: Path) -> None:
    with vm(directory, 'one', 'a.sock', 'b.sock'), \
            socket.socket(socket.AF_UNIX) as other, \
            exporter('-t', 1, directory / '*.sock') as server:
        other.connect(str(directory / 'a.sock'))
        check(b'QMP' in other.recv(4096), "no greeting")
        check(names('-t', 1, directory / '*.sock') == ['one'], "top")
        check(server.value('raminate_vm_up') == 1, "it is down")
        check('} 0\n' not in ''.join(
            line + '\n' for line in server.scrape().splitlines()
            if line.startswith('raminate_vm_up')), "an alert would fire")


def two_vms_of_one_uuid_are_two(directory: Path) -> None:
    """As while one migrates to the host that it is on."""
    with vm(directory, 'one', 'a.sock', uuid=UUID), \
            vm(directory, 'one', 'b.sock', uuid=UUID):
        check(names(directory / '*.sock') == ['one', 'one'], "top")


def behind_proxies_the_uuid_counts(directory: Path) -> None:
    none = '00000000-0000-0000-0000-000000000000'
    with Servers() as servers:
        for name, uuid in (('a', UUID), ('b', UUID), ('c', none),
                           ('d', none), ('e', UUID.replace('0', '1'))):
            servers.add(directory / f'{name}.sock',
                        Named(uuid, name, [container(name)]))
        check(names(directory / '*.sock') == ['a', 'c', 'd', 'e'], "top")
        with exporter(directory / '*.sock') as server:
            text = server.scrape()
        check(text.count('\nraminate_scans_total{') == 4, text)


def all_tools_share_a_socket(directory: Path) -> None:
    sock = directory / 'vm.sock'
    command = f"{tool(TOP)} -d 0.2 -t 60 '{sock}'"
    with vm(directory, 'one', 'vm.sock'), exporter('-t', 60, sock) as server, \
            terminal(directory, command) as first, \
            terminal(directory, command) as second:
        for shown in (first, second):
            shown.wait('mixed')
        for _ in range(5):
            # It gives up after some seconds, which a busy host may take.
            wait_until(lambda: server.value('raminate_vm_up') == 1, "its turn")
            check(names('-t', 60, sock) == ['one'], "top --json")
        result = run('raminate-map', '-t', 60, '-o', directory / 'x.svg',
                     sock)
        check(result.returncode == 0, result)
        first.keys('p')
        second.wait('c          off')
        for shown in (first, second):
            check('silent' not in shown.text(), shown.text())


def the_screen_has_a_vm_once(directory: Path) -> None:
    with vm(directory, 'one', 'a.sock', 'b.sock'), terminal(
            directory, f"{tool(TOP)} -d 0.2 '{directory}/*.sock'") as shown:
        text = shown.wait('mixed')
        check_in('VMs: 1 ', text)
        check(text.count('\none ') == 1, text)


def one_that_is_not_ours_is_not_gone(directory: Path) -> None:
    if os.geteuid() != 0:
        raise Skip("only root can be somebody else")
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        (directory / 'vm.sock').chmod(0o600)
        directory.chmod(0o755)
        result = subprocess.run(
            ['setpriv', '--reuid', '65534', '--clear-groups', tool(TOP),
             '--once', directory / 'vm.sock'], stdout=subprocess.PIPE,
            encoding='utf-8', check=False)
    check(' denied ' in result.stdout and 'Permission denied' in
          result.stdout, result.stdout)


run_tests(a_second_socket_is_no_second_vm, qemu_of_the_packages_is_known,
          one_that_is_taken_hides_nothing, two_vms_of_one_uuid_are_two,
          behind_proxies_the_uuid_counts, all_tools_share_a_socket,
          the_screen_has_a_vm_once, one_that_is_not_ours_is_not_gone)
