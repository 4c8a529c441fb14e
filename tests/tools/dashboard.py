#!/usr/bin/env python3
# Draws docs/dashboard.svg: what the dashboard for Grafana shows of two guests.
#
# Grafana is no package of Debian's.  So Prometheus answers the dashboard's
# own queries, and draw_dashboard.py draws the panels where the dashboard has
# them; colours and letters are not Grafana's.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import argparse
import contextlib
import json
import math
from pathlib import Path
import re
import subprocess
import tempfile
import time
from typing import Any, Dict, Iterator, List

from prometheus import FILES, Prometheus
from toolslib import (MIB, PATIENCE, Boot, Guest, Skip, exporter, hybrid,
                      paths)

PICTURE = paths.SOURCE / 'docs' / 'dashboard.svg'
DRAW = Path(__file__).with_name('draw_dashboard.py')
POLICIES = ('payback', 'cmq')
RATE_INTERVAL = '15s'

Panel = Dict[str, Any]


def board() -> Dict[str, Any]:
    text = (FILES / 'raminate-dashboard.json').read_text()
    found: Dict[str, Any] = json.loads(text)
    return found


def _name(form: str, labels: Dict[str, str]) -> str:
    """As Grafana fills in a legend."""
    return re.sub(r'\{\{(\w+)\}\}', lambda match: labels[match.group(1)],
                  form)


def _series(scraper: Prometheus, panel: Panel, start: float, end: float,
            interval: str) -> Iterator[Dict[str, Any]]:
    for target in panel['targets']:
        expression = (target['expr'].replace('$__rate_interval', interval)
                      .replace('$vm', '.*'))
        found = scraper.history(expression, start, end)
        for one in found:
            yield {'name': _name(target.get('legendFormat', ''),
                                 one['metric']),
                   'labels': one['metric'],
                   'points': [[when - end, float(value)]
                              for when, value in one['values']
                              if math.isfinite(float(value))]}


def collect(scraper: Prometheus, start: float, end: float,
            interval: str) -> List[Panel]:
    """What each panel shows of that time."""
    return [{'title': panel['title'], 'type': panel['type'],
             'place': panel['gridPos'],
             'unit': panel['fieldConfig']['defaults']['unit'],
             'series': list(_series(scraper, panel, start, end, interval))}
            for panel in board()['panels']]


def draw(panels: List[Panel], picture: Path) -> None:
    """By the python that configure found, which has matplotlib."""
    config = (paths.BUILD / 'config.mk').read_text(encoding='utf-8')
    match = re.search(r'^PYTHON := (.*)$', config, re.M)
    assert match is not None
    if subprocess.run([match.group(1), '-c', 'import matplotlib'],
                      check=False, stderr=subprocess.DEVNULL).returncode:
        raise Skip("python3-matplotlib is not installed")
    subprocess.run([match.group(1), DRAW, picture], input=json.dumps(panels),
                   encoding='utf-8', check=True)


@contextlib.contextmanager
def guests(directory: Path) -> Iterator[List[Guest]]:
    """One for each policy, which do the same."""
    with contextlib.ExitStack() as stack:
        started = []
        for policy in POLICIES:
            folder = directory / policy
            folder.mkdir()
            args = ['-name', f'guest={policy}',
                    *hybrid(folder, policy=policy),
                    '-qmp', f'unix:{directory}/{policy}.sock,server=on,'
                    'wait=off']
            boot = Boot(['/bin/workload', f'arena={64 * MIB // 4096}',
                         'hot=1200', 'thin=60'])
            guest = stack.enter_context(Guest(folder, boot, args))
            guest.launch()
            started.append(guest)
        for guest in started:
            guest.console.wait('workload: phase 1\n', PATIENCE)
        yield started


def show(directory: Path, seconds: float, picture: Path) -> None:
    with guests(directory) as started, \
            exporter(directory / '*.sock') as server:
        scraper = Prometheus(directory, server.address)
        try:
            start = time.time()
            time.sleep(seconds / 2)
            for guest in started:
                guest.console.send('move')      # the hot set
            time.sleep(seconds / 2)
            draw(collect(scraper, start, time.time(), RATE_INTERVAL), picture)
        finally:
            scraper.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Draws the dashboard, with figures of two guests.")
    parser.add_argument('-o', '--output', type=Path, default=PICTURE,
                        help="default: docs/dashboard.svg")
    parser.add_argument('--seconds', type=float, default=120.0,
                        help="time that is shown (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir='/dev/shm') as name:
        show(Path(name), args.seconds, args.output)


if __name__ == '__main__':
    main()
