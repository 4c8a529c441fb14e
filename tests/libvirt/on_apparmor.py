#!/usr/bin/env python3
# Domains under a libvirtd that confines them by AppArmor.  Runs inside an
# emulated host; test_apparmor.py starts it there, with the root directory of
# what is installed as the first argument.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import shutil
import subprocess
import sys
from typing import List

from document import blocks, replaced
from domain import NAME, xml
from libvirtlib import (ENVIRONMENT, HERE, MIB, PATIENCE, check, paths,
                        run_tests)

ROOT = Path(sys.argv.pop(1))
EMULATOR = '/usr/local/libexec/raminate/qemu-system-x86_64'
RULES_PLACE = Path('/etc/apparmor.d/abstractions/libvirt-qemu.d')
PROFILES = Path('/etc/apparmor.d')
LOCAL = PROFILES / 'local'
DISK = re.compile(r' *<disk .*</disk>\n', re.S)
BOOT = re.compile(r'<kernel>.*?</cmdline>', re.S)
LIBVIRTD_LOG = Path('/var/log/libvirt/libvirtd.log')
QEMU_LOG = Path(f'/var/log/libvirt/qemu/{NAME}.log')
LIBVIRTD_CONF = f'''\
auth_unix_rw = "none"
log_outputs = "2:file:{LIBVIRTD_LOG}"
'''
# A pool's nodes are the host's; both have room.
NODE_POOLS = '''\
[pool near]
nodes=0
[pool far]
nodes=1
'''


def call(*args: str, stdin: str = '') -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(args, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding='utf-8',
                          timeout=PATIENCE, check=False, env=ENVIRONMENT)


def must(*args: str, stdin: str = '') -> str:
    result = call(*args, stdin=stdin)
    check(result.returncode == 0, f"{' '.join(args)}: {result.stderr}")
    return result.stdout


def begin() -> 'subprocess.Popen[bytes]':
    """Has libvirt's files where they belong, and starts it."""
    work = Path('/dev/shm/host')
    images = work / 'images'
    images.mkdir(parents=True)
    # pylint: disable=consider-using-with
    host = subprocess.Popen(
        [str(HERE / 'host-init'), 'host1', str(work), str(images), str(ROOT),
         str(paths.BUILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout is not None
    check(host.stdout.readline() == b'ready\n', "the host does not come up")
    must('mount', '-t', 'securityfs', 'none', '/sys/kernel/security')
    # As the packages' installation and AppArmor's service do.
    (LOCAL / 'abstractions').mkdir(parents=True, exist_ok=True)
    (LOCAL / 'abstractions' / 'libvirt-qemu').touch()
    for name in ('usr.sbin.libvirtd', 'usr.lib.libvirt.virt-aa-helper'):
        (LOCAL / name).touch()
        must('apparmor_parser', '-r', '-K', str(PROFILES / name))
    Path('/etc/libvirt/libvirtd.conf').write_text(LIBVIRTD_CONF)
    Path('/etc/libvirt/qemu.conf').write_text(
        'stdio_handler = "file"\nsecurity_driver = "apparmor"\n')
    must('libvirtd', '--daemon')
    return host


def domain_xml() -> str:
    """The documented domain, of which only the memory is of interest."""
    text = DISK.sub('', BOOT.sub('', xml()))
    return re.sub('<emulator>.*</emulator>', f'<emulator>{EMULATOR}'
                  '</emulator>', text)


def on_nodes_xml() -> str:
    """The same on pools that are nodes."""
    return replaced(domain_xml(), {
        'memory-backend-devmem,id=dram0': 'memory-backend-node,id=dram0',
        'memory-backend-devmem,id=nvm0': 'memory-backend-node,id=nvm0',
        'pool=dram': 'pool=near', 'pool=nvm': 'pool=far'})


def allow(pools: str = '') -> None:
    """Has AppArmor allow what the guide says."""
    for commands in blocks('AppArmor')[:3]:
        must('sh', '-ec', commands)
    (RULES_PLACE / 'pools').write_text(pools)


def make_pools() -> None:
    conf, commands = blocks('Pools')[:2]
    Path('/etc/raminate').mkdir(exist_ok=True)
    Path('/etc/raminate/pools.conf').write_text(conf + NODE_POOLS)
    must('sh', '-ec', commands)
    must('sh', '-ec', blocks('A second monitor')[0])


def denials() -> List[str]:
    """What AppArmor has refused, by the kernel's messages."""
    return [line for line in must('dmesg').splitlines()
            if 'apparmor="DENIED"' in line]


def start(text: str) -> None:
    must('dmesg', '--clear')
    call('virsh', 'destroy', NAME)
    call('virsh', 'undefine', NAME)
    must('virsh', 'define', '/dev/stdin', stdin=text)
    result = call('virsh', 'start', NAME)
    check(result.returncode == 0, [result.stderr, *denials(), *(
        line for log in (LIBVIRTD_LOG, QEMU_LOG) if log.exists()
        for line in log.read_text().splitlines()[-5:])])


def check_confined_and_placed() -> None:
    pid = Path(f'/run/libvirt/qemu/{NAME}.pid').read_text().strip()
    label = Path(f'/proc/{pid}/attr/current').read_text()
    check(re.match(r'libvirt-[-0-9a-f]{36} \(enforce\)', label), label)
    [info] = json.loads(must('virsh', 'qemu-monitor-command', NAME,
                             '--return-value', 'query-raminate'))
    check(info['state'] == 'running' and
          [tier['size'] for tier in info['tiers']] == [20 * MIB, 172 * MIB],
          info)
    socket = f'/run/raminate/{NAME}.sock'
    check('running' in must('raminate-top', '--once', socket), "no state")
    check(not denials(), denials())
    must('virsh', 'destroy', NAME)
    must('virsh', 'undefine', NAME)


def pools_of_files_are_allowed(directory: Path) -> None:
    del directory
    allow(blocks('AppArmor')[3])
    start(domain_xml())
    check_confined_and_placed()


def pools_of_nodes_are_allowed(directory: Path) -> None:
    del directory
    allow()
    start(on_nodes_xml())
    check_confined_and_placed()


def libvirtd_is_confined(directory: Path) -> None:
    """Or it would show nothing that it starts our QEMU afterwards."""
    del directory
    result = call('virsh', 'define', '/dev/stdin', stdin=domain_xml())
    check('cannot execute binary' in result.stderr, result)


def domains_are_confined(directory: Path) -> None:
    """Or it would show nothing that others run."""
    del directory
    shutil.rmtree(RULES_PLACE)
    must('dmesg', '--clear')
    must('virsh', 'define', '/dev/stdin', stdin=domain_xml())
    result = call('virsh', 'start', NAME)
    must('virsh', 'undefine', NAME)
    check(result.returncode != 0 and denials(), result)


if __name__ == '__main__':
    HOST = begin()
    make_pools()
    run_tests(libvirtd_is_confined, pools_of_files_are_allowed,
              pools_of_nodes_are_allowed, domains_are_confined)
