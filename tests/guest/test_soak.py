#!/usr/bin/env python3
# A short storm with devices that no other test has loses and leaks nothing,
# and the storm's eyes are open: it finds what is lost, leaked or complained
# about.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import signal
import subprocess
import sys

from guestlib import MIB, PATIENCE, Guest, check, run_tests
from loads import Checker
from loss import exchange_behind_the_guest
from storm import Storm, Usage, run_storm

SECONDS = 8
# TCG has no such thing, and says so.
COMPLAINT = ['-cpu', 'qemu64,+vmx']


def say(line: str) -> None:
    print(f'# {line}')


def nothing_is_lost_or_leaked(directory: Path) -> None:
    # What the address sanitizer keeps of what is freed is not leaked.
    os.environ['ASAN_OPTIONS'] += ':quarantine_size_mb=8'
    storm = Storm('virtio-scsi, virtio-net',
                  Checker(['virtio-scsi', 'virtio-net']))
    result = run_storm(directory, storm, SECONDS, say)
    check(not result.errors, result.errors)
    check(result.pairs > 0 and result.last, result)


def losses_and_complaints_are_found(directory: Path) -> None:
    def lose(guest: Guest) -> None:
        guest.cmd('stop')
        exchange_behind_the_guest(directory / 'mram0')
        guest.cmd('cont')

    storm = Storm('a loss', Checker(), 1, args=COMPLAINT)
    found = '\n'.join(run_storm(directory, storm, SECONDS, say, lose).errors)
    check('checker: ERROR in memory' in found, found)
    check("QEMU says: " in found and 'vmx' in found, found)


def ctrl_c_ends_it(_directory: Path) -> None:
    with subprocess.Popen(
            # Whoever runs tests in the background ignores Ctrl-C.
            ['env', '--default-signal=INT', sys.executable, '-u',
             Path(__file__).with_name('soak.py'), '--only', 'framebuffer'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding='utf-8') as soak:
        assert soak.stdout is not None
        check('framebuffer: ' in soak.stdout.readline(), "no storm has begun")
        soak.send_signal(signal.SIGINT)
        said, errors = soak.communicate(timeout=PATIENCE)
    check(soak.returncode == 130 and not errors, (soak.returncode, errors))
    check('1 of 1 storms were not ended' in said, said)


def leaks_are_found(_directory: Path) -> None:
    first = Usage(100 * MIB, MIB, 200, 20, 5)
    check(not first.grown(first), first.grown(first))
    for name in Usage._fields:
        more = first._replace(**{name: getattr(first, name) * 20})
        grown = more.grown(first)
        check(len(grown) == 1 and name in grown[0], grown)


run_tests(nothing_is_lost_or_leaked, losses_and_complaints_are_found,
          leaks_are_found, ctrl_c_ends_it)
