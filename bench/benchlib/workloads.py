# The workloads, in the order of the tables.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Workload:
    """A file of bench/guest, and what it stands for."""
    name: str
    title: str
    judging: bool           # kept for judging what the others were used for
    paper: Optional[str] = None     # column of the paper's table


WORKLOADS = (
    Workload('compile', "busybox, compiled by gcc", False, 'kernel build'),
    Workload('web', "apache under siege", True, 'apache'),
    Workload('memcached', "memcached, keys by Zipf's law", False,
             'memcached'),
    Workload('redis', "redis under redis-benchmark, all keys equally often",
             True),
    Workload('postgres', "PostgreSQL under pgbench", True),
    Workload('sqlite', "SQLite, records that come and go", False),
    Workload('graph', "breadth-first search in a Kronecker graph", True,
             'graph500'),
    Workload('uniform', "stress-ng, all pages equally often", False, 'mcf'),
)


def find(name: str) -> Workload:
    return next(load for load in WORKLOADS if load.name == name)
