# The default policy next to others, over several workloads.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import operator
from statistics import geometric_mean
from typing import Callable, List

from . import tables, workloads
from .replay import Result, Row

DEFAULT = 'payback'

Figure = Callable[[Row], float]


def chosen(results: List[Result], share: int, judging: bool) -> List[Result]:
    """Those with that share of DRAM, all or those that policies were not
    chosen by."""
    return [result for result in results if result.share == share
            and (not judging or workloads.find(result.workload).judging)]


def kind(judging: bool) -> str:
    """What a table calls them."""
    return 'judging' if judging else 'all'


def figures(results: List[Result], policy: str, figure: Figure
            ) -> List[float]:
    """Of the first pass."""
    return [figure(result.row(policy)) for result in results]


def of_means(results: List[Result], policy: str, others: str,
             figure: Figure) -> str:
    """The ratio of the means of two policies."""
    ours, theirs = (sum(figures(results, name, figure))
                    for name in (policy, others))
    return tables.text(ours / theirs, 2)


def ratios(results: List[Result], others: str, figure: Figure) -> List[str]:
    """Against another policy: ratio of the means, and mean of the ratios."""
    ours, theirs = (figures(results, name, figure)
                    for name in (DEFAULT, others))
    return [of_means(results, DEFAULT, others, figure),
            tables.text(geometric_mean(map(operator.truediv, ours, theirs)),
                        2)]


def worst(results: List[Result], figure: Figure) -> str:
    """The workload that gains least, or loses most."""
    ours, none = (figures(results, name, figure)
                  for name in (DEFAULT, 'null'))
    ratio, name = max(zip(map(operator.truediv, ours, none),
                          (result.workload for result in results)))
    return f'{ratio:.2f} ({name})'
