#!/usr/bin/env python3
# However QEMU ends in mid-swap, the ranges are free and nothing is left.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import signal
import subprocess
from typing import Callable, Set

from guestlib import (CHECKER, FULL_RATE, Guest, check, hybrid, run_tests,
                      start_swapper, swapper_args, wait_until)
from raminate import paths
from raminate.guest import WRAPPER

TIMES = 5


def files(directory: Path) -> Set[str]:
    return {path.name for path in directory.iterdir()
            if not path.name.startswith('initramfs-')}


def end_in_mid_swap(directory: Path, end: Callable[[Guest], None]) -> None:
    """Every guest but the first needs the ranges of the one before."""
    args = hybrid(directory, **FULL_RATE)
    expected = files(directory)
    for _ in range(TIMES):
        with Guest(directory, CHECKER,
                   [*args, *swapper_args(directory)]) as guest:
            guest.launch()
            swapper = start_swapper(guest, directory)
            wait_until(lambda: swapper.swaps > 2000 or swapper.error,
                       "swaps by command")
            check(swapper.error is None, f"{swapper.error!r}")
            end(guest)
            swapper.join()
        (directory / 'swap').unlink(missing_ok=True)
        check(files(directory) == expected,
              f"stray files: {files(directory) - expected}")


def quit_by_command(directory: Path) -> None:
    def end(guest: Guest) -> None:
        guest.cmd('quit')
        guest.wait()
        check(guest.exitcode() == 0, f"exit status {guest.exitcode()}")
    end_in_mid_swap(directory, end)


def sigterm(directory: Path) -> None:
    def end(guest: Guest) -> None:
        pid = guest.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        guest.wait()
        check(guest.exitcode() == 0, f"exit status {guest.exitcode()}")
    end_in_mid_swap(directory, end)


def sigkill(directory: Path) -> None:
    end_in_mid_swap(directory, Guest.kill)


def running_guest_keeps_its_ranges(directory: Path) -> None:
    """The counterpart: while it lives, nobody else gets them."""
    args = hybrid(directory)
    with Guest(directory, CHECKER, args) as guest:
        guest.launch()
        other = subprocess.run(
            [*WRAPPER, paths.require_qemu(), '-display', 'none', *args],
            check=False, text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        check(other.returncode == 1, f"exit status {other.returncode}")
        check('dram0' in other.stderr, other.stderr)


run_tests(quit_by_command, sigterm, sigkill, running_guest_keeps_its_ranges)
