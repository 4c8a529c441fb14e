# The domain of the operator's guide, made to fit the test guest.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
from pathlib import Path
import socket
import subprocess
import time
from typing import Any, Dict, Iterator, List, Optional

from document import blocks, replaced
from libvirtlib import PATIENCE, Host, images, paths, wait_until
from raminate.console import Console, GuestTrouble
from raminate.guest import KERNEL_ARGS

NAME = 'hybrid'
DISK = 'hybrid.qcow2'
BOOT = f'''<kernel>/var/lib/libvirt/images/vmlinuz</kernel>
    <initrd>/var/lib/libvirt/images/initrd</initrd>
    <cmdline>{KERNEL_ARGS} -- /bin/checker disk=/dev/vda</cmdline>'''
CONSOLE = "<serial type='unix'><source mode='bind' path='/run/console'/>" \
          "</serial>"
# Small, and with swaps all the time.
FITTING = {
    "<domain type='kvm'": "<domain type='qemu'",
    "<memory unit='GiB'>4</memory>": "<memory unit='MiB'>192</memory>",
    "<boot dev='hd'/>": BOOT,
    "<serial type='pty'/>": CONSOLE,
    'id=dmcon0,size=4G': 'id=dmcon0,size=192M,scan-period=50,swap-period=50,'
                         'max-swaps=200,policy=lru',
    'size=1G': 'size=20M',
    'size=3G,offset=1G': 'size=172M,offset=20M',
}


def documented_xml() -> str:
    """As a reader copies it."""
    return blocks('The domain')[0]


def xml() -> str:
    """The documented domain with the checker in it."""
    # The longer ones first, parts of which are others.
    text = replaced(documented_xml(),
                    {'size=3G,offset=1G': FITTING['size=3G,offset=1G']})
    return replaced(text, {old: new for old, new in FITTING.items()
                           if old != 'size=3G,offset=1G'})


def make_disk(images: Path) -> None:
    subprocess.run([str(paths.QEMU.parent / 'qemu-img'), 'create', '-q', '-f',
                    'qcow2', str(images / DISK), '64M'], check=True)


def make_pools(host: Host) -> None:
    """The documented pools, for which there need be no real memory."""
    conf, commands = blocks('Pools')[:2]
    host.write('/etc/raminate/pools.conf', conf)
    host.run('sh', '-ec', commands)
    host.run('sh', '-ec', blocks('A second monitor')[0])


@contextlib.contextmanager
def one_host(directory: Path, suite: str,
             qemu_conf: str = '') -> Iterator[Host]:
    """A host with the documented pools, and the domain's disk."""
    with images() as folder:
        make_disk(folder)
        with Host(directory, folder, suite, qemu_conf=qemu_conf) as host:
            make_pools(host)
            yield host


class Domain:
    """The domain on the host where it runs now."""

    def __init__(self, host: Host):
        self.host = host
        self._console: Optional[Console] = None

    @property
    def console(self) -> Console:
        if self._console is None:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(self.host.path('/run/console')))
            self._console = Console(sock)
        return self._console

    def define(self, text: str, *options: str) -> None:
        self.host.run('virsh', 'define', '/dev/stdin', *options, stdin=text)

    def start(self, *options: str) -> None:
        self.host.run('virsh', 'start', NAME, *options)

    def start_checker(self, text: str = '', *options: str) -> None:
        """Starts the documented domain, or another, and waits for it."""
        self.define(text or xml(), *options)
        self.start()
        self.wait_for_checker()

    def wait_for_checker(self) -> None:
        """To have begun its work."""
        try:
            self.console.wait('checker: started', PATIENCE)
        except GuestTrouble as trouble:
            raise GuestTrouble(f"{trouble}\n{self.last_words()}") from None

    def last_words(self) -> str:
        """What QEMU and libvirt say of the domain's end."""
        time.sleep(1)   # libvirtd's words come after QEMU's end
        log = self.host.path(f'/var/log/libvirt/qemu/{NAME}.log')
        return '\n'.join(log.read_text(errors='replace').splitlines()[-3:])

    def state(self) -> str:
        return self.host.run('virsh', 'domstate', NAME).strip()

    def command(self, *args: str) -> Any:
        """What a monitor command returns."""
        return json.loads(self.host.run('virsh', 'qemu-monitor-command', NAME,
                                        '--return-value', *args))

    def raminate(self) -> Dict[str, Any]:
        """Settings and figures of the container."""
        figures: List[Dict[str, Any]] = self.command('query-raminate')
        return figures[0]

    def pid(self) -> int:
        """Of QEMU, on the host."""
        return int(self.host.run('cat', f'/run/libvirt/qemu/{NAME}.pid'))

    def wait_for_swaps(self, swaps: int) -> None:
        goal = self.raminate()['swaps'] + swaps
        wait_until(lambda: self.raminate()['swaps'] >= goal,
                   f"{swaps} swaps on {self.host.name}", self)
