#!/usr/bin/env python3
# Negative controls: with a flaw built into the KVM extension, the selftest has
# to fail, and at the check that is about it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import re

from nestedlib import FLAWS, Tap, main, run_selftest

HARM = r'(no write is lost|nobody sees a page)'

# Which check fails by which flaw.
FOUND = {
    'preset-dirty': ('scan', r'first access: written pages'),
    'forget-dropped': ('scan', r'the memory slot was deleted'),
    'forget-host': ('scan', r'the process writes: written pages'),
    'forget-place': ('find', r'one is written, and its entry dropped'),
    'no-once-more': ('skip', r'2 vCPUs: each last write'),
    'no-refill': ('refill', r'no fault by reading'),
    'refill-forgets': ('refill', r'a write before a swap'),
    'refill-writable': ('refill', r'the log has a write after a swap'),
    'refill-old-frame': ('refill', r'what the guest then writes'),
    'tell-nobody': ('refill', r'another VM of the process'),
    'no-retry': ('torture', HARM),
    'one-bounce': ('beside', r'the one that stays: no write is lost'),
    'off-too-soon': ('beside', r'the one that stays: scans find'),
    'no-scan-flush': ('steady', r'each scan sees that the guest writes'),
    'no-kept-flush': ('steady', r'and though its entry was made anew'),
    'no-vma-lock': ('torture', HARM),
    'copy-early': ('torture', HARM),
    'no-host-flush': ('torture', HARM),
    'keep-guest-entries': ('torture', HARM),
    'machine-check-spoils': ('torture', HARM),
}

# Torn from its memory, the process dies, or its vCPU fails, or KVM notices and
# the machine crashes. That ends the test, so that it can go on for long until
# then. A machine or guest that does not even start has another cause.
DEADLY = {'no-vma-lock', 'keep-guest-entries', 'no-retry'}
BEGUN = re.compile(r'^# torture has begun$', re.M)

# A flaw that is a race does its harm sooner or later: on a machine with too
# much to do, in a later run.
RUNS = 6


def is_found(flaw: str, output: str) -> bool:
    if (flaw in DEADLY and BEGUN.search(output)
            and not re.search(r'^1\.\.\d+$', output, re.M)):
        return True
    return bool(re.search(rf'^not ok \d+ - {FOUND[flaw][1]}', output, re.M))


def run(tap: Tap) -> None:
    lost = '# torture\nBail out! KVM_CREATE_VM: No such file or directory\n'
    tap.check(not any(is_found(flaw, lost) for flaw in FOUND),
              'a test that does not begin finds nothing')

    for flaw, (test, _) in FOUND.items():
        tests = ['long', test] if flaw in DEADLY else [test]
        for _ in range(RUNS):
            output = run_selftest(tests, [f'kvm.flaw={flaw}'], FLAWS).output
            if is_found(flaw, output):
                break
        tap.check(is_found(flaw, output), f'{flaw} is found by {test}',
                  output.splitlines()[-20:])

    # What no-once-more takes from the CPU, and does not do harm by itself.
    result = run_selftest(['skip'], ['kvm.flaw=cached-walks'], FLAWS)
    tap.check(result.status == 0, 'entries cached until the flush: skip passes',
              result.output.splitlines())

    # What no-retry does to such faults is the harm, not how long they take.
    result = run_selftest(['torture'], ['kvm.flaw=slow-faults'], FLAWS)
    tap.check(result.status == 0, 'faults that take their time: torture passes',
              result.output.splitlines())

    result = run_selftest(['torture'], ['kvm.flaw=machine-check'], FLAWS)
    lines = result.output.splitlines()
    for name in ('nobody sees a page', 'no write is lost'):
        tap.check(any(re.match(rf'ok \d+ - {name}', line) for line in lines),
                  f'failing memory: {name}', lines)
    tap.check(any(re.match(r'not ok \d+ - all pairs are exchanged .*-133',
                           line) for line in lines),
              'failing memory: pairs say so', lines)


if __name__ == '__main__':
    main(run)
