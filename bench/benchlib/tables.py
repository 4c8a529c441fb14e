# Tables of the results, in Markdown and CSV.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import csv
from pathlib import Path
from statistics import mean
from typing import Any, Callable, Iterable, List, Optional, Sequence

from .replay import Result, Row

Value = Callable[[Result], Optional[float]]
Cell = Optional[float]


def text(value: Cell, digits: int = 1) -> str:
    """A number as it stands in a table."""
    return '–' if value is None else f'{value:,.{digits}f}'


def markdown(titles: Sequence[str], lines: Iterable[Sequence[str]],
             nr_text: int = 1) -> str:
    """A table; all columns but the first NR_TEXT are numbers."""
    rule = ['---'] * nr_text + ['--:'] * (len(titles) - nr_text)
    return '\n'.join('| ' + ' | '.join(line) + ' |'
                     for line in [titles, rule, *lines]) + '\n'


def average(values: Iterable[Cell]) -> Cell:
    """Mean, if there are all values."""
    values = list(values)
    known = [value for value in values if value is not None]
    return mean(known) if known and len(known) == len(values) else None


def by_workload(results: List[Result], policies: Sequence[str],
                value: Callable[[Row], Cell], digits: int = 1,
                bound: bool = False, titles: Optional[Sequence[str]] = None
                ) -> str:
    """A line for each workload, a column for each policy, with its name or
    another title."""
    lines = []
    columns: List[Value] = [
        lambda result, policy=policy: value(result.row(policy))
        for policy in policies]
    if bound:
        columns.append(lambda result: result.bound_percent)
    for result in results:
        lines.append([result.workload] + [text(column(result), digits)
                                          for column in columns])
    lines.append(['**mean**'] + [
        text(average(column(result) for result in results), digits)
        for column in columns])
    return markdown(['', *(titles or policies),
                     *(['bound'] if bound else [])], lines)


def by_policy(results: List[Result], policies: Sequence[str],
              columns: Sequence['tuple[str, int, Callable[[Row], Cell]]'],
              number: int) -> str:
    """A line for each policy: means over all workloads in one pass."""
    lines = []
    for policy in policies:
        rows = [result.row(policy, number) for result in results]
        lines.append([policy] + [
            text(average(value(row) for row in rows), digits)
            for _, digits, value in columns])
    return markdown(['policy', *(title for title, _, _ in columns)], lines)


def write_csv(results: List[Result], path: Path) -> None:
    """All numbers of all results."""
    keys = [key for key in results[0].rows[0] if key != 'steps']
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['workload', 'dram_percent', 'scans', 'has_traffic',
                         'bound_percent', *keys])
        for result in results:
            for row in result.rows:
                cells: List[Any] = [result.workload, result.share,
                                    result.scans, int(result.has_traffic),
                                    result.bound_percent]
                writer.writerow(cells + [row[key] for key in keys])
