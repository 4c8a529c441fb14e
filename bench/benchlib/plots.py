# Pictures of the results.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import Any, Dict, List, Sequence

import matplotlib
matplotlib.use('svg')
# pylint: disable=wrong-import-position
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import LogLocator, NullFormatter  # noqa: E402

from . import replay  # noqa: E402
from .replay import Result  # noqa: E402

# The same results make the same file.
matplotlib.rcParams.update({'svg.hashsalt': 'raminate', 'font.size': 8,
                            'axes.spines.top': False,
                            'axes.spines.right': False})
METADATA = {'Date': None}
ENERGY_COSTS = (10, 100, 1000)
LEGEND_INCHES = 0.25
MB = 1e6
# The same in all pictures, and none of those that stand for fast memory
# (blue) and slow memory (orange) in others
COLOURS = {
    'null': '#7f7f7f', replay.PAPER_CMQ: '#8c564b', 'cmq': '#c49c94',
    'lru': '#d62728', 'hemem': '#9467bd', 'memtis': '#e377c2',
    'age': '#bcbd22', 'payback': '#2ca02c', 'oracle': '#17becf',
    'oracle-scans': '#9edae5',
}
# For policies that are not in this list yet
OTHERS = 'Dark2'


def _colour(policy: str, number: int) -> Any:
    return COLOURS.get(policy) or matplotlib.colormaps[OTHERS](number)


def _add_legend(figure: Any, axes: Any) -> int:
    """That of one part, above all; returns how many lines it takes."""
    handles, labels = axes.get_legend_handles_labels()
    for lines in range(1, len(labels) + 1):
        legend = figure.legend(handles, labels, ncols=-(-len(labels) // lines),
                               frameon=False, loc='upper center')
        figure.draw_without_rendering()
        if legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    return lines


def _save(figure: Any, axes: Any, path: Path) -> None:
    """Writes the picture, with a legend above all parts."""
    lines = _add_legend(figure, axes)
    height = figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, 0, 1, 1 - lines * LEGEND_INCHES / height))
    figure.savefig(path, metadata=METADATA if path.suffix == '.svg' else {})
    pyplot.close(figure)


def _bars(axes: Any, workloads: Sequence[str],
          heights: Dict[str, List[float]]) -> None:
    """A group of bars for each workload, one bar a policy."""
    width = 0.84 / len(heights)
    for number, (policy, values) in enumerate(heights.items()):
        places = [at + (number - (len(heights) - 1) / 2) * width
                  for at in range(len(workloads))]
        axes.bar(places, values, width, label=policy,
                 color=_colour(policy, number))
    axes.set_xticks(range(len(workloads)), workloads)


def shares(results: List[Result], policies: Sequence[str],
           path: Path) -> None:
    """What slow memory takes, for each workload and policy."""
    figure, all_axes = pyplot.subplots(len(replay.SHARES), 1,
                                       figsize=(9, 6), squeeze=False)
    for axes, share in zip(all_axes[:, 0], replay.SHARES):
        chosen = [result for result in results if result.share == share]
        _bars(axes, [result.workload for result in chosen],
              {policy: [result.row(policy)['slow_total_percent']
                        for result in chosen] for policy in policies})
        for at, result in enumerate(chosen):
            if result.bound_percent is not None:
                axes.hlines(result.bound_percent, at - 0.45, at + 0.45,
                            colors='black', linewidth=1,
                            label=None if at else 'bound')
        axes.set_ylabel('% of written bytes')
        axes.set_title(f'{share} % DRAM: written to slow memory, '
                       'swaps included')
    _save(figure, all_axes[0, 0], path)


def nested(found: Dict[str, Dict[str, float]],
           expected: Dict[str, Dict[str, float]], path: Path) -> None:
    """What slow memory takes by workload and policy: counted, simulated."""
    panels = [(shares, title) for shares, title in (
        (found, 'counted in the emulated host'), (expected, 'simulated'))
              if all(shares.values())]
    figure, all_axes = pyplot.subplots(1, len(panels), figsize=(9, 3),
                                       sharey=True, squeeze=False)
    for axes, (shares, title) in zip(all_axes[0], panels):
        policies = next(iter(shares.values()))
        _bars(axes, list(shares),
              {policy: [shares[workload][policy] for workload in shares]
               for policy in policies})
        axes.set_title(title)
    all_axes[0, 0].set_ylabel('% of written bytes')
    _save(figure, all_axes[0, 0], path)


def over_time(results: List[Result], policies: Sequence[str], share: int,
              path: Path) -> None:
    """Writes to slow memory over time, as figure 6 of the paper has it."""
    chosen = [result for result in results if result.share == share]
    figure, all_axes = pyplot.subplots((len(chosen) + 1) // 2, 2,
                                       figsize=(9, 1.7 * len(chosen) / 2 + 1),
                                       squeeze=False)
    for axes, result in zip(all_axes.flat, chosen):
        steps = result.row(policies[0])['steps']
        seconds = [(ms - steps['time_ms'][0]) / 1000
                   for ms in steps['time_ms']]
        axes.fill_between(seconds,
                          [value / MB for value in steps['written_bytes']],
                          color='lightgrey', label='all writes')
        for number, policy in enumerate(policies):
            steps = result.row(policy)['steps']
            axes.plot(seconds, [(slow + swap) / MB for slow, swap in
                                zip(steps['slow_bytes'],
                                    steps['swap_bytes'])],
                      linewidth=0.8, label=policy,
                      color=_colour(policy, number))
        axes.set_title(result.workload)
        axes.set_ylabel('MB a scan')
        axes.set_ylim(bottom=0)
    for axes in all_axes[-1]:
        axes.set_xlabel('seconds of the guest')
    for axes in all_axes.flat[len(chosen):]:
        axes.set_visible(False)
    _save(figure, all_axes[0, 0], path)


def energy(results: List[Result], policies: Sequence[str],
           path: Path) -> None:
    """Energy in relation to that of DRAM alone."""
    figure, all_axes = pyplot.subplots(len(replay.SHARES), len(ENERGY_COSTS),
                                       figsize=(12, 5), squeeze=False)
    for line, share in zip(all_axes, replay.SHARES):
        chosen = [result for result in results if result.share == share]
        for axes, cost in zip(line, ENERGY_COSTS):
            _bars(axes, [result.workload for result in chosen],
                  {policy: [result.row(policy)[f'energy_{cost}']
                            for result in chosen] for policy in policies})
            axes.axhline(1, color='black', linewidth=0.8)
            axes.set_yscale('log')
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter('{x:g}')
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(axis='x', labelrotation=60)
            axes.set_title(f'{share} % DRAM, a slow write costs {cost} times '
                           'as much')
        line[0].set_ylabel('energy, DRAM alone = 1')
    _save(figure, all_axes[0, 0], path)
