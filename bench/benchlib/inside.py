# How a program is run that measures inside an emulated host.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys
from typing import Callable

from . import BENCH  # noqa: F401  pylint: disable=unused-import
# pylint: disable=wrong-import-order
from raminate import guest, paths
from raminate.console import GuestTrouble


def run(measure: Callable[[Path], None], needed: int = 0) -> int:
    """Its status.  In the directory there is room for so many bytes."""
    try:
        with guest.work_directory(needed) as directory:
            measure(directory)
    except (paths.SetupError, GuestTrouble, OSError, AssertionError,
            guest.QEMUMachineError) as err:
        print(f"{Path(sys.argv[0]).name}: {str(err).strip()}",
              file=sys.stderr)
        return 1
    return 0
