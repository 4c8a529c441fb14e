#!/usr/bin/env python3
# A test fails if a sanitizer has something to report of a program, and if QEMU
# crashes, be it at its very end.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import signal
import subprocess
from typing import Tuple

from guestlib import Guest, Skip, check, run_tests, wait_until
from raminate import paths
from raminate.console import GuestTrouble
import reports

FAULTY = paths.GUEST_PROGRAMS / 'faulty'


def _run(directory: Path, fault: str) -> Tuple[int, str]:
    """Runs a program with that fault; returns how it ends, and the report."""
    if not FAULTY.exists():
        raise Skip("the compiler has no sanitizers")
    status = 0
    own = directory / fault
    own.mkdir()
    try:
        with reports.none_expected(own):
            status = subprocess.run([FAULTY, fault], check=False,
                                    stdout=subprocess.DEVNULL).returncode
    except AssertionError as error:
        return status, str(error)
    return status, ''


def no_fault(directory: Path) -> None:
    check(_run(directory, 'none') == (0, ''), "a report of nothing")


def overflow(directory: Path) -> None:
    _, report = _run(directory, 'overflow')
    check('ERROR: AddressSanitizer: heap-buffer-overflow' in report, report)


def leak(directory: Path) -> None:
    _, report = _run(directory, 'leak')
    check('ERROR: LeakSanitizer: detected memory leaks' in report, report)


def undefined(directory: Path) -> None:
    status, _ = _run(directory, 'undefined')
    check(status == -signal.SIGABRT, f"exit status {status}")


def crash(directory: Path) -> None:
    with Guest(directory, None, []) as guest:
        guest.launch()
        pid = guest.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGABRT)
        wait_until(lambda: not guest.is_running(), "its end")
        try:
            guest.wait()
        except GuestTrouble as trouble:
            check('signal 6' in str(trouble), str(trouble))
        else:
            check(False, "nobody noticed")


run_tests(no_fault, overflow, leak, undefined, crash)
