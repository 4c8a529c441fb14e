#!/usr/bin/env python3
# Documents, QAPI and the simulator tell the defaults and ranges that QEMU has.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import subprocess
from typing import Any, Dict, List, Tuple

from toolslib import (CONTAINER, DEVMEM, check, check_in, complete, objects,
                      paths, run, run_tests, section)

DOCS = paths.SOURCE / 'docs'
# How an object says that none is set
NONE = {'none': '', 'auto': 'auto', 'on': True, 'true': True}
UINT32_MAX = (1 << 32) - 1
# What a fresh container has of its own, apart from its size
SETTINGS = ('monitor', 'policy', 'sampler', 'mover', 'scan-period',
            'swap-period', 'life-time', 'max-swaps', 'reverse-window',
            'second-look', 'max-cpu', 'fault-budget', 'record',
            'migrate-heat')
NUMBERS = SETTINGS[4:-2]
RANGE_PROPERTIES = ('phy-offset', 'pool', 'parent', 'offset', 'scrub',
                    'share')
COSTS = ('read-cost', 'write-cost', 'idle-power')
SIM_NUMBERS = ('swap-period', 'life-time', 'max-swaps', 'reverse-window')


def value_of(text: str) -> object:
    """As QEMU has it."""
    text = text.strip('`"')
    return int(text) if text.isdigit() else NONE.get(text, text)


# What the code says

def get(qmp: Any, name: str, kind: str = CONTAINER) -> object:
    return qmp.cmd('qom-get', path=f'/objects/{kind}', property=name)


def why_not(qmp: Any, name: str, value: int) -> str:
    """The error of an attempt to set it; empty if there was none."""
    answer = qmp.cmd_raw('qom-set', args={'path': f'/objects/{CONTAINER}',
                                          'property': name, 'value': value})
    text: str = answer.get('error', {}).get('desc', '')
    return text


def defaults(directory: Path) -> Dict[str, object]:
    with objects(directory) as qmp:
        return {name: get(qmp, name) for name in SETTINGS}


def ranges(directory: Path) -> Dict[str, Tuple[int, int]]:
    """Of the numbers: what the message says, and is tried to be true."""
    found = {}
    with objects(directory) as qmp:
        for name in NUMBERS:
            text = why_not(qmp, name, UINT32_MAX)
            match = re.search(r' must be (\d+) to (\d+), not', text)
            assert match, f"{name}: {text or 'takes any number'}"
            low, high = map(int, match.groups())
            for value in (low, high):
                text = why_not(qmp, name, value)
                check(not text, text)
            for value in (low - 1, high + 1):
                check(why_not(qmp, name, value), f"{name} can be {value}")
            found[name] = (low, high)
    return found


def costs(qmp: Any, directory: Path) -> Dict[str, List[int]]:
    """The defaults in four tiers, fastest first, each value once."""
    size = 64 << 10
    qmp.cmd('object-add', **{'qom-type': CONTAINER, 'id': 'four',
                             'size': 4 * size})
    for number in range(4):
        qmp.cmd('object-add', **{
            'qom-type': DEVMEM, 'id': f'tier{number}', 'parent': 'four',
            'size': size, 'offset': number * size,
            'mem-path': str(directory / 'memory'),
            'phy-offset': (1 << 20) + number * size})
    [info] = qmp.cmd('query-raminate', id='four')
    return {name: list(dict.fromkeys(tier[name] for tier in info['tiers']))
            for name in COSTS}


# What others say

def reference(kind: str) -> Dict[str, Tuple[str, str]]:
    """Default and meaning of each property in the reference."""
    text = (DOCS / 'reference.md').read_text()
    rows = re.findall(r'^\| `([\w-]+)` \| (\S[^|]*) \| ([^|]*) \|$',
                      section(text, f'\n## {kind}\n', '\n## '), re.M)
    check(len(rows) > 5, rows)
    return {name: (default, meaning) for name, default, meaning in rows}


def members(struct: str, module: Path) -> Dict[str, str]:
    """What QAPI says on each member, in one line each."""
    text = section(module.read_text(), f'# @{struct}:\n', '\n##\n')
    parts = re.split(r'^# @([\w-]+): ', text, flags=re.M)
    check(len(parts) > 2, text)
    return {name: ' '.join(part.replace('\n#', ' ').split())
            for name, part in zip(parts[1::2], parts[2::2])}


def qapi(struct: str) -> Dict[str, str]:
    return members(struct, paths.SOURCE / 'qemu' / 'src' / 'qapi' / 'qom.json')


def placer_members() -> Dict[str, str]:
    """What containers have in common with other objects."""
    return members('RaminatePlacerProperties', paths.SOURCE / 'hw' /
                   'raminate' / 'raminate-types.json')


def default_in(text: str) -> object:
    match = re.search(r'\(default: ([^)]*)\)', text)
    assert match, f"no default in: {text}"
    return value_of(match.group(1))


def check_range_in(text: str, low: int, high: int) -> None:
    """As 1 to 100, or as up to 100 where 0 stands for none."""
    if low:
        check_in(f' {low} to {high}', text)
    else:
        check(re.search(rf'up to {high}\b', text)
              and re.search(r'\b0 for no', text), text)


# Tests

def reference_has_the_defaults_of_containers(directory: Path) -> None:
    told = {name: value_of(default)
            for name, (default, _) in reference(CONTAINER).items()
            if name in SETTINGS}
    found = defaults(directory)
    check(told == found, f"told {told}, found {found}")


def reference_has_the_ranges(directory: Path) -> None:
    table = reference(CONTAINER)
    for name, (low, high) in ranges(directory).items():
        check_range_in(table[name][1], low, high)


def reference_has_the_defaults_of_ranges(directory: Path) -> None:
    table = reference(DEVMEM)
    with objects(directory) as qmp:
        for name in RANGE_PROPERTIES:
            told, found = value_of(table[name][0]), get(qmp, name, DEVMEM)
            check(told == found, f"{name}: told {told}, found {found}")


def reference_names_the_default_policy(directory: Path) -> None:
    text = (DOCS / 'reference.md').read_text()
    named = re.findall(r'^\| `(\w+)` \|.* The default, ', text, re.M)
    check(named == [defaults(directory)['policy']], named)


def qapi_has_the_defaults_of_containers(directory: Path) -> None:
    texts = placer_members()
    told = {name: default_in(texts[name]) for name in SETTINGS}
    found = defaults(directory)
    check(told == found, f"told {told}, found {found}")


def qapi_has_the_ranges(directory: Path) -> None:
    texts = placer_members()
    for name, (low, high) in ranges(directory).items():
        check_range_in(texts[name], low, high)


def qapi_has_the_defaults_of_ranges(directory: Path) -> None:
    texts = qapi('MemoryBackendDevmemProperties')
    with objects(directory) as qmp:
        for name in ('phy-offset', 'pool', 'offset', 'scrub'):
            told, found = default_in(texts[name]), get(qmp, name, DEVMEM)
            check(told == found, f"{name}: told {told}, found {found}")
    told, found = default_in(texts['mem-path']), reference(DEVMEM)['mem-path']
    check(told == value_of(found[0]), f"{told}, {found}")


def numbers_in(text: str) -> List[int]:
    return [int(number) for number in re.findall(r'\d+', text)]


def costs_have_the_defaults_that_are_told(directory: Path) -> None:
    """In the reference, in QAPI, and in the help of QEMU."""
    table = reference(DEVMEM)
    texts = qapi('MemoryBackendDevmemProperties')
    with objects(directory) as qmp:
        found = costs(qmp, directory)
        helps = {entry['name']: entry.get('description', '') for entry in
                 qmp.cmd('qom-list-properties', typename=DEVMEM)}
    for name, values in found.items():
        check(numbers_in(table[name][0]) == values, (table[name], values))
        told = str(default_in(texts[name]))
        check(numbers_in(told) == values, (name, told, values))
        told = str(default_in(helps[name]))
        # Of more than two tiers it need not speak.
        check(numbers_in(told) == values[:2], (name, told, values))


def help_of(kind: str) -> Dict[str, str]:
    """What -object KIND,help says on each property."""
    text = subprocess.run([paths.require_qemu(), '-object', f'{kind},help'],
                          check=True, stdout=subprocess.PIPE,
                          encoding='utf-8').stdout
    return dict(re.findall(r'^  ([\w-]+)=<.*?> +- (.*)$', text, re.M))


def help_has_defaults_and_values(directory: Path) -> None:
    found, limits = defaults(directory), ranges(directory)
    for kind in (CONTAINER, 'memory-placement'):
        told = help_of(kind)
        check({name: default_in(told[name]) for name in SETTINGS} == found,
              (kind, told, found))
        for name, (low, high) in limits.items():
            check_range_in(told[name], low, high)
        with objects(directory) as qmp:
            for name in ('policy', 'sampler', 'mover'):
                answer = qmp.cmd_raw('qom-set', args={
                    'path': f'/objects/{CONTAINER}', 'property': name,
                    'value': 'x'})['error']['desc']
                match = re.search(r'must be one of (.*), not', answer)
                assert match, answer
                check_in(f': {match.group(1)} (default: ', told[name])
    for kind, names in ((DEVMEM, ('phy-offset', 'offset', 'tier', 'scrub',
                                  'mem-path')),
                        ('memory-backend-node', ('offset', 'tier'))):
        for name in names:
            check(default_in(help_of(kind)[name]) != '', (kind, name))
    for name in ('read-cost', 'write-cost'):
        check_in("the node's latency", help_of('memory-backend-node')[name])


def help_leaves_out_what_is_refused(directory: Path) -> None:
    told = help_of(CONTAINER)
    hidden = set(help_of('memory-backend-ram')) - set(told)
    check({'prealloc', 'host-nodes'} < hidden, hidden)
    with objects(directory) as qmp:
        for name, value in (('prealloc', True), ('host-nodes', [0])):
            answer = qmp.cmd_raw('qom-set', args={
                'path': f'/objects/{CONTAINER}', 'property': name,
                'value': value})
            check_in('has no memory of its own', answer['error']['desc'])


def buckets_of_maps_are_told_alike(directory: Path) -> None:
    text = members('query-raminate-map',
                   paths.SOURCE / 'hw' / 'raminate' / 'raminate.json'
                   )['buckets']
    match = re.search(r'(\d+) to (\d+)', text)
    assert match, text
    low, high, default = *match.groups(), default_in(text)
    check_in(f'({low} to {high}, default {default})',
             ' '.join((DOCS / 'reference.md').read_text().split()))
    with objects(directory) as qmp:
        complete(qmp, directory)
        answer = qmp.cmd_raw('query-raminate-map', args={'id': CONTAINER,
                                                         'buckets': 0})
        check_in(f'{low} to {high}', answer.get('error', {}).get('desc', ''))
        answer = qmp.cmd('query-raminate-map', id=CONTAINER)
        check(len(answer['buckets']) == default, len(answer['buckets']))


def the_simulator_has_the_same_defaults(directory: Path) -> None:
    usage = run('raminate-sim', '--help').stdout
    found = defaults(directory)
    for name in SIM_NUMBERS:
        match = re.search(rf'^  --{name}=.*', usage, re.M)
        assert match, usage
        check(default_in(match.group(0)) == found[name],
              f"{match.group(0)}, but QEMU has {found[name]}")


def the_simulator_has_the_same_ranges(directory: Path) -> None:
    for name, (low, high) in ranges(directory).items():
        if name in SIM_NUMBERS:
            for value in (low - 1, high + 1):
                result = run('raminate-sim', f'--{name}={value}', 'x.rec')
                check_in(f'--{name} must be {low} to {high}, not {value}',
                         result.stderr)


def manual_pages_have_the_defaults(directory: Path) -> None:
    found = defaults(directory)
    page = (DOCS / 'man' / 'raminate-sim.1').read_text().replace('\\', '')
    for name in SIM_NUMBERS:
        text = section(page, f'.B --{name} ', '\n.TP')
        check_in(f', {found[name]} by default.', ' '.join(text.split()))
    page = (DOCS / 'man' / 'raminate-synth.1').read_text()
    check_in(f"second look in milliseconds, {found['second-look']} by default",
             ' '.join(page.split()))


def other_documents_have_the_defaults(directory: Path) -> None:
    found = defaults(directory)
    seconds = {name: int(str(found[name])) // 1000
               for name in ('scan-period', 'swap-period', 'life-time')}
    check(seconds['scan-period'] == 1, "the text says: each second")
    tuning = ' '.join((DOCS / 'tuning.md').read_text().split())
    check_in("The defaults are a scan each second, at most "
             f"{found['max-swaps']} pairs of pages exchanged every "
             f"{seconds['swap-period']} seconds, and the policy "
             f"`{found['policy']}`", tuning)
    simulator = ' '.join((DOCS / 'simulator.md').read_text().split())
    check_in(f"{found['second-look']} ms after each scan (`second-look`)",
             simulator)
    evaluation = (DOCS / 'evaluation.md').read_text()
    for name, value in seconds.items():
        row = re.search(rf"^\| {name.replace('-', ' ')} \| .* \| {value} s of "
                        'the guest', evaluation, re.M)
        check(row, f"{name} in evaluation.md is not {value} s")


run_tests(reference_has_the_defaults_of_containers, reference_has_the_ranges,
          reference_has_the_defaults_of_ranges,
          reference_names_the_default_policy,
          qapi_has_the_defaults_of_containers, qapi_has_the_ranges,
          qapi_has_the_defaults_of_ranges,
          costs_have_the_defaults_that_are_told,
          help_has_defaults_and_values, help_leaves_out_what_is_refused,
          buckets_of_maps_are_told_alike,
          the_simulator_has_the_same_defaults,
          the_simulator_has_the_same_ranges, manual_pages_have_the_defaults,
          other_documents_have_the_defaults)
