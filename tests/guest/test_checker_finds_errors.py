#!/usr/bin/env python3
# The checker notices pages that are in each other's place.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path

from guestlib import (CHECKER, PATIENCE, Guest, check, hybrid,
                      run_tests, start_checker)
from loss import exchange_behind_the_guest
from raminate.console import GuestTrouble


def exchanged_pages_are_reported(directory: Path) -> None:
    args = hybrid(directory, monitor='off')
    with Guest(directory, CHECKER, args) as guest:
        start_checker(guest)
        guest.cmd('stop')
        exchange_behind_the_guest(directory / 'mram0')
        guest.cmd('cont')
        try:
            guest.console.wait('checker: PASS', PATIENCE)
        except GuestTrouble as trouble:
            check('checker: ERROR in memory' in str(trouble), str(trouble))
        else:
            check(False, "the checker noticed nothing")


run_tests(exchanged_pages_are_reported)
