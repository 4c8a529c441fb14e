# Test guests on hybrid memory: physical ranges, or files in their place.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
import shutil
import signal
import sys
import tempfile
from types import TracebackType
from typing import (Any, Dict, Iterator, List, Optional, Sequence, Type,
                    Union)

from . import initramfs, kernel, paths
from .console import Console, GuestTrouble

paths.add_qemu_python()
# pylint: disable=wrong-import-position
from qemu.machine import QEMUMachine  # noqa: E402
from qemu.machine.machine import QEMUMachineError  # noqa: E402

MIB = 1 << 20
PAGE_SIZE = 4096
DEV_MEM = Path('/dev/mem')
# TCG boots in this time: KVM that takes longer is of no use.
PROBE_SECONDS = 6
# QEMU must not outlive a test that is killed.
WRAPPER = ('setpriv', '--pdeathsig', 'KILL')
CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
           signal.SIGSEGV)
# The rest is for hosts with too much to do: no alarm about late timers.
KERNEL_ARGS = ('console=ttyS0 loglevel=4 mitigations=off panic=-1 '
               'no_timer_check nowatchdog rcupdate.rcu_cpu_stall_timeout=200')


@dataclass
class Tier:
    """A range of /dev/mem, or of a file that stands in for it."""
    name: str
    size: int
    path: Path
    phy_offset: int = 0
    read_cost: Optional[int] = None

    def create(self) -> None:
        """Makes the file reach to the end of the range."""
        with self.path.open('ab') as file:
            if file.tell() < self.phy_offset + self.size:
                file.truncate(self.phy_offset + self.size)

    def properties(self) -> str:
        cost = f',read-cost={self.read_cost}' if self.read_cost else ''
        return (f'memory-backend-devmem,id={self.name},size={self.size},'
                f'phy-offset={self.phy_offset:#x},mem-path={self.path}{cost}')


@dataclass
class NodeTier:
    """A NUMA node of the host."""
    name: str
    size: int
    node: int

    def properties(self) -> str:
        return (f'memory-backend-node,id={self.name},size={self.size},'
                f'node={self.node}')


@dataclass
class Container:
    """Guest memory made of tiers, the fastest first."""
    name: str
    tiers: Sequence[Union[Tier, NodeTier]]
    options: Dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(tier.size for tier in self.tiers)

    def args(self) -> List[str]:
        """The -object options, as a user gives them."""
        parts = [f'memory-backend-container,id={self.name},size={self.size}']
        parts += [f'{key}={value}' for key, value in self.options.items()]
        args = ['-object', ','.join(parts)]
        offset = 0
        for tier in self.tiers:
            args += ['-object', f'{tier.properties()},offset={offset:#x},'
                     f'parent={self.name}']
            offset += tier.size
        return args


def _container(name: str, tiers: Sequence[Union[Tier, NodeTier]],
               options: Dict[str, Any]) -> Container:
    return Container(name, tiers, {key.replace('_', '-'): value
                                   for key, value in options.items()})


def two_tiers(directory: Path, memory: int, dram: int,
              name: str = 'dmcon0', number: int = 0,
              **options: Any) -> Container:
    """A container of DRAM and MRAM, with the names of the paper."""
    tiers = [Tier(f'dram{number}', dram, directory / f'dram{number}'),
             Tier(f'mram{number}', memory - dram,
                  directory / f'mram{number}')]
    for tier in tiers:
        tier.create()
    return _container(name, tiers, options)


def two_physical_tiers(start: int, memory: int, dram: int,
                       device: Path = DEV_MEM,
                       read_cost: Optional[int] = None,
                       **options: Any) -> Container:
    """The same, on a range of physical memory or of a device, DRAM first.

    The cost is that of slow memory.
    """
    return _container('dmcon0', [
        Tier('dram0', dram, device, start),
        Tier('mram0', memory - dram, device, start + dram, read_cost)],
        options)


def two_node_tiers(memory: int, dram: int, nodes: Sequence[int] = (0, 1),
                   **options: Any) -> Container:
    """The same, on NUMA nodes, the fast one first."""
    return _container('dmcon0', [
        NodeTier('dram0', dram, nodes[0]),
        NodeTier('mram0', memory - dram, nodes[1])], options)


@dataclass
class Boot:
    """What to run in the guest."""
    program: Sequence[str] = ()
    modules: Sequence[str] = ()
    kernel_args: str = ''
    files: Dict[str, Path] = field(default_factory=dict)
    system: Optional[kernel.Kernel] = None      # else the smallest


class Guest(QEMUMachine):
    """A guest that boots the distribution's kernel and one program.

    One that boots nothing has the firmware alone.
    """

    def __init__(self, directory: Path, boot: Optional[Boot],
                 args: Sequence[str],
                 accel: str = 'tcg,thread=multi',
                 binary: Optional[str] = None):
        super().__init__(binary or paths.require_qemu(), wrapper=WRAPPER,
                         base_temp_dir=str(directory))
        # A guest that has ended can still be asked for its figures.
        self.add_args('-accel', accel, '-nic', 'none', '-no-user-config',
                      '-no-shutdown', *self._boot_args(directory, boot), *args)
        self.set_console()
        self._console: Optional[Console] = None

    def _boot_args(self, directory: Path, boot: Optional[Boot]) -> List[str]:
        if boot is None:
            return []
        found = boot.system or kernel.find()
        # Two guests may share the directory.
        initrd = directory / f'initramfs-{self._name}'
        initramfs.build(initrd, found, boot.modules, boot.files)
        return ['-kernel', str(found.image), '-initrd', str(initrd),
                '-append', ' '.join([KERNEL_ARGS, boot.kernel_args, '--',
                                     *boot.program])]

    def __exit__(self, exc_type: Optional[Type[BaseException]],
                 exc_val: Optional[BaseException],
                 exc_tb: Optional[TracebackType]) -> None:
        if exc_type is None:
            self.shutdown()
        else:
            self.kill()

    def _post_shutdown(self) -> None:
        status = self.exitcode()
        super()._post_shutdown()
        if status is not None and -status in CRASHES:
            raise GuestTrouble(f"QEMU ended by signal {-status}, and said: "
                               f"{self.get_log()}")

    @property
    def console(self) -> Console:
        if self._console is None:
            self._console = Console(self.console_socket, self.cpu_time)
        return self._console

    def cmd(self, *args: Any, **kwargs: Any) -> Any:
        """As in QEMUMachine, for callers that know what they get."""
        return super().cmd(*args, **kwargs)

    def faults(self) -> int:
        """What QEMU's threads have taken, the guest's among them."""
        return int(self._stat()[7])

    def cpu_time(self) -> int:
        """What they have used, in ticks; 0 once QEMU has ended."""
        try:
            user, system = self._stat()[11:13]
        except FileNotFoundError:
            return 0
        return int(user) + int(system)

    def _stat(self) -> List[str]:
        stat = Path(f'/proc/{self.get_pid()}/stat').read_text()
        return stat.rpartition(')')[2].split()

    def raminate(self, container: str = 'dmcon0') -> Dict[str, Any]:
        """Settings and figures of one container."""
        figures: Dict[str, Any] = self.cmd('query-raminate',
                                           id=container)[0]
        return figures

    def set(self, name: str, value: object,
            container: str = 'dmcon0') -> None:
        """Changes a property of a container while the guest runs."""
        self.cmd('qom-set', path=f'/objects/{container}', property=name,
                 value=value)


@contextlib.contextmanager
def work_directory(needed: int, keep: bool = False) -> Iterator[Path]:
    """A directory, in memory if there is room, that goes when we do."""
    shared = Path('/dev/shm')
    fits = (shared.is_dir()
            and shutil.disk_usage(shared).free > needed + 64 * MIB)
    path = Path(tempfile.mkdtemp(prefix='raminate-',
                                 dir=shared if fits else '/var/tmp'))
    try:
        yield path
    finally:
        if not keep:
            shutil.rmtree(path, ignore_errors=True)


def _tell_exception(kind: Type[BaseException], value: BaseException,
                    where: Optional[TracebackType]) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, value, where)


def clean_up_on_signals() -> None:
    """Turns signals that end a program into exceptions.

    Of Ctrl-C Python makes one; it is not told where that came.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda num, frame: sys.exit(128 + num))
    sys.excepthook = _tell_exception


def why_not_kvm(directory: Path, binary: str) -> Optional[str]:
    """Boots an ordinary guest under KVM; None if that works."""
    if not Path('/dev/kvm').exists():
        return "there is no /dev/kvm"
    try:
        with Guest(directory, Boot(), ['-m', '128M'], 'kvm',
                   binary) as guest:
            guest.launch()
            guest.console.wait('init: guest is up', PROBE_SECONDS)
    except GuestTrouble:
        return ("an ordinary guest does not come up under KVM "
                f"in {PROBE_SECONDS} s")
    except QEMUMachineError as err:
        return f"QEMU cannot use /dev/kvm ({err})"
    return None
