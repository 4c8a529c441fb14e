#!/usr/bin/env python3
# Runs commands of docs/host-setup.md in the booted host, and hands over what
# they print; test_host_setup.py starts it there.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import time
from typing import Any, Dict, List

PATIENCE = 240.0        # seconds; only a hang takes so long
SCANNED = re.compile(r' [1-9]\d* by all')
MONITOR = '-monitor stdio'
LOCKDOWN = Path('/sys/kernel/security/lockdown')
USER = 'vm'
KVM = '/dev/kvm'
# What a booted Debian has done, and the commands can expect.  The kernel's own
# modules may be where Debian 13's dkms keeps them while others are in force.
BOOT = '''
mount -t securityfs securityfs /sys/kernel/security
cd /lib/modules/$(uname -r)/kernel/arch/x86/kvm
ls kvm.ko* || cd /var/lib/dkms/raminate-kvm/original_module/$(uname -r)/x86_64
insmod kvm.ko* && insmod kvm-amd.ko*
'''


def shell(command: str) -> Dict[str, Any]:
    """Runs a command that ends by itself."""
    ended = subprocess.run(['bash', '-ec', command], check=False, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    return {'status': ended.returncode, 'output': ended.stdout}


def capabilities(pid: int) -> str:
    """Of QEMU, which the shell has become or started."""
    children = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    status = Path(f'/proc/{children[0] if children else pid}/status')
    match = re.search(r'CapPrm:\s*(\S+)', status.read_text())
    return match.group(1) if match else 'none'


def tell(qemu: 'subprocess.Popen[str]', command: str) -> None:
    """Types a command at the monitor, if QEMU is there to read it."""
    assert qemu.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        os.write(qemu.stdin.fileno(), f'{command}\n'.encode())


def guest(command: str) -> Dict[str, Any]:
    """Runs QEMU until scans have found written pages, and ends it."""
    log = Path('log')
    result = {}
    # udev does so whenever KVM is loaded.
    shutil.chown(KVM, group='kvm')
    os.chmod(KVM, 0o660)
    with log.open('w') as file, subprocess.Popen(
            ['bash', '-ec', command], text=True, stdin=subprocess.PIPE,
            stdout=file, stderr=subprocess.STDOUT) as qemu:
        end = time.monotonic() + PATIENCE
        while (qemu.poll() is None and time.monotonic() < end
               and not SCANNED.search(log.read_text())):
            tell(qemu, 'info raminate')
            time.sleep(1)
        if qemu.poll() is None:
            result['capabilities'] = capabilities(qemu.pid)
            tell(qemu, 'quit')
    return {**result, 'status': qemu.returncode, 'output': log.read_text()}


def main() -> None:
    os.environ['PATH'] = f'/usr/local/sbin:/usr/local/bin:{os.environ["PATH"]}'
    commands: List[str] = json.loads(Path(sys.argv[1]).read_text())
    results = [shell(BOOT)]
    os.makedirs('/dev/shm/work')
    os.chdir('/dev/shm/work')
    Path('image.qcow2').write_bytes(bytes(1 << 20))
    shutil.chown('image.qcow2', USER)
    for command in commands:
        results.append((guest if MONITOR in command else shell)(command))
    # There is no way back from here.
    LOCKDOWN.write_text('integrity')
    results.append(guest(next(command for command in commands
                              if MONITOR in command)))
    results.append(shell('modprobe -r kvm_amd kvm; modprobe kvm_amd'))
    print(json.dumps(results))


main()
