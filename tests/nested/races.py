# What KCSAN, the kernel's own search for data races, says of the KVM
# extension's code.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
import re
import subprocess
from typing import List, Set, Tuple

from machine import SOURCE, Result

# How a message begins: its level, and when it was.
PREFIX = re.compile(r'^(?:<\d+>)?\[ *\d+\.\d+\] ?')
TITLE = 'BUG: KCSAN: '
RULE = '=' * 66
# A function in a backtrace.
FRAME = re.compile(r'^ (\S+)\+0x[0-9a-f]+/0x[0-9a-f]+( \[kvm\])?$')
# What an interrupt or a fault enters the kernel by: those who were interrupted
# follow it.
ENTRY = 'asm_'
# Those of others, for whom it is as it is to be.  Whoever invalidates: a fault
# looks at these figures without a lock first, and once more under mmu_lock.
# Whoever asks a vCPU to flush: that sets its mode by a plain write as it leaves
# the guest.  Whoever looks for a range: a node of the tree that is marked as
# dead meanwhile makes mtree_load() begin again.
KNOWN = re.compile(r'data-race in (kvm_faultin_pfn \[kvm\] / '
                   r'kvm_mmu_invalidate_(begin|end|range_add) \[kvm\]|'
                   r'kvm_make_vcpu_request \[kvm\] / vcpu_run \[kvm\]|'
                   r'mas_put_in_tree / mtree_load)')


@dataclass
class Race:
    """A report, without what the kernel puts before each line."""
    lines: List[str]

    @property
    def title(self) -> str:
        return self.lines[0].removeprefix(TITLE)

    def is_in(self, functions: Set[str]) -> bool:
        """Whether one of KVM's functions here has made or called an access."""
        if KNOWN.fullmatch(self.title):
            return False
        interrupted = False
        for line in self.lines:
            frame = FRAME.match(line)
            if not frame:
                interrupted = False
            elif frame.group(1).startswith(ENTRY):
                interrupted = True
            elif (frame.group(1) in functions and frame.group(2)
                  and not interrupted):
                return True
        return False


def symbols(file: Path, *args: str) -> List[Tuple[str, str]]:
    """The type and the name of each symbol, as nm has them."""
    lines = subprocess.run(['nm', '-P', *args, str(file)], check=True,
                           text=True, stdout=subprocess.PIPE
                           ).stdout.splitlines()
    return [(kind, name) for name, kind, *_ in map(str.split, lines)]


def objects(modules: Path) -> List[Path]:
    """What the files of kvm/ were compiled to."""
    return [modules / 'raminate' / f'{path.stem}.o'
            for path in sorted((SOURCE / 'kvm').glob('*.c'))]


def own_functions(modules: Path) -> Set[str]:
    return {name for path in objects(modules)
            for kind, name in symbols(path, '--defined-only')
            if kind in ('t', 'T')}


def unwatched(modules: Path) -> List[str]:
    """Which files of kvm/ the compiler has not had call KCSAN."""
    return [path.stem for path in objects(modules)
            if not any(re.match(r'__tsan_(volatile_)?(read|write)\d', name)
                       for _, name in symbols(path, '--undefined-only'))]


def take_others(result: Result, functions: Set[str]) -> 'Counter[str]':
    """Takes the titles of races that are in nobody of these functions.

    Returns: them, with how often each was there.
    """
    lines = result.messages.splitlines()
    plain = [PREFIX.sub('', line) for line in lines]
    others: 'Counter[str]' = Counter()
    for number, line in enumerate(plain):
        if line.startswith(TITLE):
            end = next((i for i in range(number, len(plain))
                        if plain[i] == RULE), len(plain))
            race = Race(plain[number:end])
            if not race.is_in(functions):
                others[race.title] += 1
                lines[number] = ''
    result.messages = '\n'.join(lines)
    return others
