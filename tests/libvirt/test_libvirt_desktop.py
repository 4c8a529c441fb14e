#!/usr/bin/env python3
# A guest with virt-manager's defaults (q35, UEFI, SPICE, a TPM), as
# virt-install writes it for Debian's QEMU, runs on RAMinate's with another
# <emulator> alone, and on hybrid memory.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import re
from typing import Iterator, List

from document import replaced
from domain import DISK, NAME, Domain, make_disk
from libvirtlib import (Host, check, check_figures, finish_checker, images,
                        paths, run_suites, wait_for_passes)
from raminate.guest import KERNEL_ARGS
import packages

FOLDER = '/var/lib/libvirt/images'
DEBIANS = '/usr/bin/qemu-system-x86_64'
# As RAMinate's packages name it
OURS = '/usr/bin/raminate-qemu'
OUR_MAJOR = int((paths.SOURCE / 'qemu' / 'series').read_text().split('.')[0])
# For a guest that says on its console how it fares.  With Secure Boot, which
# newer libvirts choose, OVMF finds no signature that it trusts in a kernel
# that QEMU gives it.
VIRT_INSTALL = [
    'virt-install', '--print-xml', '--connect', 'qemu:///system',
    '--virt-type', 'qemu', '--name', NAME, '--memory', '256', '--vcpus', '2',
    '--osinfo', 'debian11', '--import', '--disk', f'{FOLDER}/{DISK}',
    '--graphics', 'spice', '--tpm', 'default', '--network', 'user',
    '--serial', 'unix,source.mode=bind,source.path=/run/console',
    '--boot', 'uefi,firmware.feature0.name=secure-boot,'
              'firmware.feature0.enabled=no,'
              f'kernel={FOLDER}/vmlinuz,initrd={FOLDER}/initrd,'
              f'kernel_args="{KERNEL_ARGS} -- /bin/checker disk=/dev/vda"']
# What of it takes QEMU to have more than its own devices, and some of these
DEFAULTS = (
    'machine="q35"', '<os firmware="efi">', '<tpm model="tpm-crb">',
    '<graphics type="spice"', '<redirdev bus="usb" type="spicevmc"',
    '<channel type="spicevmc">', '<sound model="ich9"/>',
    '<controller type="usb" model="qemu-xhci"', '<rng model="virtio">')
# By monitor command: what shows that QEMU has it
SHOWN = {
    'info tpm': 'tpm0: model=tpm-crb',
    'info spice': 'Server:',
    'info chardev': 'charredir1: filename=spicevmc',
    'info usb': 'ID: redir1',
    'info qtree': 'audiodev = "audio1"',
}
POOLS = '''\
[pool dram]
path=/dev/shm/dram
ranges=0+20M

[pool nvm]
path=/dev/shm/nvm
ranges=0+236M

[type small]
dram=20M
nvm=236M
'''
# Once the guest is up: the checker writes all pages alike, which is nothing to
# place by otherwise.
BUSY = {'scan-period': 50, 'swap-period': 50, 'max-swaps': 200,
        'policy': 'lru'}


@contextlib.contextmanager
def one_host(directory: Path, suite: str) -> Iterator[Host]:
    """With Debian's QEMU and RAMinate's."""
    with images() as folder:
        make_disk(folder)
        with Host(directory, folder, suite,
                  wanted=packages.DESKTOP) as host:
            host.run('mv', '/usr/local/bin/qemu-system-x86_64', OURS)
            yield host


def create(host: Host, text: str) -> Domain:
    """The domain, which does not run yet.

    Debian's QEMU may lack the fix of virtio-gpu's reset, without which guests
    hang now and then: see patches/qemu/fixes.
    """
    domain = Domain(host)
    domain.define(text, '--validate')
    domain.start('--paused')
    return domain


def monitor(host: Host, command: str) -> str:
    return host.run('virsh', 'qemu-monitor-command', '--hmp', NAME, command)


def devices(host: Host) -> List[str]:
    """Those that libvirt has named, each with its place if it is by PCI."""
    for command, words in SHOWN.items():
        said = monitor(host, command)
        check(words in said, f"'{words}' is not in:\n{said}")
    found = [' '.join([*device, *re.findall(r'\n *(addr = \S+)', more)[:1]])
             for *device, more in re.findall(
                 r'dev: (\S+), id "([^"]+)"((?:\n(?!.*dev: ).*)*)',
                 monitor(host, 'info qtree'))]
    check(len(found) > 25 and 'virtio-vga video0 addr = 01.0' in found, found)
    return found


def kept(host: Host) -> str:
    """The domain as libvirt has written it down."""
    return host.run('virsh', 'dumpxml', '--inactive', NAME)


def with_our_emulator(text: str) -> str:
    """Of a machine type that it has, should Debian's QEMU be newer."""
    [version] = re.findall(r"machine='pc-q35-(\d+)[.\d]+'", text)
    if int(version) > OUR_MAJOR:
        text = re.sub(r'pc-q35-[.\d]+', 'q35', text)
    return replaced(text, {DEBIANS: OURS})


def runs_with_another_emulator(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        made = host.run(*VIRT_INSTALL)
        for words in (*DEFAULTS, f'<emulator>{DEBIANS}</emulator>'):
            check(words in made, f"'{words}' is not in:\n{made}")
        create(host, made)
        check('RAMinate' not in monitor(host, 'info version'), made)
        before = devices(host)
        host.run('virsh', 'destroy', NAME)

        domain = create(host, with_our_emulator(kept(host)))
        check('RAMinate' in monitor(host, 'info version'), kept(host))
        check(devices(host) == before, f'{before}\n{devices(host)}')
        host.run('virsh', 'resume', NAME)
        domain.wait_for_checker()
        devices(host)
        finish_checker(domain)


def runs_on_hybrid_memory(directory: Path, suite: str) -> None:
    with one_host(directory, suite) as host:
        host.write('/etc/raminate/pools.conf', POOLS)
        host.run('truncate', '-s', '20M', '/dev/shm/dram')
        host.run('truncate', '-s', '236M', '/dev/shm/nvm')
        host.run('chown', 'libvirt-qemu:', '/dev/shm/dram', '/dev/shm/nvm')
        host.run('install', '-d', '-o', 'libvirt-qemu', '/run/raminate')
        text = host.run('raminate-pool', 'xml', f'--emulator={OURS}', 'small',
                        stdin=host.run(*VIRT_INSTALL))
        domain = Domain(host)
        domain.start_checker(text, '--validate')
        devices(host)
        for name, value in BUSY.items():
            monitor(host, f'qom-set /objects/dmcon0 {name} {value}')
        domain.wait_for_swaps(2000)
        wait_for_passes(domain)
        check_figures(domain.raminate())
        finish_checker(domain)


run_suites(runs_with_another_emulator, runs_on_hybrid_memory)
