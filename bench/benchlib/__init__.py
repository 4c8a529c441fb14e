# What the programs of the benchmark share.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import sys

BENCH = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCH.parent / 'scripts'))
