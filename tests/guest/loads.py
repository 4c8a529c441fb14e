# What guests do while their pages are swapped, and notice if any is lost.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
import re
import socket
import sys
from typing import List, Optional, Sequence

from guestlib import (MIB, PATIENCE, Boot, Guest, check, finish_checker,
                      start_checker)
from painted import HEIGHT, SCREEN, white_lines
from raminate import kernel, paths
from raminate.worker import Worker

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tools'))

# pylint: disable=wrong-import-position,wrong-import-order
import debian   # noqa: E402

FLOPPY_SIZE = 1440 * 1024
MEMTEST = 'boot/memtest86+x64.bin'


def full_kernel() -> kernel.Kernel:
    """One with drivers for all devices below, got as the tests' own."""
    return kernel.find(paths.BUILD / 'kernel-full', kernel.FULL_PACKAGES)


class Load:
    """Of a guest."""

    def boot(self) -> Optional[Boot]:
        """What it boots, if that is Linux."""
        return None

    def args(self, directory: Path) -> List[str]:
        """What QEMU needs besides."""
        raise NotImplementedError

    def start(self, guest: Guest) -> None:
        """Launches the guest; it is at work afterwards."""
        raise NotImplementedError

    def poll(self, guest: Guest) -> None:
        """Looks for errors; is called once a second."""
        guest.console.read()
        guest.console.check()

    def done(self, guest: Guest) -> bool:   # pylint: disable=unused-argument
        """Whether the storm may end."""
        return True

    def errors(self, guest: Guest) -> int:
        """How many the guest has reported."""
        found: List[str] = re.findall(r'[eE]rrors[=:]\s*(\d+)',
                                      guest.console.text[-4096:])
        return int(found[-1]) if found else 0

    def finish(self, guest: Guest) -> None:
        """The verdict, as an exception if it is bad."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives back what args() has taken."""


@dataclass(frozen=True)
class Device:
    """What a checker reads and writes besides memory."""
    modules: Sequence[str]
    args: Sequence[str]
    disk: str = ''          # as the checker calls it
    size: int = 8 * MIB     # of the disk
    net: str = ''


# {0} is the directory of the test.
DEVICES = {
    'virtio-blk': Device(
        ['virtio_pci', 'virtio_blk'],
        ['-device', 'virtio-blk-pci,drive=disk'], '/dev/vda'),
    'virtio-blk in an I/O thread': Device(
        ['virtio_pci', 'virtio_blk'],
        ['-object', 'iothread,id=io0',
         '-device', 'virtio-blk-pci,drive=disk,iothread=io0'], '/dev/vda'),
    'virtio-scsi': Device(
        ['virtio_pci', 'virtio_scsi', 'sd_mod'],
        ['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=disk'],
        '/dev/sda'),
    'ide': Device(
        ['ata_piix', 'sd_mod'], ['-device', 'ide-hd,drive=disk'], '/dev/sda'),
    'ahci': Device(
        ['ahci', 'sd_mod'],
        ['-device', 'ich9-ahci,id=ahci',
         '-device', 'ide-hd,bus=ahci.0,drive=disk'], '/dev/sda'),
    'nvme': Device(
        ['nvme'], ['-device', 'nvme,serial=s,drive=disk'], '/dev/nvme0n1'),
    'usb-storage': Device(
        ['xhci_pci', 'usb_storage', 'sd_mod'],
        ['-device', 'qemu-xhci', '-device', 'usb-storage,drive=disk'],
        '/dev/sda'),
    'floppy': Device(
        ['floppy'], ['-device', 'floppy,drive=disk'], '/dev/fd0',
        size=FLOPPY_SIZE),
    'sd-card': Device(
        ['sdhci_pci', 'mmc_block'],
        ['-device', 'sdhci-pci', '-device', 'sd-card,drive=disk'],
        '/dev/mmcblk0'),
    '9p': Device(
        ['virtio_pci', '9p', '9pnet_virtio'],
        ['-fsdev', 'local,id=share,path={0}/share,security_model=none',
         '-device', 'virtio-9p-pci,fsdev=share,mount_tag=share'], '9p:share'),
    'virtio-net': Device(
        ['virtio_pci', 'virtio_net', 'af_packet'],
        ['-device', 'virtio-net-pci,netdev=net'], net='eth0'),
    'e1000': Device(
        ['e1000', 'af_packet'], ['-device', 'e1000,netdev=net'], net='eth0'),
}
DRIVE = ['-drive', 'file={0}/disk.img,format=raw,if=none,id=disk']
NETDEV = ['-netdev', 'dgram,id=net,local.type=unix,local.path={0}/net,'
          'remote.type=unix,remote.path={0}/peer']


class Peer(Worker):
    """Sends each frame of the guest back."""

    def __init__(self, directory: Path):
        super().__init__()
        self._guest = str(directory / 'net')
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(1)
        self._socket.bind(str(directory / 'peer'))

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self._socket.sendto(self._socket.recv(65536), self._guest)
            except OSError:
                continue    # Nothing came, or the guest has just gone.
        self._socket.close()


class Checker(Load):
    """Writes memory, a disk and a network, and reads all of it back."""

    def __init__(self, devices: Sequence[str] = (),
                 system: Optional[kernel.Kernel] = None):
        self._devices = [DEVICES[name] for name in devices]
        self._system = system
        self._peer: Optional[Peer] = None

    def boot(self) -> Boot:
        named = [f'{kind}={name}' for device in self._devices for kind, name
                 in (('disk', device.disk), ('net', device.net)) if name]
        return Boot(['/bin/checker', *named],
                    [name for device in self._devices
                     for name in device.modules], system=self._system)

    def args(self, directory: Path) -> List[str]:
        args: List[str] = []
        for device in self._devices:
            if device.net:
                args += NETDEV
                self._peer = Peer(directory)
                self._peer.start()
            elif device.disk.startswith('/'):
                args += DRIVE
                with (directory / 'disk.img').open('wb') as file:
                    file.truncate(device.size)
            else:
                (directory / 'share').mkdir()
            args += device.args
        return [arg.format(directory) for arg in args]

    def start(self, guest: Guest) -> None:
        start_checker(guest)

    def finish(self, guest: Guest) -> None:
        guest.console.skip()
        counts = finish_checker(guest)
        for device in self._devices:
            kind = 'net' if device.net else 'disk'
            check(counts[kind] > 0, f"nothing came from the {kind}: {counts}")

    def close(self) -> None:
        if self._peer:
            self._peer.close()


class Painter(Load):
    """Paints lines, which the display must show, and no others."""

    def __init__(self) -> None:
        self._picture = Path()
        self._shown: List[int] = []
        self._turn = 0

    def boot(self) -> Boot:
        return Boot(['/bin/painter'])

    def args(self, directory: Path) -> List[str]:
        self._picture = directory / 'screen.ppm'
        return SCREEN

    def start(self, guest: Guest) -> None:
        guest.launch()
        guest.console.wait('painter: started', PATIENCE)

    def poll(self, guest: Guest) -> None:
        super().poll(guest)
        self._turn += 1
        line = self._turn * 37 % HEIGHT
        guest.console.send(str(line))
        guest.console.wait(f'painter: painted {line}\n', PATIENCE)
        self._shown = sorted({*self._shown} ^ {line})
        shown = white_lines(guest, self._picture)
        check(shown == self._shown,
              f"white lines: {shown}, painted: {self._shown}")

    def finish(self, guest: Guest) -> None:
        check(self._turn, "nothing was painted")


class Memtest(Load):
    """memtest86+, which writes its screen to the console as well."""

    def __init__(self) -> None:
        self._program = debian.unpacked('memtest86+') / MEMTEST
        if not self._program.exists():
            raise paths.SetupError(f"Debian's memtest86+ has no {MEMTEST}")

    def args(self, directory: Path) -> List[str]:
        return ['-kernel', str(self._program), '-append',
                'console=ttyS0,115200', '-device', 'VGA']

    def start(self, guest: Guest) -> None:
        guest.launch()
        guest.console.wait(r'Testing', PATIENCE)

    def poll(self, guest: Guest) -> None:
        super().poll(guest)
        check(self.errors(guest) == 0, "memtest86+ has found errors")

    def done(self, guest: Guest) -> bool:
        return bool(re.search(r'Pass:\s*[1-9]', guest.console.text[-4096:]))

    def finish(self, guest: Guest) -> None:
        check(self.done(guest), "memtest86+ has not ended its pass")
