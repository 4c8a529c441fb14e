# Writes docs/evaluation.md, or evaluation-full.md.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from dataclasses import dataclass, replace
from pathlib import Path
import platform
import re
from statistics import mean
import subprocess
from typing import Any, Dict, List

from . import (BENCH, compare, paper, readcosts, recorder, recording, replay,
               tables, workloads)
from .compare import DEFAULT
from .replay import Result, Row
# pylint: disable=wrong-import-order
from raminate import kernel, paths

PACKAGES = ('gcc-12', 'busybox-static', 'apache2', 'siege', 'memcached',
            'redis-server', 'postgresql-15', 'sqlite3', 'stress-ng')


@dataclass
class Evaluation:
    """All that there is to report."""
    name: str                   # of the document, and of the directory beside
    command: str
    seconds: int                # of the guest, to record a workload anew
    policies: List[str]
    scaled_cmq: str             # with a batch in proportion to the guest
    recordings: Dict[str, Path]
    results: List[Result]
    costs: readcosts.Costs      # the same where reads cost, too

    def of_share(self, share: int) -> List[Result]:
        """The results with that share of DRAM."""
        return [result for result in self.results if result.share == share]


def total(row: Row) -> float:
    """Share of the guest's writes that slow memory takes, with swaps."""
    value: float = row['slow_total_percent']
    return value


def _output(*args: Any) -> str:
    return subprocess.run(args, check=True, text=True, cwd=BENCH,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.strip()


def _commit() -> str:
    commit = _output('git', 'rev-parse', '--short=12', 'HEAD')
    changed = _output('git', 'status', '--porcelain', '--untracked-files=no',
                      '--', BENCH, BENCH.parent / 'hw', BENCH.parent / 'tools')
    return commit + (' with changes' if changed else '')


def _processor() -> str:
    info = Path('/proc/cpuinfo').read_text(encoding='utf-8')
    names = re.findall(r'^model name\s*: (.*)', info, re.M)
    return f'{len(names)} x {names[0]}' if names else platform.machine()


def _package_versions() -> str:
    if not (recorder.IMAGE_DIR / 'image').exists():
        return '–'
    status = _output('env', 'PATH=/usr/sbin:/sbin:/usr/bin:/bin', 'debugfs',
                     '-R', 'cat /var/lib/dpkg/status',
                     recorder.IMAGE_DIR / 'image')
    found = dict(re.findall(r'^Package: (\S+)$.*?^Version: (\S+)$', status,
                            re.M | re.S))
    return ', '.join(f'{name} {found[name]}' for name in PACKAGES
                     if name in found)


def _scale() -> str:
    parts = recorder.PAPER_MEMORY_MIB // recorder.MEMORY_MIB
    mips = 1000 >> recorder.ICOUNT_SHIFT
    cache = recorder.PAPER_CACHE / parts / (1 << 20)
    return tables.markdown(
        ['', 'paper', 'here'],
        [['guest RAM', '4 GiB', f'{recorder.MEMORY_MIB} MiB'],
         ['last-level cache', '20 MiB', f'{cache:g} MiB'],
         ['instructions in a second of the guest',
          'about 2,000 million, assumed of 2.3 GHz', f'up to {mips} million'],
         ['scan period', '1 s', '1 s of the guest'],
         ['swap period', '5 s',
          "2 s of the guest, 5 s with the paper's settings"],
         ['life time', '5 s', '5 s of the guest'],
         ['most swaps in a batch', '1000',
          '1000'],
         ['vCPUs', '1', '1']])


def _workload_lines(evaluation: Evaluation) -> str:
    lines = []
    for load in workloads.WORKLOADS:
        if load.name not in evaluation.recordings:
            continue
        path = evaluation.recordings[load.name]
        summary = recording.summarize(path)
        made = recorder.about(path)
        seconds = sum(summary.windows_ms) / 1000
        lines.append([
            load.name, load.title, 'judging' if load.judging else 'choosing',
            f'{len(summary.scans):,}',
            f'{min(summary.windows_ms)}–{max(summary.windows_ms)}',
            f'{sum(summary.scans) / len(summary.scans):,.0f}',
            f'{summary.distinct:,}', f'{summary.pages_for(0.9):,}',
            tables.text(summary.lines * 64 / 1e6 / seconds
                        if summary.has_traffic else None),
            tables.text(made['instructions_per_second'] / 1e6
                        if 'instructions_per_second' in made else None)])
    return tables.markdown(
        ['name', 'what', 'for', 'scans', 'ms apart', 'pages a scan',
         'different pages',
         'pages for 90 %', 'MB/s', 'million instructions/s'], lines, 3)


def _paper_lines(evaluation: Evaluation) -> str:
    small = evaluation.scaled_cmq
    lines = []
    for load in workloads.WORKLOADS:
        if not load.paper or load.name not in evaluation.recordings:
            continue
        cells = [f'{load.name} / {load.paper}']
        for share in replay.SHARES:
            result = next(result for result in evaluation.of_share(share)
                          if result.workload == load.name)
            cells += [tables.text(paper.NVM_SHARE[share][load.paper])]
            cells += [tables.text(total(result.row(name, number)))
                      for name, number in ((replay.PAPER_CMQ, 1),
                                           (replay.PAPER_CMQ, 2),
                                           (small, 2))]
        lines.append(cells)
    titles = ['here / paper']
    for share in replay.SHARES:
        titles += [f'paper, {share} %', 'cmq', '2nd pass',
                   'small batches']
    return tables.markdown(titles, lines)


def _chosen(evaluation: Evaluation, share: int,
            judging: bool) -> List[Result]:
    return compare.chosen(evaluation.results, share, judging)


def _kinds(evaluation: Evaluation, share: int) -> List[bool]:
    """Whether to report on all workloads, and then on those for judging."""
    nr_judging = len(_chosen(evaluation, share, True))
    return [False, True] if 0 < nr_judging < len(
        _chosen(evaluation, share, False)) else [False]


def _means(evaluation: Evaluation, share: int, number: int,
           judging: bool) -> str:
    chosen = _chosen(evaluation, share, judging)
    return tables.by_policy(chosen, evaluation.policies, [
        ('pages %', 1, lambda row: row['slow_pages_percent']),
        ('bytes %', 1, lambda row: row['slow_bytes_percent']),
        ('swaps %', 1, lambda row: row['swap_bytes_percent']),
        ('total %', 1, total),
        ('x bound', 2, lambda row: row['times_bound']),
        ('swaps', 0, lambda row: row['swaps']),
        ('reversed', 0, lambda row: row['reversed']),
        ('energy 10x', 2, lambda row: row['energy_10']),
        ('100x', 2, lambda row: row['energy_100']),
        ('1000x', 2, lambda row: row['energy_1000'])], number)


def _totals(chosen: List[Result], policy: str) -> List[float]:
    return compare.figures(chosen, policy, total)


def _swaps_ratio(chosen: List[Result]) -> str:
    ours, theirs = (sum(result.row(name)['swaps'] for result in chosen)
                    for name in (DEFAULT, replay.PAPER_CMQ))
    return tables.text(ours / theirs if theirs else None, 2)


def _dirty_bits(chosen: List[Result]) -> str:
    """What it costs an oracle to know scans instead of writes."""
    writes, scans = (sum(_totals(chosen, name)) for name in replay.ORACLES)
    return tables.text(scans / writes, 2)


def _bounds(chosen: List[Result]) -> List[str]:
    """The bound, of CMQ's, and ours, of the bound's."""
    bound = tables.average(result.bound_percent for result in chosen)
    ours, cmq = (mean(_totals(chosen, name))
                 for name in (DEFAULT, replay.PAPER_CMQ))
    return [tables.text(bound and bound / cmq, 2),
            tables.text(bound and ours / bound, 2)]


def _verdict(chosen: List[Result], bounds: List[str]) -> List[str]:
    """The targets, in figures."""
    return [*compare.ratios(chosen, replay.PAPER_CMQ, total),
            *compare.ratios(chosen, replay.ORACLE, total), _dirty_bits(chosen),
            *bounds, _swaps_ratio(chosen), compare.worst(chosen, total)]


def _verdicts_of(evaluation: Evaluation, share: int,
                 judging: bool) -> List[List[str]]:
    """A line for each pass."""
    chosen = _chosen(evaluation, share, judging)
    start = [f'{share} %', compare.kind(judging)]
    none = ['–', '–']
    return [[*start, 'first', *_verdict(chosen, _bounds(chosen))],
            [*start, 'second',
             *_verdict(list(map(replay.second_pass, chosen)), none)],
            [*start, 'long run',
             *_verdict(list(map(_long_run, chosen)), none)]]


VERDICT_TITLES = ['DRAM', 'workloads', 'pass', "of CMQ's", 'mean of ratios',
                  "of the oracle's", 'mean of ratios',
                  "oracle-scans, of oracle's", "bound, of CMQ's",
                  "of the bound's", "swaps, of CMQ's", "worst, of null's"]
# The columns of two tables, neither of which is too wide to read
VERDICT_TABLES = ((0, 1, 2, 3, 4, 5, 6, 11), (0, 1, 2, 7, 8, 9, 10))


def _verdicts(evaluation: Evaluation) -> List[str]:
    lines = [line for share in replay.SHARES
             for judging in _kinds(evaluation, share)
             for line in _verdicts_of(evaluation, share, judging)]
    return [tables.markdown([VERDICT_TITLES[at] for at in columns],
                            [[line[at] for at in columns] for line in lines],
                            3)
            for columns in VERDICT_TABLES]


def _foresight(evaluation: Evaluation, share: int, oracle: str) -> str:
    """What slow memory takes if one sees further."""
    return tables.by_workload(
        evaluation.of_share(share), [oracle, *replay.foreseeing(oracle)],
        total, titles=['to the next batch',
                       *(f'{seconds} s' for seconds in replay.FORESIGHTS)])


def _wrap(text: str) -> str:
    """Wraps what is no table, picture or block of code."""
    lines = []
    for line in text.split('\n'):
        while len(line) > 120 and not line.startswith(('|', '!', '    ')):
            indent = '  ' if line.startswith(('- ', '  ')) else ''
            at = line.rindex(' ', 0, 120)
            lines.append(line[:at])
            line = indent + line[at + 1:]
        lines.append(line)
    return '\n'.join(lines)


def _header(evaluation: Evaluation) -> str:
    scans = {result.scans for result in evaluation.results}
    length = ' to '.join(map(str, sorted({min(scans), max(scans)})))
    return f"""# Evaluation

Written by `{evaluation.command}`, from recordings of {length} scans of each \
workload, about one a second. Change `bench/` and run it again rather than \
change this file.

| | |
|---|---|
| commit | {_commit()} |
| machine | {_processor()}, Linux {platform.release()} |
| QEMU | {_output(paths.require_qemu(), '--version').split(chr(10))[0]} |
| guest's kernel | {kernel.find().version} |
| guest's packages | {_package_versions()} |

"""


def _share_results(evaluation: Evaluation, share: int) -> List[str]:
    chosen = evaluation.of_share(share)
    return [
        f"\n### {share} % DRAM\n\nMeans over all workloads, first pass:"
        "\n\n", _means(evaluation, share, 1, False),
        "\nSecond pass, from the placement that the first one left, with "
        "a policy that knows nothing yet:\n\n",
        _means(evaluation, share, 2, False),
        *(["\nThe workloads for judging alone, first pass:\n\n",
           _means(evaluation, share, 1, True)]
          if True in _kinds(evaluation, share) else []),
        "\n`total %` of each workload, first pass:\n\n",
        tables.by_workload(chosen, evaluation.policies, total,
                           bound=True),
        *(part for oracle in replay.ORACLES for part in (
            f"\nThe same with `{oracle}`, if it sees further than the "
            "next batch:\n\n", _foresight(evaluation, share, oracle))),
        "\nSecond pass:\n\n",
        tables.by_workload([replay.second_pass(result) for result in chosen],
                           evaluation.policies, total),
        f"\nPass {replay.LONG_RUN_PASSES}, if each pass goes on with what the "
        "policy has learned in the one before:\n\n",
        tables.by_workload([_long_run(result) for result in chosen],
                           evaluation.policies, total),
        "\nSwaps in that pass:\n\n",
        tables.by_workload([_long_run(result) for result in chosen],
                           evaluation.policies,
                           lambda row: row['swaps'], 0),
        "\nSwaps, first pass:\n\n",
        tables.by_workload(chosen, evaluation.policies,
                           lambda row: row['swaps'], 0)]


def _results(evaluation: Evaluation) -> str:
    verdicts, limits = _verdicts(evaluation)
    parts = [f"""## Results

This table compares what is written to slow memory with `{DEFAULT}` to what \
is written with the CMQ of the [paper](glossary.md#judging-it) \
(`{replay.PAPER_CMQ}`), and with the oracle. Each comparison is made in two \
ways: as the ratio of the means over the workloads, and, in the column `mean \
of ratios` after it, as the geometric mean of the workloads' own ratios. Less \
is better, and 1 is equal. The last column has the workload that is worst in \
comparison with `null`, which moves nothing. Policies were chosen and tuned \
with one half of the workloads; those for judging are the other half.

{verdicts}
The next table shows how much better a policy could be at best: what \
`oracle-scans` leaves to slow memory, compared with the oracle; the bound, \
compared with CMQ; and `{DEFAULT}`, compared with the bound. The last column \
compares the number of swaps that `{DEFAULT}` makes with CMQ's.

{limits}
In the tables below, `total %` is what is written to slow memory, in relation \
to everything that the guest writes: what the guest itself writes there \
(`bytes %`), and what swaps write there (`swaps %`). `pages %` is the share \
of the pages found written that were in slow memory at that time. The bound \
is a limit for every policy that moves pages after they were written, rather \
than before, whatever else it knows about the future (see [the \
bound](simulator.md#the-bound)); it holds for the first pass. The oracle \
knows how often each page is going to be written until the next batch, and \
makes the swaps that pay by then; `oracle-scans` knows only what scans are \
going to find (see [the oracles](simulator.md#the-oracles)). The other \
columns are explained on [the same page](simulator.md#replay).

The second pass starts from the placement that the first one left, with a \
policy that knows nothing yet. In the long run, the same work is done \
{replay.LONG_RUN_PASSES} times, each time with what the policy has learned \
before, and the last time counts.

![share of writes]({evaluation.name}/shares.svg)

![writes over time]({evaluation.name}/over-time.svg)
"""]
    for share in replay.SHARES:
        parts += _share_results(evaluation, share)
    return ''.join(parts)


def _long_run(result: Result) -> Result:
    """The same, after many passes."""
    return replace(result, rows=result.long_run)


def _energy(evaluation: Evaluation) -> str:
    parts = [f"""
## Energy

This is an estimate by the [paper's model](simulator.md#energy), in relation \
to a guest that has DRAM alone, if a byte written to slow memory costs 10, \
100 or 1000 times as much as one written to DRAM.

![energy]({evaluation.name}/energy.svg)
"""]
    for share in replay.SHARES:
        parts += [f"\n{share} % DRAM, a slow write costs 100 times as "
                  "much:\n\n",
                  tables.by_workload(evaluation.of_share(share),
                                     evaluation.policies,
                                     lambda row: row['energy_100'], 2)]
    return ''.join(parts)


def _method(evaluation: Evaluation) -> str:
    return (_paper(evaluation) + _measured(evaluation) + _again(evaluation))


def _paper(evaluation: Evaluation) -> str:
    return f"""
## CMQ here and in the paper

The table has the share of writes that went to slow memory, in per cent, with \
one batch each 5 s. The figures of the paper are read off its charts:

{_paper_lines(evaluation)}
`small batches` is the second pass of `{evaluation.scaled_cmq}`, whose \
batches are those of the paper in proportion to the guest. With these it \
takes some ten minutes to fill 10 % DRAM, as in the paper, which is longer \
than two passes of short recordings.

There are two differences from the paper. The programs are not the same ones, \
but only of the same kinds. And the guest has a sixteenth of the memory, \
while what kernel and programs need independently of the size of the work is \
not less. The first pass begins with no hot page in DRAM, and it takes at \
least 33 s to fill 10 % with 1000 pages each 5 s. The second pass shows what \
comes after that.
"""


def _measured(evaluation: Evaluation) -> str:
    return f"""
## What was measured

The guest runs unmodified Debian on one emulated vCPU. With `-icount`, its \
clock counts instructions, {1 << recorder.ICOUNT_SHIFT} ns each, and the \
placer goes by the same clock. So neither the speed of the emulation nor what \
else the host does has an influence on what a scan sees, except for the time \
for which the guest waits for its disk. Seeds of random numbers are fixed, \
and the guest's clock always begins at the same time. The guest is a \
sixteenth of the paper's machine:

{_scale()}
Each workload is recorded once, beginning when it has been prepared (servers \
are up, stores are filled). The recording has what each scan, and a second \
look {recorder.SECOND_LOOK_MS} ms after it, found written. From \
[libraminate-traffic](traffic.md) it has the pages that were accessed in the \
meantime, and the lines of 64 bytes that a last-level cache read from each \
page and wrote back to it. The simulator replays the recording under each \
policy, so that all policies see the same work. Scans see what devices write; \
the cache does not.

{_workload_lines(evaluation)}
`pages for 90 %` is the number of pages that make up 90 % of all pages found \
written. DRAM has {recorder.MEMORY_MIB * 256 // 100:,} pages (1 %) or \
{recorder.MEMORY_MIB * 256 // 10:,} pages (10 %). A guest that waits executes \
fewer than {1000 >> recorder.ICOUNT_SHIFT} million instructions a second. \
Policies were chosen and tuned with half of the workloads, and are judged on \
all of them and on the other half.

All settings are the defaults, except those of `{replay.PAPER_CMQ}`, which \
are the paper's.
"""


def _again(evaluation: Evaluation) -> str:
    return f"""
## How to repeat it

<!-- not run: takes long -->

    make bench          # {recorder_seconds(False)} s of each workload
    make bench-full     # {recorder_seconds(True)} s

or step by step:

<!-- not run: takes long -->

    bench/record memcached -o memcached.rec --seconds {evaluation.seconds}
    raminate-sim {' '.join(replay.options(10, []))} \
memcached.rec
    bench/run --recordings DIR      # that has WORKLOAD.rec for each

`make bench-nested` runs the workloads for judging on KVM in an emulated \
host, where the traffic plugin counts from outside: see \
[evaluation/nested.md](evaluation/nested.md). `make bench-peers` compares \
RAMinate with what Linux does by itself: see \
[evaluation/peers.md](evaluation/peers.md). `make bench-full` writes a \
document of its own, [evaluation-full.md](evaluation-full.md).

`bench/run` keeps the recordings in `build/bench` and uses them again. A file \
beside each recording says how it was made. All numbers are in \
[{evaluation.name}/results.csv]({evaluation.name}/results.csv).
"""


def recorder_seconds(full: bool) -> int:
    """Of the guest's time, for each workload."""
    return 600 if full else 60


def write(evaluation: Evaluation, docs: Path) -> Path:
    """Writes the document."""
    path = docs / f'{evaluation.name}.md'
    path.write_text(_wrap(_header(evaluation) + _results(evaluation)
                          + readcosts.section(evaluation.costs,
                                              evaluation.name)
                          + _energy(evaluation) + _method(evaluation)),
                    encoding='utf-8')
    return path
