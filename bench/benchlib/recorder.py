# Runs a workload in a guest and records what it writes.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import csv
from dataclasses import dataclass
import json
from pathlib import Path
import re
import resource
import shutil
import subprocess
import time
from typing import Any, Callable, Dict, List

from . import BENCH
# pylint: disable=wrong-import-order
from raminate import paths
from raminate.guest import MIB, Boot, Container, Guest, two_tiers
from raminate.console import GuestTrouble

# A guest a sixteenth of the paper's: in memory, in cache, and in instructions
# between two scans, of which the paper's processor made some two billion.
PAPER_MEMORY_MIB = 4096
PAPER_CACHE = 20 * MIB
MEMORY_MIB = 256
ICOUNT_SHIFT = 3                # an instruction takes 2^3 ns
TRAFFIC_PERIOD_MS = 10
QEMU_NAME = 'qemu-system-x86_64'
SECOND_LOOK_MS = 20
DRAM_SHARE = 0.1                # as recorded; replays choose their own

TRAFFIC_DIR = paths.BUILD / 'tools' / 'traffic'
PLUGIN = TRAFFIC_DIR / 'libraminate-traffic.so'
MERGE = TRAFFIC_DIR / 'raminate-merge'

IMAGE_DIR = paths.BUILD / 'bench'
GUEST_FILES = BENCH / 'guest'
PROGRAMS = ('bfs', 'kvload')
MODULES = ('virtio_pci', 'virtio_blk', 'ext4')
ENDED = re.compile(r'bench: the workload has (failed|ended)')
# Emulation may be slow, and a host busy: only a hang takes so long.
PATIENCE = 1800.0


@dataclass
class Plan:
    """What to record, and how."""
    workload: str
    out: Path
    seconds: int                # of the guest's time
    memory_mib: int = MEMORY_MIB
    traffic: bool = True        # also how often pages are written

    @property
    def cache(self) -> int:
        """Size of the last-level cache in bytes."""
        return cache_size(self.memory_mib)


def cache_size(memory_mib: int) -> int:
    """A last-level cache in proportion to the guest, in bytes."""
    return PAPER_CACHE * memory_mib // PAPER_MEMORY_MIB


def make_image() -> None:
    """Makes the guest's disk, if it isn't there."""
    subprocess.run([BENCH / 'make-image'], check=True)


def boot(workload: str) -> Boot:
    """A guest that prepares a workload, says so, and waits for a word."""
    return Boot(['/bin/busybox', 'sh', '/bench/enter', workload],
                MODULES, 'random.trust_cpu=on', _files())


def _files() -> Dict[str, Path]:
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


def _args(plan: Plan, memory: Container, directory: Path) -> List[str]:
    plugin = (f'{PLUGIN},ram=0+{plan.memory_mib}M,'
              f'record={directory / "traffic"},accesses=on,'
              f'csv={directory / "csv"},'
              f'period={TRAFFIC_PERIOD_MS},cache={plan.cache}')
    return [*guest_args(memory),
            *(['-plugin', plugin] if plan.traffic else []),
            '-icount', f'shift={ICOUNT_SHIFT}',
            '-rtc', 'base=2026-01-01T00:00:00,clock=vm']


def guest_args(memory: Container) -> List[str]:
    """A guest's memory, and its disk, which is not changed."""
    return ['-m', f'{memory.size // MIB}M', *memory.args(),
            '-numa', f'node,nodeid=0,memdev={memory.name}',
            '-drive', f'file={IMAGE_DIR / "image"},format=raw,if=virtio,'
            'snapshot=on']


def require_plugin() -> None:
    if not PLUGIN.is_file():
        raise paths.SetupError(f"{PLUGIN} is missing; run make first")


def record(plan: Plan, directory: Path,
           progress: Callable[[int], None]) -> None:
    """Records the workload; files in DIRECTORY stand in for memory.

    PROGRESS is told the scans that were made, now and then.
    """
    if plan.traffic:
        require_plugin()
    args = _args(plan, _memory(plan, directory), directory)
    scans, merged = directory / 'scans', directory / 'merged'
    start = time.monotonic()
    with Guest(directory, boot(plan.workload), args,
               'tcg,thread=single') as guest:
        guest.launch()
        guest.console.wait('bench: ready', PATIENCE)
        guest.set('record', str(scans))
        guest.console.send('go')
        wait_for_scans(guest, plan.seconds, progress)
        guest.set('record', '')
    made: Dict[str, Any] = {
        'workload': plan.workload,
        'memory_mib': plan.memory_mib,
        'instruction_ns': 1 << ICOUNT_SHIFT,
        'host_seconds': round(time.monotonic() - start, 1),
        'processor_seconds': round(_processor_seconds(), 1),
        'qemu': [QEMU_NAME, *args],
    }
    if plan.traffic:
        subprocess.run([MERGE, '-o', merged, scans, directory / 'traffic'],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        scans = merged
        made['cache'] = plan.cache
        made['instructions_per_second'] = _instructions_per_second(
            directory / 'csv', plan.seconds)
    shutil.move(scans, plan.out)
    about_path(plan.out).write_text(json.dumps(made, indent=1) + '\n',
                                    encoding='utf-8')


def about_path(recording: Path) -> Path:
    """The file that says how a recording was made."""
    return recording.with_name(recording.name + '.json')


def about(recording: Path) -> Dict[str, Any]:
    """How a recording was made, as far as is known."""
    path = about_path(recording)
    if not path.is_file():
        return {}
    found: Dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    return found


def _processor_seconds() -> float:
    """Of QEMU, which has ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _instructions_per_second(table: Path, seconds: int) -> float:
    """What the guest executed in the last SECONDS of it."""
    with table.open(encoding='utf-8') as file:
        rows = [(int(row['time_ms']), int(row['instructions']))
                for row in csv.DictReader(file)]
    first_ms = rows[-1][0] - 1000 * seconds
    return sum(number for ms, number in rows if ms > first_ms) / seconds


def wait_for_scans(guest: Guest, number: int,
                   progress: Callable[[int], None]) -> None:
    """Waits until the workload, which must go on, has been scanned so often.
    """
    first = last = guest.raminate()['scans']
    end = time.monotonic() + PATIENCE
    while last - first < number:
        if time.monotonic() > end or not guest.console.read(1):
            raise GuestTrouble("the guest does not get on:\n"
                               + guest.console.tail())
        guest.console.check()
        if ENDED.search(guest.console.text):
            raise GuestTrouble("the workload has ended too early:\n"
                               + guest.console.tail())
        scans = guest.raminate()['scans']
        if scans > last:
            end = time.monotonic() + PATIENCE
        last = scans
        progress(scans - first)
