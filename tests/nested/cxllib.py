# CXL memory and NVDIMMs as an administrator handles them: by cxl, ndctl and
# daxctl.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
import os
from pathlib import Path
import re
import subprocess
import sys
from typing import Any, Dict, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position
from guestlib import check, wait_until  # noqa: E402

ROOT = os.environ.get('RAMINATE_CXL_TOOLS')
NODES = Path('/sys/devices/system/node')
MEMDEV = 'mem0'
NAMESPACE = 'namespace1.0'
DISK = Path('/dev/pmem1')
ONLINE = Path('/sys/devices/system/memory/auto_online_blocks')


class ToolFailed(Exception):
    """A tool says that it could not do what it was asked for."""


def tool(name: str, *args: str) -> Any:
    """What it says, which is JSON, or nothing."""
    command = [name, *args]
    if ROOT:
        command = [f'{ROOT}/usr/lib64/ld-linux-x86-64.so.2', '--library-path',
                   f'{ROOT}/usr/lib/x86_64-linux-gnu',
                   f'{ROOT}/usr/bin/{name}', *args]
    ended = subprocess.run(command, check=False, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ended.returncode != 0:
        raise ToolFailed(f"{name} {' '.join(args)}: {ended.stderr}")
    return json.loads(ended.stdout or '[]')


class Dax:
    """A DAX device, and the node that its memory is on in system-ram mode."""

    def __init__(self, name: str):
        self.name = name
        self.path = Path('/dev') / name

    def state(self) -> Dict[str, Any]:
        state: Dict[str, Any] = tool('daxctl', 'list', '-i', '-d',
                                     self.name)[0]
        return state

    @property
    def node(self) -> int:
        return int(self.state()['target_node'])

    def is_node(self) -> bool:
        return (NODES / f'node{self.node}').exists()

    def become_node(self) -> None:
        """By the very command that the documents name."""
        if self.state()['mode'] != 'system-ram':
            tool('daxctl', 'reconfigure-device', '--mode=system-ram',
                 '--force', self.name)
        elif not self.is_node():
            self.online()
        wait_until(self.is_node, f"{self.name} to be a node")

    def become_device(self) -> None:
        if self.state()['mode'] != 'devdax':
            tool('daxctl', 'reconfigure-device', '--mode=devdax', '--force',
                 self.name)
        elif self.state().get('state') == 'disabled':
            tool('daxctl', 'enable-device', self.name)

    def disable(self) -> None:
        """Without a driver, it is just physical memory."""
        self.become_device()
        tool('daxctl', 'disable-device', self.name)

    def offline(self) -> None:
        tool('daxctl', 'offline-memory', self.name)

    def online(self, *options: str) -> None:
        tool('daxctl', 'online-memory', *options, self.name)


def cxl_memory() -> Dax:
    """Brings it into use, as is done once after each start of a host.

    It goes online as movable memory: the documents tell why.
    """
    ONLINE.write_text('online_movable\n')
    device = Dax('dax0.0')
    if not device.path.exists() and not tool('cxl', 'list', '-R'):
        tool('cxl', 'create-region', '-m', '-d', 'decoder0.0', '-t', 'ram',
             MEMDEV)
    wait_until(lambda: tool('daxctl', 'list', '-i', '-d', device.name),
               f"{device.name}")
    return device


def nvdimm_as_device() -> Dax:
    """The NVDIMM in devdax mode."""
    name = tool('ndctl', 'create-namespace', '--force', '--reconfig',
                NAMESPACE, '--mode=devdax')['daxregion']['devices'][0]
    return Dax(name['chardev'])


def nvdimm_start() -> int:
    """Where it begins in physical memory."""
    match = re.search(r'^(\w+)-\w+ : Persistent Memory$',
                      Path('/proc/iomem').read_text(), re.M)
    check(match, Path('/proc/iomem').read_text())
    return int(match.group(1), 16) if match else 0


@contextlib.contextmanager
def nvdimm_disabled() -> Iterator[None]:
    """Meanwhile no driver has its memory."""
    tool('ndctl', 'disable-namespace', NAMESPACE)
    try:
        yield
    finally:
        tool('ndctl', 'enable-namespace', NAMESPACE)


@contextlib.contextmanager
def nvdimm_mounted(where: Path) -> Iterator[Path]:
    """A file system on the NVDIMM in fsdax mode, without a page cache."""
    tool('ndctl', 'create-namespace', '--force', '--reconfig', NAMESPACE,
         '--mode=fsdax')
    wait_until(DISK.exists, f"{DISK}")
    subprocess.run(['mkfs.ext4', '-q', '-F', '-b', '4096', DISK], check=True)
    where.mkdir()
    subprocess.run(['mount', '-o', 'dax', DISK, where], check=True)
    try:
        check('dax=always' in Path('/proc/mounts').read_text(),
              Path('/proc/mounts').read_text())
        yield where
    finally:
        subprocess.run(['umount', where], check=True)
