#!/usr/bin/env python3
# raminate-pool makes a libvirt domain one on hybrid memory, and back.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import subprocess
from typing import List, Tuple
import xml.etree.ElementTree as ET

from toolslib import check, check_in, run_tests, tool

POOLS = '''\
[pool dram]
path=/dev/shm/dram
ranges=0+16G
[pool nvm]
path=/var/lib/raminate/nvm
ranges=0+64G
[pool near]
nodes=0
[pool far]
nodes=1
[type small]
dram=1G
nvm=3G
[type tiny]
dram=64M
nvm=128M
[type nodes]
near=1G
far=3G
'''
DOMAIN = '''\
<?xml version='1.0' encoding='UTF-8'?>
<!-- "Made" by hand & well -->
<domain type='kvm'>
  <name>a,b &amp; c</name>
  <memory unit='GiB'>4</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <metadata><x:y xmlns:x='urn:x'><![CDATA[<raw>&]]></x:y></metadata>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <emulator>/usr/local/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <source file='/x/it&apos;s "it".qcow2'/>
    </disk>
  </devices>
</domain>
'''
EMULATOR = ('--emulator', '/usr/local/bin/qemu-system-x86_64')
QEMU = '{http://libvirt.org/schemas/domain/qemu/1.0}'


def change(directory: Path, text: str, *args: str
           ) -> 'subprocess.CompletedProcess[str]':
    conf = directory / 'pools.conf'
    conf.write_text(POOLS)
    return subprocess.run([tool('raminate-pool'), '-f', conf, 'xml', *args],
                          input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding='utf-8',
                          check=False)


def changed(directory: Path, text: str, *args: str) -> str:
    result = change(directory, text, *args)
    check(result.returncode == 0 and not result.stderr, result)
    return result.stdout


def words(text: str) -> List[str]:
    """What QEMU gets on its command line."""
    root = ET.fromstring(text)
    return [arg.attrib['value']
            for line in root.iter(f'{QEMU}commandline') for arg in line]


def there_and_back(directory: Path) -> None:
    text = changed(directory, DOMAIN, 'small', *EMULATOR)
    check(words(text) == [
        '-machine', 'memory-backend=dmcon0', '-object',
        'memory-backend-container,id=dmcon0,size=4194304k', '-object',
        'memory-backend-devmem,id=dmcon0-dram,size=1048576k,offset=0k,'
        'pool=dram,parent=dmcon0', '-object',
        'memory-backend-devmem,id=dmcon0-nvm,size=3145728k,offset=1048576k,'
        'pool=nvm,parent=dmcon0', '-qmp',
        'unix:/run/raminate/a,,b & c.sock,server=on,wait=off'], words(text))
    check(changed(directory, text, '--back') == DOMAIN,
          changed(directory, text, '--back'))
    other = changed(directory, text, 'nodes', '--id', 'ram', *EMULATOR)
    check_in('memory-backend-node,id=ram-far', other)
    check('dmcon0' not in other, other)
    check(changed(directory, other, 'small', *EMULATOR) == text, other)


def other_arguments_stay(directory: Path) -> None:
    start = DOMAIN.replace("type='kvm'",
                           f"type='kvm' xmlns:qemu='{QEMU.strip('{}')}'")
    mine = '''\
  <qemu:commandline>
    <qemu:arg value='-object'/>
    <qemu:arg value='memory-backend-devmem,id=own,size=1M'/>
    <qemu:arg value='-machine'/>
    <qemu:arg value='memory-backend=own'/>
    <qemu:env name='A' value='b'/>
  </qemu:commandline>
  <qemu:capabilities/>
'''
    for part in (mine, '  <qemu:capabilities/>\n'):
        text = start.replace('</domain>', part + '</domain>')
        hybrid = changed(directory, text, 'small', *EMULATOR)
        check(hybrid.count('<qemu:commandline>') == 1, hybrid)
        check(changed(directory, hybrid, '--back') == text, hybrid)
    # What there is without memory is left alone.
    check(changed(directory, text, '--back') == text, text)


def sizes_are_checked(directory: Path) -> None:
    result = change(directory, DOMAIN, 'tiny')
    check(result.returncode == 1 and not result.stdout, result)
    check_in("has 4194304 KiB of memory, type 'tiny' 196608", result.stderr)
    root = ET.fromstring(changed(directory, DOMAIN, 'tiny', '--resize'))
    check(root.findtext('memory') == '196608', ET.tostring(root))
    check(root.find('currentMemory') is None, ET.tostring(root))
    for unit, number in (('KiB', 4 << 20), ('k', 4 << 20), ('M', 4096),
                         ('bytes', 4 << 30), ('TiB', 0), ('MB', 4295)):
        text = DOMAIN.replace("<memory unit='GiB'>4",
                              f"<memory unit='{unit}'>{number}")
        good = change(directory, text, 'small').returncode == 0
        check(good == (unit not in ('TiB', 'MB')), unit)
    check(change(directory, DOMAIN.replace(" unit='GiB'>4", '>4194304'),
                 'small').returncode == 0, "KiB are the default")


def memory_is_read_as_libvirt_does(directory: Path) -> None:
    """In whole KiB, rounded up, whatever it is written in."""
    for number, unit, size in ((4294968, 'KB', 4194305),
                               (4294967295, 'b', 4194304),
                               ('<![CDATA[4]]>', 'GiB', 4194304),
                               ('4<!-- in all -->', 'GiB', 4194304)):
        text = DOMAIN.replace("<memory unit='GiB'>4",
                              f"<memory unit='{unit}'>{number}")
        result = change(directory, text, 'tiny')
        check_in(f"has {size} KiB of memory", result.stderr)
    text = DOMAIN.replace('a,b', 'a,b<!-- x -->')
    check_in("domain 'a,b & c' has", change(directory, text, 'tiny').stderr)


def a_long_name_gets_no_socket(directory: Path) -> None:
    for length in (88, 89):
        text = DOMAIN.replace('a,b &amp; c', length * 'n')
        result = change(directory, text, 'small', *EMULATOR)
        check(result.returncode == 0, result)
        check(('-qmp' in words(result.stdout)) == (length == 88), result)
        check(('gets no QMP socket' in result.stderr) == (length == 89),
              result)
        check(changed(directory, result.stdout, '--back') == text, result)


def the_emulator_is_ours(directory: Path) -> None:
    old = '/usr/local/bin/qemu-system-x86_64'
    text = DOMAIN.replace(old, '/usr/bin/kvm')
    hybrid = changed(directory, text, 'small', '--emulator', '/x/<qemu>')
    check_in('<emulator>/x/&lt;qemu&gt;</emulator>', hybrid)
    check_in('<emulator>/usr/bin/kvm</emulator>',
             changed(directory, hybrid, '--back', '--emulator',
                     '/usr/bin/kvm'))
    none = text.replace('    <emulator>/usr/bin/kvm</emulator>\n', '')
    root = ET.fromstring(changed(directory, none, 'small'))
    check(str(root.findtext('devices/emulator')).endswith(
        '/bin/qemu-system-x86_64'), ET.tostring(root))


def what_does_not_go_is_refused(directory: Path) -> None:
    cases: List[Tuple[str, str, str]] = [
        ("type='kvm'", "type='xen'", 'neither kvm nor qemu'),
        ("arch='x86_64'", "arch='aarch64'", 'is not x86_64'),
        ('<os>', "<maxMemory slots='1'>9</maxMemory><os>", 'NUMA cells'),
        ('<os>', '<cpu><numa><cell/></numa></cpu><os>', 'has one node'),
        ('<os>', '<memoryBacking><hugepages/></memoryBacking><os>',
         'nobody would use'),
        ('<os>', '<memoryBacking><locked/></memoryBacking><os>', 'moving'),
        ('<os>', "<memoryBacking><allocation mode='immediate'/>"
         '</memoryBacking><os>', 'nobody would use'),
        ('<os>', "<launchSecurity type='sev'/><os>", "can't move"),
        ('<devices>', "<devices><filesystem><driver type='virtiofs'/>"
         '</filesystem>', 'virtiofs'),
        ('<devices>', "<devices><interface type='vhostuser'/>", 'vhostuser'),
        ("<memory unit='GiB'>4", "<memory unit='GiB'>many", 'is no size'),
        ("<memory unit='GiB'>4", "<memory unit='GIB'>4", 'is no size'),
        ("<memory unit='GiB'>4", "<memory unit='E'>99999999999",
         'is no size'),
        ("<memory unit='GiB'>4</memory>", '', 'has no <memory>'),
        ('<name>a,b &amp; c</name>', '', 'has no <name>'),
        ('</domain>', '', "can't read the domain"),
        ('<domain', '<pool', 'can\'t read the domain'),
        (DOMAIN, '<pool/>', 'this is no domain, but <pool>'),
        (DOMAIN, '', "can't read the domain"),
    ]
    for old, new, message in cases:
        check_in(old, DOMAIN)
        result = change(directory, DOMAIN.replace(old, new), 'small')
        check(result.returncode == 1 and not result.stdout, (new, result))
        check_in(message, result.stderr)
    check(change(directory, DOMAIN.replace(
        '<os>', "<memoryBacking><allocation mode='ondemand'/>"
        "<source type='memfd'/></memoryBacking><os>"),
        'small').returncode == 0, "what costs nothing is refused")
    for device in ("<hostdev type='pci'/>", "<hostdev type='mdev'/>",
                   "<interface type='hostdev'/>", "<interface type='vdpa'/>"):
        text = DOMAIN.replace('<devices>', f'<devices>{device}')
        result = change(directory, text, 'small')
        check(result.returncode == 1, (device, result))
        check_in('pins the guest\'s memory', result.stderr)
        check(change(directory, text, 'nodes').returncode == 0, device)
    result = change(directory, DOMAIN, 'huge')
    check_in("there is no type 'huge'", result.stderr)


def vhost_is_warned_of(directory: Path) -> None:
    driver = "<driver name='qemu'/>"
    for device, kind, warned in (
            ("<interface type='network'/>", 'small', True),
            (f"<interface type='network'>{driver}</interface>", 'small',
             False),
            ("<interface type='user'/>", 'small', False),
            ("<vsock model='virtio'/>", 'small', True),
            ("<hostdev mode='subsystem' type='usb'/>", 'small', False),
            ("<interface type='network'/>", 'nodes', False)):
        result = change(directory, DOMAIN.replace('<devices>',
                                                  f'<devices>{device}'), kind)
        check(result.returncode == 0, result)
        check(bool(result.stderr) == warned, (device, result.stderr))


run_tests(there_and_back, other_arguments_stay, sizes_are_checked, memory_is_read_as_libvirt_does,
          a_long_name_gets_no_socket,
          the_emulator_is_ours, what_does_not_go_is_refused,
          vhost_is_warned_of)
