# What a recording tells of its workload.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import List

from raminate.recording import SCAN, TRAFFIC, Recording


@dataclass
class Summary:
    """What the scans of a recording found."""
    nr_pages: int = 0
    windows_ms: 'List[int]' = field(default_factory=list)   # before each scan
    scans: 'List[int]' = field(default_factory=list)    # pages of each
    found: 'Counter[int]' = field(default_factory=Counter)
    lines: int = 0
    has_traffic: bool = False

    @property
    def distinct(self) -> int:
        """Pages found written at least once."""
        return len(self.found)

    def pages_for(self, share: float) -> int:
        """Fewest pages that were found in that share of all findings."""
        rest = share * sum(self.scans)
        for number, (_, times) in enumerate(self.found.most_common()):
            if rest <= 0:
                return number
            rest -= times
        return self.distinct


def summarize(path: Path) -> Summary:
    """Reads a recording, which may end early."""
    recording = Recording(path)
    summary = Summary(nr_pages=recording.nr_pages)
    for entry in recording:
        if entry.kind == SCAN:
            summary.windows_ms.append(entry.window_ms)
            summary.scans.append(len(entry.pages))
            summary.found.update(entry.pages)
        elif entry.kind == TRAFFIC:
            summary.has_traffic = True
            summary.lines += sum(entry.written)
    return summary
