#!/usr/bin/env python3
# A wait ends when its time is up; where guests may be slow, when nothing has
# happened for as long, or after several times as long.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Callable
from unittest import mock

from guestlib import check, run_tests
from raminate.console import Patience

SECONDS = 10


def lasts(sign: Callable[[int], object], stretch: int) -> int:
    """Seconds of a clock that goes on by one with each look at it."""
    now = 0
    with mock.patch('raminate.console.time.monotonic', lambda: now):
        patience = Patience(SECONDS, lambda: sign(now), stretch)
        while not patience.is_over():
            now += 1
    return now


def time_is_up_once(_: Path) -> None:
    check(lasts(lambda now: now, 1) == SECONDS, "a sign of life lengthens it")
    check(lasts(lambda now: None, 1) == SECONDS, "it has another end")


def a_guest_that_goes_on_is_waited_for(_: Path) -> None:
    got = lasts(lambda now: now, 5)
    check(got == 5 * SECONDS, f"it lasts for {got} s")


def one_that_stands_still_is_not(_: Path) -> None:
    got = lasts(lambda now: None, 5)
    check(got == SECONDS, f"without any sign of life it lasts for {got} s")
    got = lasts(lambda now: min(now, 2 * SECONDS), 5)
    check(got == 3 * SECONDS, f"with the last at {2 * SECONDS} s: {got} s")


run_tests(time_is_up_once, a_guest_that_goes_on_is_waited_for,
          one_that_stands_still_is_not)
