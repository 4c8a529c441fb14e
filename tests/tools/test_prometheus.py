#!/usr/bin/env python3
# Prometheus scrapes a real guest, and has use for the rules and the dashboard.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
from pathlib import Path
import re
import subprocess
import time
from typing import Any, Dict, Set

from fakeqmp import Servers, Vm
import dashboard
import debian
from prometheus import FILES, Prometheus
from toolslib import (MIB, PATIENCE, Boot, Guest, check, check_in, exporter,
                      hybrid, run_tests, wait_until)

SUFFIXES = ('_sum', '_count')


def promtool(*args: object) -> str:
    result = subprocess.run([debian.promtool(), *map(str, args)],
                            check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding='utf-8')
    check(result.returncode == 0, result.stdout)
    return result.stdout


def exported(directory: Path) -> Set[str]:
    """Names of all metrics."""
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        with exporter(directory / '*.sock') as server:
            text = server.scrape()
    return set(re.findall(r'^(?:# TYPE )?(raminate_\w+)', text, re.M))


def check_names(text: str, directory: Path) -> None:
    used = set(re.findall(r'\braminate_[a-z_]+', text))
    check(used, "no metric is used")
    check(used <= exported(directory),
          f"not exported: {used - exported(directory)}")


def rules_are_right(directory: Path) -> None:
    check_in('SUCCESS', promtool('check', 'rules',
                                 FILES / 'raminate-alerts.yml'))
    promtool('check', 'config', FILES / 'prometheus.yml')
    check_names((FILES / 'raminate-alerts.yml').read_text(), directory)


def alerts_fire_when_they_should(directory: Path) -> None:
    """Each has a case in which it fires; an idle guest makes none fire."""
    one = 'socket="s",vm="v",container="c"'
    cases = {
        'RaminateVmDoesNotAnswer': {'raminate_vm_up{socket="s"}': '0x40'},
        'RaminateLibvirtDoesNotAnswer':
            {'raminate_libvirt_up{uri="u"}': '0x40'},
        'RaminateSocketsLeftOut':
            {'raminate_exporter_left_out_sockets': '3x40'},
        'RaminateNoScans':
            {f'raminate_scans_total{{{one}}}': '5x40',
             f'raminate_container_state{{{one},state="running"}}': '1x40'},
        'RaminateHeldForLong':
            {f'raminate_container_state{{{one},state="held"}}': '1x40'},
        'RaminateSlowWrites':
            {f'raminate_slow_written_pages_total{{{one}}}': '0+90x40',
             f'raminate_written_pages_total{{{one}}}': '0+100x40'},
        'RaminateSwapsFail':
            {f'raminate_failed_swaps_total{{{one}}}': '0+1x40'},
        'RaminateTooManyMappings':
            {f'raminate_held_swaps_total{{{one}}}': '0+1x40'},
        'RaminatePagesMoveBack':
            {f'raminate_reversed_swaps_total{{{one}}}': '0+40x40',
             f'raminate_swaps_total{{{one}}}': '0+50x40'},
        'RaminateLongPauses':
            {f'raminate_pause_duration_seconds_sum{{{one}}}': '0+1x40',
             f'raminate_pause_duration_seconds_count{{{one}}}': '0+5x40'},
        'RaminateMainLoopHeld':
            {f'raminate_main_loop_duration_seconds_sum{{{one}}}': '0+1x40',
             f'raminate_main_loop_duration_seconds_count{{{one}}}': '0+5x40'},
        'RaminateBatchesGivenUp':
            {f'raminate_given_up_batches_total{{{one}}}': '0+2x40',
             f'raminate_batches_total{{{one}}}': '0+1x40'},
    }
    quiet = {
        'raminate_vm_up{socket="s"}': '1x40',
        'raminate_libvirt_up{uri="u"}': '1x40',
        f'raminate_scans_total{{{one}}}': '0+60x40',
        f'raminate_container_state{{{one},state="running"}}': '1x40',
        f'raminate_container_state{{{one},state="held"}}': '0x40',
        f'raminate_slow_written_pages_total{{{one}}}': '7x40',
        f'raminate_written_pages_total{{{one}}}': '100x40',
        f'raminate_failed_swaps_total{{{one}}}': '3x40',
    }
    rules = (FILES / 'raminate-alerts.yml').read_text()
    check(set(re.findall(r'alert: (\w+)', rules)) == set(cases),
          "not every alert has a case")
    tests = [rule_test(alert, series, 1) for alert, series in cases.items()]
    tests += [rule_test(alert, quiet, 0) for alert in cases]
    file = directory / 'tests.yml'
    file.write_text(json.dumps({
        'rule_files': [str(FILES / 'raminate-alerts.yml')],
        'evaluation_interval': '1m', 'tests': tests}))
    promtool('test', 'rules', file)


def rule_test(alert: str, series: Dict[str, str],
              firing: int) -> Dict[str, Any]:
    return {
        'interval': '1m',
        'input_series': [{'series': name, 'values': values}
                         for name, values in series.items()],
        'promql_expr_test': [{
            'expr': f'count(ALERTS{{alertname="{alert}",'
                    'alertstate="firing"}) or vector(0)',
            'eval_time': '35m',
            'exp_samples': [{'labels': '{}', 'value': firing}]}]}


def dashboard_uses_what_there_is(directory: Path) -> None:
    board = dashboard.board()
    expressions = [target['expr'] for panel in board['panels']
                   for target in panel['targets']]
    check(len(expressions) >= len(board['panels']) > 10, "panels without")
    check_names('\n'.join(expressions), directory)
    rules = directory / 'rules.yml'
    rules.write_text(json.dumps({'groups': [{
        'name': 'all', 'rules': [
            {'record': f'a:{number}', 'expr':
             text.replace('$__rate_interval', '5m')}
            for number, text in enumerate(expressions)]}]}))
    promtool('check', 'rules', rules)


def a_real_guest_is_scraped(directory: Path) -> None:
    socket = directory / 'vm1.sock'
    args = ['-name', 'guest=real', *hybrid(directory, scan_period=200,
                                           swap_period=500),
            '-qmp', f'unix:{socket},server=on,wait=off']
    boot = Boot(['/bin/workload', f'arena={64 * MIB // 4096}', 'hot=500',
                 'thin=20'])
    with Guest(directory, boot, args) as guest:
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        with exporter(directory / '*.sock') as server:
            scraper = Prometheus(directory, server.address)
            try:
                follow(scraper, guest)
            finally:
                scraper.close()


def dashboard_can_be_drawn(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        with exporter(directory / '*.sock') as server:
            scraper = Prometheus(directory, server.address)
            try:
                wait_until(lambda: scraper.query(
                    'count_over_time(raminate_scans_total[5s]) > 2'),
                    "scrapes")
                end = time.time()
                panels = dashboard.collect(scraper, end - 5, end, '5s')
            finally:
                scraper.close()
    empty = {panel['title'] for panel in panels if not panel['series']}
    check(len(empty) < len(panels) / 2, f"there is nothing in {empty}")
    dashboard.draw(panels, directory / 'board.svg')
    check_titles(directory / 'board.svg')


def check_titles(picture: Path) -> None:
    titles = [panel['title'] for panel in dashboard.board()['panels']]
    check(len(titles) > 10, titles)
    for title in titles:
        check_in(f'<!-- {title} -->', picture.read_text())


def picture_is_of_this_dashboard(_: Path) -> None:
    check_titles(dashboard.PICTURE)


def follow(scraper: Prometheus, guest: Guest) -> None:
    wait_until(lambda: scraper.query(
        'rate(raminate_scans_total{vm="real"}[20s]) > 0 and '
        'raminate_swaps_total > 0'), "scans in Prometheus", guest)
    least = guest.raminate()['swaps']
    wait_until(lambda: scraper.query(f'raminate_swaps_total >= {least}'),
               "swaps in Prometheus", guest)
    tiers = {sample['metric']['tier']: float(sample['value'][1])
             for sample in scraper.query('raminate_tier_pages')}
    check(tiers == {tier['id']: tier['pages']
                    for tier in guest.raminate()['tiers']}, tiers)
    share = scraper.query('rate(raminate_slow_written_pages_total[20s]) / '
                          'rate(raminate_written_pages_total[20s])')
    check(0 <= float(share[0]['value'][1]) <= 1, share)


run_tests(rules_are_right, alerts_fire_when_they_should,
          dashboard_uses_what_there_is, dashboard_can_be_drawn,
          picture_is_of_this_dashboard, a_real_guest_is_scraped)
