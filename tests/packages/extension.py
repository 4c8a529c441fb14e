#!/usr/bin/env python3
# The KVM extension that DKMS has built, on a system that has just been booted
# and has set memory aside from the address 0x20000000.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import socket
import subprocess
from typing import Any, Dict

from trial import PATIENCE, SOCKET, check, main, must, vm, wait_until

MIB = 1 << 20
SET_ASIDE = 0x20000000
FAST_PAGES = 16 * MIB // 4096


def listens() -> bool:
    """A socket is there before anybody listens."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(SOCKET) == 0


def qmp(command: str, **arguments: Any) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(SOCKET)
        with client.makefile('rw', encoding='utf-8') as stream:
            stream.readline()       # the greeting
            for execute, members in (('qmp_capabilities', {}),
                                     (command, arguments)):
                stream.write(json.dumps({'execute': execute,
                                         'arguments': members}) + '\n')
                stream.flush()
                answer: Dict[str, Any] = {'event': ''}
                while 'event' in answer:
                    answer = json.loads(stream.readline())
    check('return' in answer, answer)
    return answer['return']


def modules_are_those_of_dkms() -> None:
    for name in ('kvm', 'kvm_amd'):
        path = must('modinfo', '-n', name)
        check('/updates/dkms/' in path, path)
        # By udev, for the CPU's sake
        wait_until(Path(f'/sys/module/{name}').is_dir, f'{name} in use')


def pages_are_exchanged_by_it() -> None:
    # pylint: disable=consider-using-with
    qemu = subprocess.Popen(
        vm('kvm', f'mem-path=/dev/mem,phy-offset={SET_ASIDE:#x}',
           f'mem-path=/dev/mem,phy-offset={SET_ASIDE + 16 * MIB:#x}'),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: qemu.poll() is not None or listens(), 'the VM')
        [info] = qmp('query-raminate')
        check((info['sampler'], info['mover']) == ('kvm', 'kvm'), info)
        wait_until(lambda: qmp('query-raminate')[0]['pages-written'],
                   'what the firmware writes')
        done = qmp('raminate-swap-pages', id='dmcon0',
                   pairs=[{'a': 1000, 'b': FAST_PAGES + 1000}])['done']
        check(done == 1, done)
        page = qmp('query-raminate-page', id='dmcon0', page=1000)
        check(page['tier'] == 'slow', page)
    finally:
        qemu.terminate()
        qemu.wait(PATIENCE)


def kernel_has_no_complaint() -> None:
    wrong = [line for line in must('dmesg').splitlines()
             if re.search('BUG:|WARNING:|Oops|general protection', line)]
    check(not wrong, wrong)


TESTS = [modules_are_those_of_dkms, pages_are_exchanged_by_it,
         kernel_has_no_complaint]
NAMES = [test.__name__ for test in TESTS]

if __name__ == '__main__':
    main(TESTS)
