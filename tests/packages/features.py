#!/usr/bin/env python3
# What QEMU's libraries are for, each tried by itself: prints "ok NAME" or
# "not ok NAME", and why.
#
# Usage: features.py QEMU DIRECTORY-OF-QEMU-IMG [NAME]...
#
# Needs nothing but Python, as it also runs where packages were installed.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Dict, List

PATIENCE = 120      # seconds; only a hang takes so long

# Options of a QEMU that must come up with them; its directory is the current
# one, and has the file "disk".
STARTS: Dict[str, str] = {
    'gnutls': '-object tls-creds-anon,id=t,endpoint=server',
    'libusb': '-device qemu-xhci -device usb-host,hostbus=250,hostport=9',
    'linux-aio': '-blockdev file,filename=disk,node-name=d,aio=native,'
                 'cache.direct=on',
    'linux-io-uring': '-blockdev file,filename=disk,node-name=d,aio=io_uring',
    'numa': '-object memory-backend-ram,id=m,size=1M,host-nodes=0,policy=bind',
    'qxl': '-device qxl-vga',
    'seccomp': '-sandbox on',
    'slirp': '-netdev user,id=n',
    'spice': '-spice unix=on,addr=spice,disable-ticketing=on '
             '-audiodev spice,id=a -device ich9-intel-hda '
             '-device hda-duplex,audiodev=a -device virtio-serial '
             '-chardev spicevmc,id=c,name=vdagent '
             '-device virtserialport,chardev=c,name=com.redhat.spice.0',
    'usb-redir': '-device qemu-xhci -chardev null,id=c '
                 '-device usb-redir,chardev=c',
    'virtfs': '-fsdev local,id=f,path=.,security_model=mapped-xattr '
              '-device virtio-9p-pci,fsdev=f,mount_tag=t',
    'virtio-gpu': '-device virtio-vga',
    'vnc-sasl': '-vnc unix:vnc,sasl=on',
}
# Options that print a list, and what is in it.
LISTS = {
    'curses': ('-display help', 'curses'),
    'tpm': ('-tpmdev help', 'emulator'),
}
# Arguments of qemu-img, which must work.
SECRET = '--object secret,id=s,data=secret -o key-secret=s,iter-time=10'
IMAGES = {
    'nettle': f'create {SECRET},cipher-mode=xts -f luks image 1M',
    'zstd': 'convert -c -O qcow2 -o compression_type=zstd disk image',
    **{name: f'convert -O {name} disk image'
       for name in ('vdi', 'vhdx', 'vmdk', 'vpc', 'qed', 'parallels')},
}
# Kinds of pictures: what a file of one begins with.
PICTURES = {'png': b'\x89PNG'}
# Of what is part of another: that other one
NEEDS = {'qxl': 'spice'}
NAMES = sorted([*STARTS, *LISTS, *IMAGES, *PICTURES])


class Trouble(Exception):
    """Something is not in, or does not work."""


def run(command: List[str], said: str = '', ends_well: bool = True) -> str:
    """Output of a program, which must succeed."""
    try:
        ended = subprocess.run(command, input=said, check=False,
                               stdout=subprocess.PIPE, encoding='utf-8',
                               stderr=subprocess.STDOUT, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{' '.join(command)} hangs") from None
    if ends_well and ended.returncode != 0:
        raise Trouble(ended.stdout.strip() or f'status {ended.returncode}')
    return ended.stdout


def monitor(qemu: str, options: str, commands: str = '') -> str:
    """Starts QEMU, gives it commands, and has it end."""
    return run([qemu, *'-nodefaults -display none -machine q35,accel=tcg -S '
                '-m 64M -monitor stdio'.split(), *options.split()],
               commands + 'quit\n')


def take_picture(qemu: str, kind: str) -> None:
    monitor(qemu, '-device VGA', f'screendump picture -f {kind}\n')
    picture = Path('picture')
    if not (picture.exists()
            and picture.read_bytes().startswith(PICTURES[kind])):
        raise Trouble(f'no picture is taken as {kind}')


def attempt(qemu: str, qemu_img: str, name: str) -> None:
    """Uses a feature in the current directory, or says why it can't."""
    with open('disk', 'wb') as disk:
        disk.truncate(1 << 20)
    if name in STARTS:
        monitor(qemu, STARTS[name])
    elif name in LISTS:
        options, wanted = LISTS[name]
        said = run([qemu, *options.split()], ends_well=False)
        if wanted not in said.split():
            raise Trouble(f'{options} does not list {wanted}')
    elif name in IMAGES:
        run([qemu_img, *IMAGES[name].split()])
    else:
        take_picture(qemu, name)


def main(qemu: str, programs: str, *names: str) -> int:
    qemu, qemu_img = os.path.abspath(qemu), os.path.abspath(programs) + \
        '/qemu-img'
    failed = 0
    for name in names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                attempt(qemu, qemu_img, name)
                print('ok', name, flush=True)
            except Trouble as trouble:
                failed += 1
                print('not ok', name, str(trouble).replace('\n', ' | '),
                      flush=True)
            os.chdir('/')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
