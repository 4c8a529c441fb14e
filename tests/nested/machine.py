# A machine under TCG that stands in for a hypervisor's host: with /dev/mem,
# ranges set aside, and patched KVM modules; or with NUMA nodes, and nothing
# that the distribution has not.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass, field
import os
from pathlib import Path
import re
import shutil
import stat
import subprocess
import sys
from typing import ClassVar, Dict, List, Optional, Sequence, Tuple

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / 'scripts'))

# pylint: disable=wrong-import-position
from raminate import kernel, paths  # noqa: E402
from raminate.initramfs import Cpio  # noqa: E402

MIB = 1 << 20

# Set aside by memmap= on the kernel's command line, as a host's owner does.
POOL = 0x20000000
POOL_SIZE = 512 * MIB
MEMORY = 1536 * MIB
DISK_SIZE = 8 * MIB

# Has a part of the machine's RAM be as firmware tells of memory that is meant
# for somebody: a DAX device, once the driver dax_hmem is there.
SOFT_RESERVED = 'memmap=128M%0x48000000-1+0xefffffff'
# Set aside like the pool, but with the machine's RAM in the same 128 MiB
BESIDE_RAM = 0x58000000
BESIDE_RAM_SIZE = 32 * MIB

# The last three are for machines with too much to do: no alarm, and no panic,
# about late timers.
KERNEL_ARGS = ('console=ttyS0', 'quiet', 'loglevel=4', 'mitigations=off',
               'panic=-1', 'oops=panic', 'no_timer_check', 'nowatchdog',
               'rcupdate.rcu_cpu_stall_timeout=200')

# What no message of the kernel may say after a test.
TROUBLE = re.compile(r'WARNING:|BUG:|Oops|general protection|'
                     r'unchecked MSR|INFO: |lockdep|KASAN|UBSAN|kmemleak|'
                     r'freeing invalid memtype|Call Trace|tainting|'
                     r'possible circular|soft lockup|hung task|'
                     r'map pfn expected mapping type')
# Unsigned modules from elsewhere say so, once each; a kernel that looks for
# mistakes says so too.
HARMLESS = re.compile(r'module verification failed|out-of-tree module|'
                      r'lockdep checking is enabled|'
                      r'kmemleak: (Kernel memory leak|Automatic memory)')

CRASHED = -1
# As many as the registers and a backtrace that returns to itself take.
TROUBLE_LINES = 100


@dataclass
class Result:
    """How a program in the machine ended."""
    # CRASHED if the machine ended before the program did.
    status: int
    output: str
    messages: str

    @property
    def trouble(self) -> List[str]:
        return [line for line in self.messages.splitlines()
                if TROUBLE.search(line) and not HARMLESS.search(line)]

    @property
    def first_trouble(self) -> List[str]:
        """The first such message with what the kernel prints below it."""
        trouble = self.trouble
        if not trouble:
            return []
        lines = self.messages.splitlines()
        return lines[lines.index(trouble[0]):][:TROUBLE_LINES]


@dataclass
class Node:
    """A NUMA node; the first one has the CPUs."""
    size: int
    latency: int        # nanoseconds
    bandwidth: str      # bytes in a second
    # By a DIMM that is plugged, so that it can be online as movable memory
    plugged: bool = False


@dataclass
class Machine:
    """What the machine is made of."""
    base_modules: ClassVar[Sequence[str]] = ('irqbypass', 'ccp')
    # Those of them that not all kernels have
    optional_modules: ClassVar[Sequence[str]] = ()
    kvm_modules: ClassVar[Sequence[str]] = ('kvm', 'kvm-amd')
    # Built in, in part, depending on the kernel.
    share_modules: ClassVar[Sequence[str]] = ('virtio_pci', '9p',
                                              '9pnet_virtio', 'virtio_blk')
    share_by: ClassVar[str] = '9p'

    directory: Path
    # None: the kernel's own
    kvm_build: Optional[Path]
    kernel: kernel.Kernel
    files: Dict[str, Path] = field(default_factory=dict)
    parameters: Sequence[str] = ()
    share: bool = False
    cpus: int = 2
    memory: int = MEMORY
    pool: Optional[Tuple[int, int]] = (POOL, POOL_SIZE)
    # In place of memory
    nodes: Sequence[Node] = ()
    # Further arguments for QEMU, and its accelerator.
    accel: str = 'tcg,thread=multi'
    cpu: str = 'max,+svm,+npt'
    args: Sequence[str] = ()

    def _modules(self) -> List[Tuple[str, bytes]]:
        names = [*(name for name in self.base_modules
                   if name not in self.optional_modules
                   or self.kernel.has_module(name)),
                 *(self.share_modules if self.share else ())]
        if self.kvm_build is None:
            names += [name.replace('-', '_') for name in self.kvm_modules]
        modules = [(path.name.split('.ko')[0], kernel.read_module(path))
                   for path in self.kernel.module_files(names)]
        if self.kvm_build is not None:
            modules += [(name, self._stripped(self.kvm_build / f'{name}.ko'))
                        for name in self.kvm_modules]
        return modules

    def _stripped(self, module: Path) -> bytes:
        """A module without its debugging information, most of its size."""
        strip = shutil.which('strip')
        if strip is None:
            raise paths.SetupError("strip is missing; install binutils")
        out = self.directory / module.name
        subprocess.run([strip, '-g', '-o', str(out), str(module)], check=True)
        return out.read_bytes()

    def _initramfs(self) -> Path:
        path = self.directory / 'initramfs'
        with path.open('wb') as file:
            cpio = Cpio(file)
            for name in ('bin', 'dev', 'host', 'modules', 'proc', 'sys',
                         'tmp'):
                cpio.add(name, stat.S_IFDIR | 0o755)
            cpio.add('dev/console', stat.S_IFCHR | 0o600,
                     device=os.makedev(5, 1))
            for name, source in self.files.items():
                cpio.add(name, stat.S_IFREG | 0o755, source.read_bytes())
            for number, (name, data) in enumerate(self._modules()):
                cpio.add(f'modules/{number:02}-{name}.ko',
                         stat.S_IFREG | 0o644, data)
            cpio.finish()
        return path

    def _command_line(self, *program: str) -> str:
        return ' '.join([
            *KERNEL_ARGS,
            *([f'memmap={self.pool[1]}${self.pool[0]:#x}'] if self.pool
              else []),
            *self.parameters,
            *([f'hostfs={self.share_by}'] if self.share else []),
            '--', *program])

    def _ports(self) -> List[Path]:
        """Files that take what comes out of the serial ports."""
        return [self.directory / name
                for name in ('console', 'output', 'messages')]

    def _result(self, log: Path) -> Result:
        """log is the emulator's: a host that has crashed has no last words."""
        console, output, messages = (port.read_text(errors='replace')
                                     for port in self._ports())
        match = re.search(r'^init: exit status (\d+)\s*\Z', output, re.M)
        if not match:
            return Result(CRASHED, output, messages + console
                          + log.read_text(errors='replace'))
        return Result(int(match.group(1)), output[:match.start()], messages)

    def _disk(self) -> Path:
        path = self.directory / 'disk'
        with path.open('wb') as file:
            file.truncate(DISK_SIZE)
        return path

    def _memory_args(self) -> List[str]:
        if not self.nodes:
            return ['-m', str(self.memory // MIB)]
        built_in, plugged = (
            [node.size // MIB for node in self.nodes if node.plugged == kind]
            for kind in (False, True))
        size = f'size={sum(built_in)}M'
        if plugged:
            size += f',slots={len(plugged)},maxmem={sum(built_in + plugged)}M'
        args = ['-M', 'q35,hmat=on', '-m', size]
        figures: List[str] = []
        for number, node in enumerate(self.nodes):
            cpus = '' if number else f'cpus=0-{self.cpus - 1},'
            memory = '' if node.plugged else f'memdev=node{number},'
            args += ['-object', f'memory-backend-ram,id=node{number},'
                     f'size={node.size}',
                     '-numa', f'node,nodeid={number},{memory}{cpus}'
                     f'initiator=0']
            if node.plugged:
                figures += ['-device', f'pc-dimm,memdev=node{number},'
                            f'node={number}']
            for figure in (f'latency,latency={node.latency}',
                           f'bandwidth,bandwidth={node.bandwidth}'):
                figures += ['-numa', f'hmat-lb,initiator=0,target={number},'
                            f'hierarchy=memory,data-type=access-{figure}']
        # QEMU wants all nodes before any figure.
        return args + figures

    def run(self, *program: str, timeout: int = 600) -> Result:
        """Boots, runs the program, powers off."""
        args = [paths.require_qemu(), '-accel', self.accel,
                '-cpu', self.cpu, '-smp', str(self.cpus),
                *self._memory_args(), '-display', 'none', '-nodefaults',
                '-no-user-config', '-no-reboot',
                '-kernel', str(self.kernel.image),
                '-initrd', str(self._initramfs()),
                '-append', self._command_line(*program), *self.args]
        # Triple faults, among others
        log = self.directory / 'log'
        args += ['-d', 'cpu_reset', '-D', str(log)]
        for port in self._ports():
            args += ['-serial', f'file:{port}']
        if self.share:
            # Else a bus that further arguments add would get them.
            bus = ',bus=pcie.0' if self.nodes else ''
            args += ['-fsdev', 'local,id=hostfs,path=/,security_model=none,'
                     'readonly=on,multidevs=remap',
                     '-device', 'virtio-9p-pci,fsdev=hostfs,mount_tag=hostfs'
                     f'{bus}',
                     '-drive', f'file={self._disk()},format=raw,if=none,'
                     'id=disk', '-device', f'virtio-blk-pci,drive=disk{bus}']
        subprocess.run(args, check=True, timeout=timeout,
                       stdin=subprocess.DEVNULL)
        return self._result(log)
