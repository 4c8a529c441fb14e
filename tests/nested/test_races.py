#!/usr/bin/env python3
# debug-kernel --races tells data races in the KVM extension's code from those
# of others, and modules that KCSAN watches from those that it does not.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from typing import List, Sequence

from machine import SOURCE, Result
from nestedlib import Tap, main, modules
import races

OURS = 'raminate_scan+0x10/0x80 [kvm]'
KVMS = 'kvm_vm_ioctl+0x25b/0xe30 [kvm]'
KERNELS = 'mutex_lock+0x1e/0x80'
# A function of the same name, but not in KVM.
NAMESAKES = 'raminate_scan+0x10/0x80'
INTERRUPTS = ['tick_handler+0x5e/0x140', 'asm_sysvec_apic_timer+0x16/0x20']


def report(title: str, *stacks: Sequence[str]) -> str:
    """As kernel/kcsan/report.c prints it."""
    lines = [races.RULE, f'BUG: KCSAN: data-race in {title}']
    for number, stack in enumerate(stacks):
        lines += ['', 'write to 0xffff888003a8c0f8 of 8 bytes by task 72 on '
                  f'cpu {number}:', *(f' {frame}' for frame in stack)]
    lines += ['', 'value changed: 0x0000000000000001 -> 0x0000000000000002',
              '', 'Reported by Kernel Concurrency Sanitizer on:',
              'CPU: 1 UID: 0 PID: 72 Comm: selftest Tainted: G', races.RULE]
    return ''.join(f'<3>[   12.345678] {line}\n' for line in lines)


def left(*reports: str) -> List[str]:
    """Of which reports the machine's result still complains."""
    result = Result(0, '', '<6>[    0.000000] Linux version\n'
                    + ''.join(reports))
    before = len(result.trouble)
    others = races.take_others(result, {'raminate_scan'})
    assert before == len(reports)
    assert sum(others.values()) == before - len(result.trouble)
    return [line.split(' in ')[1] for line in result.trouble]


def run(tap: Tap) -> None:
    ours = report('ours', [KVMS], [OURS, KVMS])
    called = report('called', [KERNELS, OURS], [KERNELS])
    others = [report('kvm', [KVMS], [KERNELS, KVMS]),
              report('namesake', [NAMESAKES, KVMS], [KERNELS]),
              report('interrupt', [*INTERRUPTS, OURS], [KERNELS]),
              report('kvm_faultin_pfn [kvm] / kvm_mmu_invalidate_end [kvm]',
                     [KVMS, OURS], [KVMS])]
    tap.check(left(ours) == ['ours'], "a race in a function of ours is told")
    tap.check(left(called) == ['called'], "so is one in what we have called")
    tap.check(not left(*others), "races of others are not")
    tap.check(left(*others, ours, *others, called) == ['ours', 'called'],
              "each report is looked at by itself")
    tap.check(left(others[0], called.rsplit('\n', 6)[0]) == ['called'],
              "one that the log breaks off is told")

    files = sorted(path.stem for path in (SOURCE / 'kvm').glob('*.c'))
    plain = modules()
    tap.check(races.unwatched(plain) == files,
              "the distribution's kernel does not watch the extension")
    tap.check({'raminate_scan', 'raminate_swap', 'take_sptes',
               'kvm_raminate_destroy_vm'} <= races.own_functions(plain),
              "functions of all files are known, static ones too")


if __name__ == '__main__':
    main(run)
