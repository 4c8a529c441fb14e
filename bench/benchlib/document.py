# Measured tables that are kept in a document.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import re
import subprocess
from typing import List

from . import BENCH
# pylint: disable=wrong-import-order
from raminate import paths


def circumstances() -> str:
    """What was measured, and on what."""
    commit = subprocess.run(
        ['git', '-C', BENCH, 'rev-parse', '--short', 'HEAD'], check=True,
        capture_output=True, text=True).stdout.strip()
    return f'Commit {commit}, on {os.cpu_count()} CPUs of the host.'


def write(document: Path, target: str, lines: List[str]) -> None:
    """Replaces what is between the comments for a target of make."""
    begin, end = (f'<!-- {which}: make {target} -->'
                  for which in ('begin', 'end'))
    text = document.read_text(encoding='utf-8')
    new = '\n'.join([begin, '', *lines, end])
    text, count = re.subn(f'{re.escape(begin)}.*{re.escape(end)}',
                          lambda _: new, text, flags=re.S)
    if count != 1:
        raise paths.SetupError(f"{document} lacks the lines {begin} and {end}")
    document.write_text(text, encoding='utf-8')
    print(f'Written to {document}')
