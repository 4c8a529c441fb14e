#!/usr/bin/env python3
# Draws panels that it reads as JSON, for dashboard.py.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import json
import sys
from typing import Any, Dict, List

import matplotlib
matplotlib.use('svg')
# pylint: disable=wrong-import-position
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

COLUMNS = 24            # of Grafana's grid
LINE_INCHES = 0.3       # height of one of its lines
WIDTH_INCHES = 12
GAP = 0.25              # between panels, in columns and lines
# Of VMs; two of them are those that bench/benchlib/plots.py has for policies.
COLOURS = ('#c49c94', '#2ca02c', '#9467bd', '#17becf')
# As in maps: the fastest tier is blue, others are orange.
TIERS = {'0': '#1f9bf0', '1': '#ff8c00'}
STYLES = ('-', '--', ':')

matplotlib.rcParams.update({'svg.hashsalt': 'raminate', 'font.size': 7})
Panel = Dict[str, Any]


def with_unit(value: float, unit: str) -> str:
    if unit == 'percentunit':
        return f'{100 * value:g} %'
    if unit == 's':
        return (f'{value:g} s' if not value or value >= 1
                else f'{1e3 * value:g} ms' if value >= 1e-3
                else f'{1e6 * value:g} µs')
    if unit == 'bytes':
        for name in ('B', 'KiB', 'MiB', 'GiB'):
            if value < 1024:
                break
            value /= 1024
        return f'{value:.3g} {name}'
    return f'{value:g}'


def draw_number(axes: Any, panel: Panel) -> None:
    axes.set_axis_off()
    values = [one['points'][-1][1] for one in panel['series']
              if one['points']]
    text = ', '.join(with_unit(value, panel['unit']) for value in values)
    axes.text(0.5, 0.45, text or 'no data', transform=axes.transAxes,
              ha='center', va='center', fontsize=16)


def draw_table(axes: Any, panel: Panel) -> None:
    axes.set_axis_off()
    names = ['vm', 'container', 'policy', 'sampler', 'mover']
    rows = [[one['labels'].get(name, '') for name in names]
            for one in panel['series']]
    if rows:
        table = axes.table(rows, colLabels=names, loc='upper center',
                           cellLoc='left')
        table.auto_set_font_size(False)
        table.set_fontsize(7)
        table.scale(1, 1.4)


def draw_lines(axes: Any, panel: Panel) -> None:
    vms = sorted({one['labels'].get('vm', '') for one in panel['series']})
    drawn: Dict[str, int] = {}
    for one in panel['series']:
        labels = one['labels']
        number = vms.index(labels.get('vm', ''))
        colour = COLOURS[number % len(COLOURS)]
        style = STYLES[drawn.get(colour, 0) % len(STYLES)]
        if 'rank' in labels:
            colour = TIERS.get(labels['rank'], 'grey')
            style = STYLES[number % len(STYLES)]
        else:
            drawn[colour] = drawn.get(colour, 0) + 1
        axes.plot([point[0] for point in one['points']],
                  [point[1] for point in one['points']], style, color=colour,
                  linewidth=1, label=one['name'])
    highest = max((value for one in panel['series']
                   for _, value in one['points']), default=0)
    axes.set_ylim(0, 1.05 * highest or 1)
    axes.margins(x=0)
    axes.grid(color='#ddd', linewidth=0.5)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(
        lambda value, _: with_unit(value, panel['unit'])))
    axes.xaxis.set_major_formatter(FuncFormatter(
        lambda value, _: f'{value:g} s'))
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    if panel['series']:
        axes.legend(loc='upper center', bbox_to_anchor=(0.5, -0.09),
                    ncols=min(4, len(panel['series'])), frameon=False,
                    fontsize=6)


DRAW = {'stat': draw_number, 'table': draw_table, 'timeseries': draw_lines}


def draw_all(panels: List[Panel], path: str) -> None:
    lines = max(panel['place']['y'] + panel['place']['h'] for panel in panels)
    figure = pyplot.figure(figsize=(WIDTH_INCHES, lines * LINE_INCHES))
    for panel in panels:
        place = panel['place']
        left = (place['x'] + GAP / 2) / COLUMNS
        bottom = 1 - (place['y'] + place['h'] - GAP / 2) / lines
        width = (place['w'] - GAP) / COLUMNS
        height = (place['h'] - GAP) / lines
        figure.add_artist(pyplot.Rectangle((left, bottom), width, height,
                                           fill=False, edgecolor='#ccc'))
        figure.text(left + 0.2 / COLUMNS, bottom + height - 0.2 / lines,
                    panel['title'], va='top', fontsize=8, weight='bold')
        of_lines = panel['type'] == 'timeseries'
        axes = figure.add_axes((
            left + (1.1 if of_lines else 0.2) / COLUMNS,
            bottom + (1.6 if of_lines else 0.2) / lines,
            width - (1.5 if of_lines else 0.4) / COLUMNS,
            height - (2.8 if of_lines else 1.5) / lines))
        DRAW[panel['type']](axes, panel)
    figure.savefig(path, metadata={'Date': None})


draw_all(json.load(sys.stdin), sys.argv[1])
