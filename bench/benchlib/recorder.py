# Runs a workload in a guest and records what it writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from pathlib import Path
import subprocess
import time
from typing import Callable, List

from . import BENCH
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import MIB, Boot, Container, Guest, two_tiers
from raminate.console import GuestTrouble

# A guest a sixteenth of the paper's, which had 4 GB and did some two billion
# instructions a second: in memory, and in instructions between two scans.
MEMORY_MIB = 256
ICOUNT_SHIFT = 3                # an instruction takes 2^3 ns
SECOND_LOOK_MS = 20
DRAM_SHARE = 0.1                # as recorded; replays choose their own

IMAGE_DIR = paths.BUILD / 'bench'
GUEST_FILES = BENCH / 'guest'
PROGRAMS = ('bfs', 'kvload')
MODULES = ('virtio_pci', 'virtio_blk', 'ext4')
# Emulation may be slow, and a host busy: only a hang takes so long.
PATIENCE = 3600.0


@dataclass
class Plan:
    """What to record, and how."""
    workload: str
    out: Path
    seconds: int                # of the guest's time
    memory_mib: int = MEMORY_MIB
    shift: int = ICOUNT_SHIFT


def make_image() -> None:
    """Makes the guest's disk, if it isn't there."""
    subprocess.run([BENCH / 'make-image'], check=True)


def _files() -> 'dict[str, Path]':
    files = {'bin/busybox': IMAGE_DIR / 'busybox'}
    for path in GUEST_FILES.iterdir():
        if path.suffix not in ('.c', '.h'):
            files[f'bench/{path.name}'] = path
    for name in PROGRAMS:
        files[f'bench/{name}'] = paths.BUILD / 'bench' / name
    return files


def _memory(plan: Plan, directory: Path) -> Container:
    memory = plan.memory_mib * MIB
    dram = int(memory * DRAM_SHARE) // 4096 * 4096
    return two_tiers(directory, memory, dram, policy='null',
                     second_look=SECOND_LOOK_MS)


def _args(plan: Plan, memory: Container) -> List[str]:
    return ['-m', f'{plan.memory_mib}M', *memory.args(),
            '-numa', 'node,nodeid=0,memdev=dmcon0',
            '-icount', f'shift={plan.shift}',
            '-drive', f'file={IMAGE_DIR / "image"},format=raw,if=virtio,'
            'snapshot=on']


def record(plan: Plan, directory: Path,
           progress: Callable[[int], None]) -> None:
    """Records the workload; files in DIRECTORY stand in for memory.

    PROGRESS is told the scans that were made, now and then.
    """
    boot = Boot(['/bin/busybox', 'sh', '/bench/enter', plan.workload],
                MODULES, 'random.trust_cpu=on', _files())
    memory = _memory(plan, directory)
    with Guest(directory, boot, _args(plan, memory),
               'tcg,thread=single') as guest:
        guest.launch()
        guest.console.wait('bench: ready', PATIENCE)
        part = plan.out.with_name(plan.out.name + '.part')
        part.unlink(missing_ok=True)
        guest.set('record', str(part))
        guest.console.send('go')
        _wait_for_scans(guest, plan.seconds, progress)
        guest.set('record', '')
        guest.cmd('quit')
    part.rename(plan.out)


def _wait_for_scans(guest: Guest, number: int,
                    progress: Callable[[int], None]) -> None:
    first = guest.raminate()['scans']
    scans = 0
    end = time.monotonic() + PATIENCE
    while scans < number:
        if time.monotonic() > end or not guest.console.read(1):
            raise GuestTrouble("the guest does not get on:\n"
                               + guest.console.tail())
        guest.console.check()
        if 'bench: the workload has ended' in guest.console.text:
            raise GuestTrouble("the workload has ended too early:\n"
                               + guest.console.tail())
        scans = guest.raminate()['scans'] - first
        progress(scans)
