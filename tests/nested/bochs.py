# A machine under Bochs that stands in for a hypervisor's host with an Intel
# CPU: what machine.py's is for AMD.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
import shutil
import subprocess
from typing import ClassVar, Sequence

import hosttree
from machine import MIB, Machine, Result, paths

BOOT_LOADER = '''\
DEFAULT linux
LABEL linux
KERNEL vmlinuz
APPEND initrd=initrd {}
'''

# A CPU with EPT, its accessed and dirty bits, and PML. The clock follows the
# instructions. What Bochs logs, KVM causes by the thousand.
CONFIGURATION = '''\
cpu: model=corei7_skylake_x, count={cpus}, ips={ips}, ignore_bad_msrs=1
clock: sync=none
megs: {megabytes}
romimage: file={root}/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file={root}/usr/share/vgabios/vgabios.bin
display_library: nogui
ata0-master: type=cdrom, path={disc}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={ports[0]}
com2: enabled=1, mode=file, dev={ports[1]}
com3: enabled=1, mode=file, dev={ports[2]}
log: {log}
info: action=ignore
error: action=ignore
panic: action=fatal
'''


@dataclass
class BochsMachine(Machine):
    """What the machine is made of; bochs is where get-bochs built it."""
    base_modules: ClassVar[Sequence[str]] = ('irqbypass',)
    kvm_modules: ClassVar[Sequence[str]] = ('kvm', 'kvm-intel')
    share_modules: ClassVar[Sequence[str]] = ('sr_mod', 'isofs', 'ata_piix')
    share_by: ClassVar[str] = 'disc'

    bochs: Path = Path()
    cpus: int = 1
    ips: int = 50_000_000       # instructions in a second of its own time

    def _command_line(self, *program: str) -> str:
        # The kernel measures the clock wrongly by itself.
        return f'tsc_early_khz={self.ips // 1000} ' + super()._command_line(
            *program)

    def _disc(self, *program: str) -> Path:
        content = self.directory / 'disc'
        lib = self.bochs / 'root' / 'usr' / 'lib'
        content.mkdir()
        shutil.copy(self.kernel.image, content / 'vmlinuz')
        self._initramfs().rename(content / 'initrd')
        shutil.copy(lib / 'ISOLINUX' / 'isolinux.bin', content)
        shutil.copy(lib / 'syslinux' / 'modules' / 'bios' / 'ldlinux.c32',
                    content)
        (content / 'isolinux.cfg').write_text(
            BOOT_LOADER.format(self._command_line(*program)))
        if self.share:
            hosttree.copy(content)

        xorriso = shutil.which('xorriso')
        if xorriso is None:
            raise paths.SetupError("xorriso is missing; install xorriso")
        disc = self.directory / 'disc.iso'
        subprocess.run([xorriso, '-as', 'mkisofs', '-quiet', '-r',
                        '-o', str(disc), '-b', 'isolinux.bin',
                        '-c', 'boot.cat', '-no-emul-boot',
                        '-boot-load-size', '4', '-boot-info-table',
                        str(content)], check=True, stderr=subprocess.DEVNULL)
        return disc

    def run(self, *program: str, timeout: int = 600) -> Result:
        """Boots, runs the program, powers off."""
        ports = self._ports()
        for port in ports:
            port.touch()
        log = self.directory / 'log'
        configuration = self.directory / 'bochsrc'
        configuration.write_text(CONFIGURATION.format(
            cpus=self.cpus, ips=self.ips, megabytes=self.memory // MIB,
            root=self.bochs / 'root', disc=self._disc(*program), ports=ports,
            log=log))
        # It ends with status 1 even when the machine has powered off.
        with (self.directory / 'screen').open('w') as screen:
            subprocess.run([str(self.bochs / 'bochs'), '-q', '-f',
                            str(configuration)], check=False, timeout=timeout,
                           stdin=subprocess.DEVNULL, stdout=screen,
                           stderr=subprocess.STDOUT)
        return self._result(log)
