# What the guest tests share: TAP output, waiting, swapping at full rate.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import random
import sys
import threading
import time
import traceback
from typing import (Any, Callable, Dict, List, Optional, Protocol,
                    Sequence, Tuple)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'scripts'))

# pylint: disable=wrong-import-position
from raminate.guest import (  # noqa: E402
    MIB, Boot, Guest, clean_up_on_signals, two_physical_tiers, two_tiers,
    work_directory)
from raminate.console import Console, Patience  # noqa: E402
from raminate.speed import SLOW  # noqa: E402
import reports  # noqa: E402
from qemu.qmp import ExecuteError  # noqa: E402
from qemu.qmp.legacy import QEMUMonitorProtocol  # noqa: E402

Test = Callable[[Path], None]
Info = Dict[str, Any]

# So few pages that they never need as many mappings as the mover may have.
MEMORY = 188 * MIB
DRAM = 20 * MIB
ROOM = 1024 * MIB       # for the files of one test
PATIENCE = 240.0        # seconds; only a hang takes so long, see STRETCH
# The checker writes all pages alike: CMQ would soon leave them where they are.
# Small batches leave the guest time to run in between; none is put off.
FULL_RATE: Dict[str, Any] = {'scan_period': 50, 'swap_period': 50,
                             'max_swaps': 200, 'policy': 'lru',
                             'max_cpu': 0}
# A share of slow memory that is high, and how far it is to fall.
HIGH_SHARE = 60
REQUIRED_FALL = 3
CHECKER = Boot(['/bin/checker'])
NODE = ['-numa', 'node,nodeid=0,memdev=dmcon0']


class Skip(Exception):
    """The host lacks what a test needs."""


class HasConsole(Protocol):
    """A guest, whoever has started it."""

    @property
    def console(self) -> Console: ...


def run_tests(*tests: Test, slow: Sequence[Test] = ()) -> None:
    """Runs tests, prints TAP.

    That is, those named as arguments; else all, the slow ones if they are
    asked for.
    """
    clean_up_on_signals()
    chosen = [test for test in (*tests, *slow)
              if test.__name__ in sys.argv[1:] or
              not sys.argv[1:] and (SLOW or test not in slow)]
    print(f"TAP version 13\n1..{len(chosen)}", flush=True)
    failed = False
    for number, test in enumerate(chosen, 1):
        failed |= not _run_test(number, test)
    sys.exit(failed)


def _run_test(number: int, test: Test) -> bool:
    try:
        with work_directory(ROOM) as directory, work_directory(0) as said:
            os.environ['TMPDIR'] = str(directory)
            with reports.none_expected(said):
                test(directory)
    except Skip as reason:
        print(f"ok {number} {test.__name__} # SKIP {reason}", flush=True)
        return True
    except Exception:   # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
        print(f"not ok {number} {test.__name__}", flush=True)
        return False
    print(f"ok {number} {test.__name__}", flush=True)
    return True


def check(condition: object, what: object) -> None:
    """An assertion that says what was wrong."""
    if not condition:
        raise AssertionError(what)


def message_of_refused(directory: Path, args: Sequence[str]) -> str:
    """What QEMU says, which must not start, under KVM."""
    with Guest(directory, None, args, 'kvm') as guest:
        try:
            guest.launch()
        except Exception:   # pylint: disable=broad-except
            return guest.get_log() or ''
        finally:
            guest.kill()
    raise AssertionError(f"QEMU starts in spite of {args}")


def swap_pages(guest: Guest, pairs: Sequence[Tuple[int, int]]
               ) -> List[Dict[str, Any]]:
    """Once no batch is under way; returns what became of each pair."""
    while True:
        try:
            answer = guest.cmd('raminate-swap-pages', id='dmcon0',
                               pairs=[{'a': a, 'b': b} for a, b in pairs])
            return list(answer['results'])
        except ExecuteError as err:
            check('try again' in str(err), err)
            time.sleep(0.1)


def swap_all(guest: Guest, pairs: Sequence[Tuple[int, int]]) -> None:
    failed = [pair for pair in swap_pages(guest, pairs) if 'error' in pair]
    check(not failed, f"{len(failed)} swaps failed: {failed[:5]}")


def wait_until(condition: Callable[[], object], what: str,
               guest: Optional[HasConsole] = None) -> None:
    """Waits for a condition, and watches the guest's console meanwhile."""
    patience = (guest.console.patience(PATIENCE) if guest is not None
                else Patience(PATIENCE, lambda: None))
    while not condition():
        check(not patience.is_over(), f"still waiting for: {what}")
        if guest is not None:
            guest.console.read()
            guest.console.check()
        time.sleep(0.1)


def hybrid(directory: Path, memory: int = MEMORY, dram: int = DRAM,
           **options: Any) -> List[str]:
    """Arguments for the paper's machine: one container on one node."""
    container = two_tiers(directory, memory, dram, **options)
    return ['-m', f'{memory // MIB}M', *container.args(), *NODE]


def start_checker(guest: Guest) -> None:
    guest.launch()
    guest.console.wait('checker: started', PATIENCE)


def wait_for_passes(guest: HasConsole, passes: int = 2) -> None:
    """Waits until the checker has walked all of its memory again."""
    match = guest.console.wait(r'passes=(\d+) ', PATIENCE)
    goal = int(match.group(1)) + passes
    while int(match.group(1)) < goal:
        match = guest.console.wait(r'passes=(\d+) ', PATIENCE)


def finish_checker(guest: HasConsole) -> Dict[str, int]:
    """Asks the checker for its verdict; returns its counts."""
    guest.console.send('finish')
    verdict = guest.console.wait(r'checker: PASS (.*)\n', PATIENCE).group(1)
    counts = dict(word.split('=') for word in verdict.split())
    return {name: int(value) for name, value in counts.items()}


def wait_for_swaps(guest: Guest, swaps: int,
                   container: str = 'dmcon0') -> Info:
    """Waits for that many more swaps; returns the figures then."""
    goal = guest.raminate(container)['swaps'] + swaps
    try:
        wait_until(lambda: guest.raminate(container)['swaps'] >= goal,
                   f"{swaps} swaps in {container}", guest)
    except AssertionError as err:
        raise AssertionError(guest.raminate(container)) from err
    return guest.raminate(container)


def check_figures(info: Info) -> None:
    """Whatever was swapped, tiers have their pages, but for those to come."""
    check(info['swaps-failed'] == 0,
          f"{info['swaps-failed']} swaps failed")
    tiers = info['tiers']
    for tier in tiers:
        left = (info['pages-to-resize'] if tier in (tiers[0], tiers[-1])
                else 0)
        check(abs(tier['pages'] - tier['size'] // info['page-size']) == left,
              f"{tier['id']} has {tier['pages']} pages, its size is "
              f"{tier['size']}, and {left} are to come or go")


def check_parts(info: Info, sampler: str, mover: str) -> None:
    """These are in force, and no better ones are missing."""
    for part, name in (('sampler', sampler), ('mover', mover)):
        check(info[part] == name,
              f"{part} is {info[part]}: {info.get(part + '-reason')}")
        check(part + '-reason' not in info, info.get(part + '-reason'))


def check_no_stop(guest: Guest) -> None:
    events = [event['event'] for event in guest.get_qmp_events()]
    check('STOP' not in events, f"events: {events}")


def check_never_stopped(guest: Guest) -> None:
    check_no_stop(guest)
    check(guest.raminate()['pause-time']['count'] == 0, "vCPUs were paused")


def fall(guest: Guest) -> None:
    """Waits until the share is low, after it has been high."""
    # Nothing moves before that has been seen.
    wait_until(lambda: share(guest) > HIGH_SHARE, "a high share", guest)
    guest.set('policy', 'cmq')
    wait_until(lambda: share(guest) < HIGH_SHARE / REQUIRED_FALL,
               "a low share", guest)


def fall_twice(guest: Guest) -> None:
    """Starts the demo's workload; moves its hot pages after the first fall."""
    guest.launch()
    guest.console.wait('workload: phase 1\n', PATIENCE)
    fall(guest)
    guest.set('policy', 'null')
    guest.console.send('move')
    guest.console.wait('workload: phase 2\n', PATIENCE)
    fall(guest)


def share(guest: Guest) -> float:
    return float(guest.raminate().get('slow-share-last', 0))


def hmp(guest: Guest, line: str) -> None:
    """Gives a command that says nothing if all is well."""
    said = guest.cmd('human-monitor-command', **{'command-line': line})
    check(said == '', f"{line}: {said}")


def set_balloon(guest: Guest, size: int) -> None:
    """Waits until the guest has as much memory as it should."""
    guest.cmd('balloon', value=size)
    wait_until(lambda: guest.cmd('query-balloon')['actual'] == size,
               f"the guest to have {size} bytes", guest)


class Swapper(threading.Thread):
    """Swaps random pages without pause, on a monitor of its own."""

    def __init__(self, guest: Guest, socket_path: Path,
                 container: str = 'dmcon0', batch: int = 200, seed: int = 1):
        super().__init__(daemon=True)
        self._socket_path = socket_path
        self._container = container
        self._batch = batch
        self._random = random.Random(seed)
        self._pages = guest.raminate(container)['size'] // 4096
        self._stop_now = threading.Event()
        self.swaps = 0
        self.error: Optional[BaseException] = None

    @staticmethod
    def args(socket_path: Path) -> List[str]:
        """The monitor that QEMU must offer."""
        return ['-qmp', f'unix:{socket_path},server=on,wait=off']

    def run(self) -> None:
        qmp = QEMUMonitorProtocol(str(self._socket_path))
        try:
            qmp.connect()
            while not self._stop_now.is_set():
                self._one_batch(qmp)
        except Exception as err:    # pylint: disable=broad-except
            self.error = err
        finally:
            try:
                qmp.close()
            except Exception as err:    # pylint: disable=broad-except
                self.error = self.error or err

    def finish(self) -> None:
        """Stops; no error may have come up."""
        self._stop_now.set()
        self.join(PATIENCE)
        check(self.error is None, f"swapping failed: {self.error!r}")

    def _one_batch(self, qmp: QEMUMonitorProtocol) -> None:
        pages = self._random.sample(range(self._pages), 2 * self._batch)
        pairs = [{'a': a, 'b': b} for a, b in zip(pages[::2], pages[1::2])]
        try:
            answer: Any = qmp.cmd('raminate-swap-pages', id=self._container,
                                  pairs=pairs)
        except ExecuteError as err:
            # As while the placer starts.
            if 'try again' not in str(err):
                raise
            time.sleep(0.1)
            return
        check(answer['done'] == self._batch,
              f"{answer['done']} of {self._batch} pairs were swapped")
        self.swaps += self._batch


def start_swapper(guest: Guest, directory: Path, **options: Any) -> Swapper:
    """The guest must have been given Swapper.args(directory / 'swap')."""
    swapper = Swapper(guest, directory / 'swap', **options)
    swapper.start()
    return swapper


def swapper_args(directory: Path) -> Sequence[str]:
    return Swapper.args(directory / 'swap')
