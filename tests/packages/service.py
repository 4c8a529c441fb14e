#!/usr/bin/env python3
# The exporter's service, on a system that has just been booted.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import subprocess
import urllib.error
import urllib.request

from trial import PATIENCE, SOCKET, check, main, must, vm, wait_until

UNIT = 'raminate-exporter'
PORT = 9958         # its default
CAP_DAC_OVERRIDE = 1 << 1
# One of those who run guests: no more than the group's right to /run/raminate
OPERATOR = 'games'


def metrics(port: int = PORT) -> str:
    """Empty as long as nobody listens."""
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics',
                                    timeout=PATIENCE) as answer:
            return str(answer.read(), 'utf-8')
    except urllib.error.URLError:
        return ''


def shown(name: str) -> str:
    """A property of the service."""
    return must('systemctl', 'show', '--value', '-p', name, UNIT)


def runs_from_the_start() -> None:
    wait_until(lambda: 'raminate_build_info' in metrics(), 'its figures')
    check(shown('ActiveState') == 'active', shown('ActiveState'))


def has_no_more_rights_than_it_needs() -> None:
    status = Path(f"/proc/{shown('MainPID')}/status").read_text()
    fields = dict(line.split(':\t', 1) for line in status.splitlines())
    user = must('id', '-u', 'raminate')
    check(fields['Uid'].split() == [user] * 4, fields['Uid'])
    for name in ('CapEff', 'CapPrm', 'CapBnd'):
        check(int(fields[name], 16) == CAP_DAC_OVERRIDE, (name, fields[name]))
    check(fields['NoNewPrivs'] == '1' and fields['Seccomp'] == '2', status)


def sees_a_vm_of_somebody_else_once() -> None:
    must('usermod', '-aG', 'raminate', OPERATOR)
    for name, size in (('fast', '16M'), ('slow', '48M')):
        must('runuser', '-u', OPERATOR, '--', 'truncate', '-s', size,
             f'/dev/shm/{name}')
    # pylint: disable=consider-using-with
    qemu = subprocess.Popen(
        ['runuser', '-u', OPERATOR, '--',
         *vm('tcg', 'mem-path=/dev/shm/fast', 'mem-path=/dev/shm/slow'),
         '-qmp', 'unix:/run/raminate/vm1-too.sock,server=on,wait=off'],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: 'container="dmcon0"' in metrics(),
                   'figures of its memory')
        check(Path(SOCKET).owner() == OPERATOR, Path(SOCKET).owner())
        [up] = [line for line in metrics().splitlines()
                if line.startswith('raminate_vm_up{')]
        check('vm1' in up and up.endswith(' 1'), up)
    finally:
        qemu.terminate()
        qemu.wait(PATIENCE)


def comes_back_when_it_is_killed() -> None:
    must('systemctl', 'kill', '-s', 'KILL', UNIT)
    wait_until(lambda: shown('NRestarts') == '1' and metrics(),
               'its second start')


def takes_options_from_its_file() -> None:
    Path('/etc/default/raminate-exporter').write_text(
        'ARGS="--listen=127.0.0.1:9999"\n')
    must('systemctl', 'restart', UNIT)
    wait_until(lambda: metrics(9999), 'its figures elsewhere')
    check(not metrics(), 'listens where it did before')


TESTS = [runs_from_the_start, has_no_more_rights_than_it_needs,
         sees_a_vm_of_somebody_else_once, comes_back_when_it_is_killed,
         takes_options_from_its_file]
NAMES = [test.__name__ for test in TESTS]


if __name__ == '__main__':
    main(TESTS)
