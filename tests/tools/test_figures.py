#!/usr/bin/env python3
# Each cumulative figure is everywhere: the one who adds it to the table in
# engine/figures.c, and forgets a face of it, is told here.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
from typing import Any, Dict, List, Tuple

from fakeqmp import TIMES, Servers, Vm, container, tier
from toolslib import (CONTAINER, check, check_in, complete, exporter, objects,
                      paths, run_tests, section)

DOCS = paths.SOURCE / 'docs'
SOURCE = paths.SOURCE / 'hw' / 'raminate'
GIB = 1 << 30
# Those that a face has in other terms
IN_QUERY = {'pages-written-slow': 'slow-share'}
IN_HMP = {'scans': 'info->scan_time',
          'pages-written': 'tier->total_written',
          'pages-written-slow': 'info->slow_share'}
WRITTEN = 'pages-written'
WRITTEN_SLOW = 'pages-written-slow'


def figures(directory: Path) -> Dict[str, bool]:
    """Names, and whether it is a time, as query-stats has them."""
    with objects(directory) as qmp:
        [schema] = [schema for schema in qmp.cmd('query-stats-schemas')
                    if schema['provider'] == 'raminate']
    found = {value['name']: value.get('unit') == 'seconds'
             for value in schema['stats']}
    check(len(found) > 15, found)
    return found


def query_stats_has_what_its_schema_has(directory: Path) -> None:
    names = list(figures(directory))
    with objects(directory) as qmp:
        complete(qmp, directory)
        [entry] = qmp.cmd('query-stats', target='vm',
                          providers=[{'provider': 'raminate'}])
    check([stat['name'] for stat in entry['stats']] == names, entry)


def queries_have_all_figures(directory: Path) -> None:
    with objects(directory) as qmp:
        complete(qmp, directory)
        [info] = qmp.cmd('query-raminate', id=CONTAINER)
    for name, is_time in figures(directory).items():
        name = IN_QUERY.get(name, name)
        text = (SOURCE / 'raminate.json').read_text()
        check(re.search(rf"^# @{name}: ", text, re.M), f"{name} in QAPI")
        if name != 'slow-share':    # not before a scan
            check(name in info, f"query-raminate has no {name}: {info}")
            check(isinstance(info[name], dict) == is_time, info)


def hmp_shows_all_figures(directory: Path) -> None:
    code = (SOURCE / 'hmp.c').read_text()
    for name in figures(directory):
        member = IN_HMP.get(name, f"info->{name.replace('-', '_')}")
        check(re.search(rf'{member}\b', code), f"hmp.c has no {member}")


def fake(names: Dict[str, bool]) -> Tuple[Dict[str, Any], Dict[str, float]]:
    """A container whose figures all differ, and what is told of each."""
    values = {name: 7000001 + 1009 * i for i, name in enumerate(names)}
    values[WRITTEN] = 9 * values[WRITTEN_SLOW]
    tiers = [tier('fast', 0, GIB, 0), tier('slow', 1, GIB, 0)]
    tiers[1]['total-written'] = values[WRITTEN_SLOW]
    tiers[0]['total-written'] = values[WRITTEN] - values[WRITTEN_SLOW]
    more: Dict[str, Any] = {
        name: {**TIMES, 'total': value * 10 ** 9} if names[name] else value
        for name, value in values.items() if name != WRITTEN_SLOW}
    return container(tiers=tiers, **more), {name: float(value)
                                            for name, value in values.items()}


def metrics_in(text: str) -> List[Tuple[str, float]]:
    return [(name, float(value)) for name, value in re.findall(
        r'^(raminate_[a-z_]+)(?:{.*})? (\S+)$', text, re.M)]


def the_exporter_serves_all_figures(directory: Path) -> None:
    entry, values = fake(figures(directory))
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm(None, [entry]))
        with exporter(directory / 'vm.sock') as server:
            text = server.scrape()
    told = (DOCS / 'metrics.md').read_text()
    for figure, value in values.items():
        names = [name.removesuffix('_sum') for name, number in metrics_in(text)
                 if number == value]
        names = [name for name in names if not name.startswith('raminate_tier')]
        check(len(names) == 1, f"{figure} is {value} in {names}:\n{text}")
        check_in(f'| `{names[0]}` |', told)


def the_reference_has_all_figures(directory: Path) -> None:
    names = list(figures(directory))
    text = (DOCS / 'reference.md').read_text()
    told = re.findall(r'`([a-z-]+)`', section(text, '\n### query-stats\n',
                                              '<!--'))
    check(told == ['raminate', 'vm', *names], told)
    text = section(text, '\n### query-raminate\n', '\n### ')
    for name in names:
        check_in(f'`{IN_QUERY.get(name, name)}`', text)


run_tests(query_stats_has_what_its_schema_has, queries_have_all_figures,
          hmp_shows_all_figures, the_exporter_serves_all_figures,
          the_reference_has_all_figures)
