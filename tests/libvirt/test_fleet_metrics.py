#!/usr/bin/env python3
# Prometheus has use for the rules and the federation that the guide shows.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess
import sys

from document import FLEET, blocks
from libvirtlib import check, paths, run_tests

sys.path.insert(0, str(paths.SOURCE / 'tests' / 'tools'))

import debian  # noqa: E402  pylint: disable=wrong-import-position

HEADING = 'Metrics of all hosts'


def promtool(*args: object) -> None:
    result = subprocess.run([debian.promtool(), *map(str, args)],
                            stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, encoding='utf-8',
                            check=False)
    check(result.returncode == 0, result.stdout)


def rules_make_of_two_hosts_what_is_fetched(directory: Path) -> None:
    rules, config = blocks(HEADING, FLEET)
    (directory / 'rules.yml').write_text(rules)
    (directory / 'prometheus.yml').write_text(config)
    promtool('check', 'config', directory / 'prometheus.yml')
    wanted = re.search(r'__name__=~"([^"]*)"', config)
    names = re.findall(r'record: (\S+)', rules)
    check(wanted and names and all(re.fullmatch(wanted.group(1), name)
                                   for name in names), names)
    series = {f'raminate_{name}_total{{instance="{host}",vm="{vm}"}}':
              f'0+{step}x10'
              for name, step in (('slow_written_pages', 30),
                                 ('written_pages', 120), ('swaps', 60))
              for host, vm in (('one', 'a'), ('one', 'b'), ('two', 'c'))}
    expected = {'instance:raminate_slow_write_share:ratio': (0.25, 0.25),
                'instance:raminate_swaps:rate5m': (2, 1)}
    test = {'interval': '1m',
            'input_series': [{'series': name, 'values': values}
                             for name, values in series.items()],
            'promql_expr_test': [
                {'expr': name, 'eval_time': '10m', 'exp_samples': [
                    {'labels': f'{name}{{instance="{host}"}}', 'value': value}
                    for host, value in zip(('one', 'two'), values)]}
                for name, values in expected.items()]}
    (directory / 'tests.yml').write_text(json.dumps({
        'rule_files': ['rules.yml'], 'evaluation_interval': '1m',
        'tests': [test]}))
    promtool('test', 'rules', directory / 'tests.yml')


run_tests(rules_make_of_two_hosts_what_is_fetched)
