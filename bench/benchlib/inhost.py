# What a program that runs in an emulated host tells.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
import time
from typing import Any, Callable, Dict, List, Protocol

from . import BENCH  # noqa: F401  pylint: disable=unused-import
# pylint: disable=wrong-import-order
from raminate import paths


class Result(Protocol):
    """How it ended: see machine.Result."""

    status: int
    output: str

    @property
    def trouble(self) -> List[str]: ...

    @property
    def first_trouble(self) -> List[str]: ...


def teller() -> Callable[[str], None]:
    """Shows how far the host has come."""
    begin = time.monotonic()

    def tell(line: str) -> None:
        if not line.startswith('{'):
            print(f'{time.monotonic() - begin:5.0f} s: {line}', flush=True)
    return tell


def reports(result: Result) -> List[Dict[str, Any]]:
    """What it has found, unless it or the host's kernel is in trouble."""
    if result.status != 0 or result.trouble:
        raise paths.SetupError('\n'.join(
            ["the host failed:", *result.output.splitlines()[-20:],
             *result.first_trouble]))
    return [json.loads(line) for line in result.output.splitlines()
            if line.startswith('{')]
