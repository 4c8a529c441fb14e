# A release of Debian on a disk of its own, booted with its own kernel and
# systemd by the QEMU of this build.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import subprocess
from typing import Sequence

import roots
from roots import paths

# Besides what the release's hosts have
SYSTEM = ('e2fsprogs', 'linux-image-amd64', 'mount', 'passwd', 'systemd-sysv',
          'udev')
TIMEOUT = 3600
KERNEL_ARGS = ('root=/dev/vda rw console=ttyS0 loglevel=4 panic=-1 '
               'mitigations=off no_timer_check nowatchdog '
               'memmap=128M$0x20000000')
UNIT = '''\
[Unit]
Description=What is tried on this system
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/opt/tried/{program}
StandardOutput=file:/dev/ttyS1
StandardError=inherit
[Install]
WantedBy=default.target
'''


def _make_disk(root: Path, prepare: str, program: Path, folder: Path,
               *shared: Path) -> None:
    roots.run(root, f'''
        {prepare}
        cp -r {program.parent} /opt/tried
        cat >/etc/systemd/system/tried.service <<'END'
{UNIT.format(program=program.name)}END
        systemctl enable tried.service
        cp /boot/vmlinuz-* {folder}/kernel
        cp /boot/initrd.img-* {folder}/initrd
        rm -f /usr/sbin/policy-rc.d
        mkdir /system
        mount --bind / /system
        mke2fs -t ext4 -d /system {folder}/disk 6G
    ''', folder, program.parent, *shared)


def run(root: Path, prepare: str, program: Path, folder: Path,
        shared: Sequence[Path]) -> str:
    """What @program prints there once the system is up.

    @prepare: a script that installs things before; @folder: for the disk
    """
    _make_disk(root, prepare, program, folder, *shared)
    said = folder / 'said'
    console = folder / 'console'
    subprocess.run(
        [paths.require_qemu(), '-accel', 'tcg,thread=multi', '-cpu',
         'max,+svm,+npt', '-smp', '2', '-m', '1024', '-display', 'none',
         '-nodefaults', '-no-user-config', '-no-reboot', '-kernel', folder / 'kernel',
         '-initrd', folder / 'initrd', '-append', KERNEL_ARGS,
         '-drive', f'file={folder / "disk"},format=raw,if=virtio,'
                   'cache=unsafe',
         '-device', 'virtio-rng-pci',
         '-serial', f'file:{console}', '-serial', f'file:{said}'],
        check=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
    text = said.read_text(errors='replace').replace('\r', '')
    if not text:
        raise AssertionError('nothing was tried there; its console:\n'
                             + console.read_text(errors='replace')[-4000:])
    return text
