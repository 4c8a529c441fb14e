#!/usr/bin/env python3
# What libvirt rejects, and what QEMU may do under it, is as the guide says.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import shutil
from typing import Dict, Tuple

from document import GUIDE, blocks, replaced
from domain import NAME, Domain, one_host, xml
from libvirtlib import MIB, Host, Skip, check, run_suites
from loop import loop_device

NAMESPACE = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
MACHINE = """<qemu:arg value='-machine'/>
    <qemu:arg value='memory-backend=dmcon0'/>"""
NUMA = """<qemu:arg value='-numa'/>
    <qemu:arg value='node,nodeid=0,memdev=dmcon0'/>"""
CELLS = """</features>
  <cpu><numa><cell id='0' cpus='0-1' memory='192' unit='MiB'/></numa></cpu>"""
CAP_SYS_RAWIO = 17
EMULATOR = '/usr/local/bin/qemu-system-x86_64'
INSTALLED = Path('/usr/local/libexec/raminate/qemu-system-x86_64')


def changed(**changes: str) -> str:
    """The domain with some of its parts changed, by name of the part."""
    parts = {'namespace': NAMESPACE, 'machine': MACHINE,
             'memory': "<memory unit='MiB'>192", 'features': '</features>',
             'vcpu': '<vcpu>', 'dram': 'pool=dram', 'devices': '</devices>'}
    return replaced(xml(), {parts[name]: text
                            for name, text in changes.items()})


def try_domain(host: Host, text: str) -> str:
    """Error of define or start, empty if there is none.

    What QEMU says may be in its log alone.
    """
    log = f'/var/log/libvirt/qemu/{NAME}.log'
    host.call('virsh', 'destroy', NAME)
    host.call('virsh', 'undefine', NAME)
    host.run('rm', '-f', log)
    result = host.call('virsh', 'define', '/dev/stdin', stdin=text)
    if result.returncode == 0:
        result = host.call('virsh', 'start', NAME)
    if result.returncode == 0:
        return ''
    return result.stderr + host.call('cat', log).stdout


def check_refused(host: Host, text: str, messages: Tuple[str, ...]) -> None:
    """With a message that the guide tells of."""
    for message in messages:
        check(message in GUIDE.read_text(), f"not in the guide: {message}")
    error = try_domain(host, text)
    check(any(message in error for message in messages),
          f"none of {messages} is in: {error}")


def memory_of_guest(host: Host) -> str:
    return host.run('virsh', 'qemu-monitor-command', NAME, '--hmp',
                    'info mtree -f')


def is_rejected_or_rewritten(directory: Path, suite: str) -> None:
    exclusive = ("'-machine memory-backend' and '-numa memdev' properties are "
                 "mutually exclusive")
    refused: Dict[str, Tuple[str, ...]] = {
        changed(memory="<memory unit='MiB'>256"):
            ('Machine memory size does not match the size of the memory '
             'backend',),
        changed(machine=NUMA): (exclusive,),
        changed(features=CELLS): (exclusive,),
        changed(features=CELLS, machine=NUMA): ('Duplicate NUMA nodeid',),
        # The newer libvirt adds a node itself.
        changed(vcpu="<maxMemory slots='4' unit='GiB'>1</maxMemory><vcpu>"):
            ('At least one numa node has to be configured when enabling memory'
             ' hotplug', exclusive),
    }
    with one_host(directory, suite) as host:
        for text, messages in refused.items():
            check_refused(host, text, messages)
        for text in (changed(namespace=''),
                     changed(namespace=NAMESPACE.replace('1.0', '1.1'))):
            check(not try_domain(host, text), "libvirt complains")
            check('dmcon0' not in memory_of_guest(host), "it is in use")
            host.run('virsh', 'undefine', NAME)
            error = host.refused('virsh', 'define', '--validate',
                                 '/dev/stdin', stdin=text)
            check('Element domain has extra content' in error, error)
        check(not try_domain(host, changed(machine='')), "libvirt complains")
        check('pc.ram' in memory_of_guest(host), "pc.ram is not in use")
        check(not try_domain(host, xml()), "the domain is refused")
        check('dmcon0' in memory_of_guest(host), "dmcon0 is not in use")
        check('already exists with uuid' in host.refused(
            'virsh', 'define', '/dev/stdin', stdin=xml()), "no message")
        error = host.refused('virsh', 'qemu-monitor-command', NAME, 'qom-get',
                             'path=/')
        check('parse json' in error.lower(), error)


def memory_backing_is_for_nothing(directory: Path, suite: str) -> None:
    """What libvirt allocates at once is its own backend."""
    backing = "<memoryBacking><allocation mode='immediate'/>" \
              "</memoryBacking><vcpu>"
    with one_host(directory, suite) as host:
        shares = {}
        for name, text in (('plain', xml()), ('backed', changed(
                vcpu=backing))):
            check(not try_domain(host, text), "the domain is refused")
            pid = Domain(host).pid()
            shares[name] = anonymous_kib(host, pid)
        check(shares['backed'] - shares['plain'] > 150 * 1024, shares)


def anonymous_kib(host: Host, pid: int) -> int:
    """Memory of a process that belongs to no file."""
    for line in host.run('cat', f'/proc/{pid}/status').splitlines():
        if line.startswith('RssAnon:'):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def may_open_raw_memory(host: Host) -> bool:
    """Whether QEMU has the capability for /dev/mem."""
    status = host.run('cat', f'/proc/{Domain(host).pid()}/status')
    effective = next(int(line.split()[1], 16) for line in status.splitlines()
                     if line.startswith('CapEff:'))
    return bool(effective & 1 << CAP_SYS_RAWIO)


def user_of_qemu(host: Host) -> str:
    return host.run('stat', '-c', '%U', f'/proc/{Domain(host).pid()}').strip()


def has_the_right_to_dev_mem(directory: Path, suite: str) -> None:
    label, commands = blocks('/dev/mem')
    with one_host(directory, suite) as host:
        check(not try_domain(host, xml()), "the domain is refused")
        check(user_of_qemu(host) == 'libvirt-qemu', user_of_qemu(host))
        check(not may_open_raw_memory(host), "every domain has it")

        check(not try_domain(host, changed(devices='</devices>' + label)),
              "the domain is refused")
        check(user_of_qemu(host) == 'root', user_of_qemu(host))
        check(may_open_raw_memory(host), "root does not have it")

        if not shutil.which('setcap', path='/sbin:/usr/sbin'):
            raise Skip("there is no program 'setcap'")
        # A program of the host's own, which takes the capability.
        host.run('sh', '-ec', f'mkdir -p {INSTALLED.parent}; '
                 f'cp {EMULATOR} {INSTALLED}; ln -sf {INSTALLED} {EMULATOR}; '
                 f'touch /dev/mem; {commands}')
        check(not try_domain(host, xml()), "the domain is refused")
        check(may_open_raw_memory(host), "the program does not have it")


def finds_the_devices_of_its_list(directory: Path, suite: str) -> None:
    """A device that is not memory, but that QEMU opens."""
    text = changed(dram='mem-path=/dev/mem')
    conf = blocks('Files, labels and devices')[0]
    for acl, there in (('', False), (conf, True)):
        place = directory / f'there-{there}'
        place.mkdir()
        place.chmod(0o711)
        with one_host(place, suite, acl) as host:
            # As /dev/mem is for everybody else, but /dev/zero.
            host.run('mknod', '-m', '666', '/dev/mem', 'c', '1', '5')
            error = try_domain(host, text)
            check(("'/dev/mem': No such file or directory" in error)
                  == (not there), error)
            check(('has other memory for each mapping' in error) == there,
                  error)


def keeps_a_range_of_a_device(directory: Path, suite: str) -> None:
    """Though libvirt makes a node for the domain that is not the host's."""
    node = '/dev/pool'
    held = f'mem-path={node},phy-offset=4M'
    other = f'memory-backend-devmem,id=other,size=4M,{held}'
    acl = blocks('Files, labels and devices')[0].replace('/dev/mem', node)
    with loop_device(directory, 64 * MIB) as device, \
            one_host(directory, suite, acl) as host:
        number = device.stat().st_rdev
        host.run('mknod', node, 'b', str(os.major(number)),
                 str(os.minor(number)))
        host.run('chown', 'libvirt-qemu', node)
        error = try_domain(host, changed(dram=held))
        check(not error, error)
        nodes = [host.run('stat', '-c', '%d:%i', root + node)
                 for root in ('', f'/proc/{Domain(host).pid()}/root')]
        check(nodes[0] != nodes[1], "the domain has the host's node")
        error = host.refused(EMULATOR, '-machine', 'none', '-display', 'none',
                             '-monitor', 'stdio', '-object', other,
                             stdin='quit\n')
        check('is in use by another process' in error, error)


run_suites(is_rejected_or_rewritten, memory_backing_is_for_nothing,
           has_the_right_to_dev_mem, finds_the_devices_of_its_list,
           keeps_a_range_of_a_device)
