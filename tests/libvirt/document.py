# The operator's guide: its files for the test guest, and its commands.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
from typing import Dict, List

from libvirtlib import check, paths

GUIDE = paths.SOURCE / 'docs' / 'libvirt.md'
METRICS = paths.SOURCE / 'docs' / 'metrics.md'
FLEET = paths.SOURCE / 'docs' / 'fleet.md'


def blocks(heading: str, document: Path = GUIDE) -> List[str]:
    """The indented blocks of a section."""
    text = document.read_text()
    match = re.search(rf'^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)', text,
                      re.M | re.S)
    check(match, f"{document.name} has no section '{heading}'")
    assert match is not None
    found = re.findall(r'(?:^    .*\n(?:\n(?=    ))?)+', match.group(1), re.M)
    check(found, f"section '{heading}' has no block")
    return [re.sub('^    ', '', block, flags=re.M) for block in found]


def replaced(text: str, changes: Dict[str, str]) -> str:
    """Text with changes that it has a place for."""
    for old, new in changes.items():
        check(old in text, f"'{old}' is not in:\n{text}")
        text = text.replace(old, new)
    return text
