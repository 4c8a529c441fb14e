# What the nested tests share: modules and programs for the machine, TAP.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import fcntl
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import (Callable, Dict, Iterator, List, NoReturn, Optional,
                    Sequence)

from machine import (CRASHED, MIB, POOL, SOURCE, Machine, Node, Result, kernel,
                     paths)
from raminate import apt, speed

NESTED = paths.BUILD / 'kvm' / 'nested'
PROGRAMS = paths.BUILD / 'tests' / 'nested'
HERE = Path(__file__).resolve().parent
FLAWS = HERE / 'flaws.patch'
# A socket's own memory, and slower memory without CPUs, as by CXL.
NODES = (Node(1536 * MIB, 100, '100G'), Node(512 * MIB, 300, '20G'))
# The series of kernels that is tested most.
SERIES = '6.12'
# It has the newest of Debian's kernels that are for a stable release.
BACKPORTS = 'trixie-backports'
# Where series are that no stable release has.
SUITES = {'7.3': BACKPORTS}
# What it takes to build for their kernels, and what tests of a build take.
COMPILER_SUITE = 'trixie'
COMPILER = 'gcc-14'
COMPILER_PACKAGES = (
    'base-files', 'bash', 'coreutils', 'dash', 'diffutils', 'findutils',
    COMPILER, 'grep', 'libc6-dev', 'libelf1t64', 'libssl3t64', 'make', 'mawk',
    'patch', 'perl', 'sed', 'sparse', 'xz-utils')
# How often a guest in an emulated host that still goes on is waited for again
STRETCH = 5
# get-kernel's exit status if apt knows no kernel of a series.
NO_SUCH_KERNEL = 3
POLL_SECONDS = 0.2
# Linux accounts a mapping of /dev/mem as one piece, and says so if a part of
# it is mapped anew, as the mover mmap does.
MEMTYPE = r'[^\n]*freeing invalid memtype[^\n]*\n'


class NoKernel(Exception):
    """This distribution has no kernel of the series."""


class StepFailed(paths.SetupError):
    """A command has failed."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Tap:
    """Numbers checks and prints them as TAP."""

    def __init__(self) -> None:
        self._count = 0
        self._failed = 0
        print('TAP version 13', flush=True)

    def check(self, good: bool, name: str, details: Sequence[str] = ()
              ) -> None:
        self._count += 1
        self._failed += not good
        print(f"{'' if good else 'not '}ok {self._count} - {name}")
        if not good:
            for line in details:
                print(f'# {line}')
        sys.stdout.flush()

    def skip(self, reason: str) -> None:
        self._count += 1
        print(f'ok {self._count} # SKIP {reason}', flush=True)

    def finish(self) -> NoReturn:
        print(f'1..{self._count}')
        sys.exit(self._failed > 0)


def skip(reason: str) -> NoReturn:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    NESTED.mkdir(parents=True, exist_ok=True)
    with (NESTED / 'lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _step(log: str, *command: str, **variables: str) -> None:
    """Runs a command whose output is only of interest if it fails."""
    path = NESTED / log
    with path.open('w') as file:
        ended = subprocess.run(command, stdout=file, check=False,
                               stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL,
                               env=dict(os.environ, MAKEARGS='-j2',
                                        **variables))
    if ended.returncode != 0:
        last = path.read_text().strip().splitlines()[-1:]
        raise StepFailed(f"{command[0]} failed: {' '.join(last)} "
                         f"(all of it is in {path})", ended.returncode)


def _of_series(name: str, series: str) -> Path:
    return NESTED / (name if series == SERIES else f'{name}-{series}')


def kernel_directory(series: str = SERIES) -> Path:
    """The directory with the newest kernel of the series."""
    directory = _of_series('kernel', series)
    with locked():
        if not (directory / 'release').exists():
            _get_kernel(series, directory)
    return directory


def _get_kernel(series: str, directory: Path) -> None:
    try:
        with apt_config(series) as variables:
            _step(f'{directory.name}.log', str(SOURCE / 'kvm' / 'get-kernel'),
                  '--series', series, str(directory), **variables)
    except apt.NoPackage as err:
        raise NoKernel(str(err)) from err
    except StepFailed as err:
        if err.status == NO_SUCH_KERNEL and series != SERIES:
            raise NoKernel(f"apt knows no kernel of series {series}") from err
        raise


@contextlib.contextmanager
def apt_config(series: str) -> Iterator[Dict[str, str]]:
    """Variables by which apt knows the suite that has a series."""
    if series not in SUITES:
        yield {}
        return
    with tempfile.TemporaryDirectory(dir=NESTED) as folder:
        yield {'APT_CONFIG': str(apt.config_file(Path(folder),
                                                 SUITES[series]))}


def builder(headers: Path) -> List[str]:
    """What a command has to be put after to build for a kernel.

    That is nothing if this system has the compiler; else it is run in a root
    directory with the compiler of another release, and these directories.
    """
    config = (headers / 'include' / 'config' / 'auto.conf').read_text()
    match = re.search(r'^CONFIG_CC_VERSION_TEXT="?(\S+)', config, re.M)
    assert match is not None
    if shutil.which(match.group(1)):
        return []
    if os.geteuid() != 0:
        raise NoKernel(f"this system has no {match.group(1)}, and only root "
                       "can use another one's")
    return in_compiler_root(NESTED / COMPILER_SUITE)


def in_compiler_root(root: Path, *more_packages: str) -> List[str]:
    """What a command has to be put after to run with that compiler."""
    if not root.exists():
        apt.unpack(root, COMPILER_SUITE, (*COMPILER_PACKAGES, *more_packages))
        # Which awk this is would be decided when it is installed.
        (root / 'usr' / 'bin' / 'awk').symlink_to('mawk')
    return [str(HERE / 'in-host-root'), '--of', str(root), str(SOURCE),
            str(paths.BUILD), '--']


def headers_of(directory: Path) -> Path:
    """The headers in a directory of get-kernel's."""
    return next((directory / 'root' / 'usr' / 'src').glob(
        'linux-headers-*-amd64'))


def modules(patch: Optional[Path] = None, series: str = SERIES) -> Path:
    """The directory with the modules for that kernel, built if need be.

    A patch makes another flavour of them.
    """
    directory = kernel_directory(series)
    output = _of_series(patch.stem if patch else 'modules', series)
    with locked():
        _step(f'{output.name}.log', *builder(headers_of(directory)),
              str(SOURCE / 'kvm' / 'build'), '--kernel', str(directory),
              *(('--patch', str(patch)) if patch else ()), str(output))
    return output / 'arch' / 'x86' / 'kvm'


def modules_of_commit(commit: str) -> Path:
    """The directory with the modules that an earlier source has."""
    directory = kernel_directory()
    output = NESTED / f'modules-{commit}'
    with locked(), tempfile.TemporaryDirectory(dir=NESTED) as tree:
        archive = subprocess.run(
            ['git', 'archive', commit, 'kvm', 'patches'], cwd=SOURCE,
            check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(['tar', '-x', '-C', tree], input=archive, check=True)
        _step(f'{output.name}.log', str(Path(tree) / 'kvm' / 'build'),
              '--kernel', str(directory), str(output))
    return output / 'arch' / 'x86' / 'kvm'


def bochs() -> Path:
    """The directory with Bochs and what its machines boot with."""
    output = NESTED / 'bochs'
    with locked():
        _step('bochs.log', str(HERE / 'get-bochs'), str(output))
    return output


def sparse() -> Path:
    """Debian's sparse, the installed one or else a copy of our own."""
    installed = shutil.which('sparse')
    if installed:
        return Path(installed)
    with locked():
        if not (NESTED / 'sparse').exists():
            with tempfile.TemporaryDirectory(dir=NESTED) as directory:
                # The sandbox user of apt may not write there.
                _step('sparse.log', 'sh', '-ec', f'cd {directory}; apt-get -q '
                      '-o APT::Sandbox::User=root download sparse; '
                      'dpkg -x sparse_*.deb root')
                (Path(directory) / 'root').rename(NESTED / 'sparse')
    return NESTED / 'sparse' / 'usr' / 'bin' / 'sparse'


def machine(directory: Path, parameters: Sequence[str] = (),
            patch: Optional[Path] = None, series: str = SERIES,
            make: Callable[..., Machine] = Machine) -> Machine:
    """A machine with the selftest in it."""
    return make(directory, modules(patch, series), host_kernel(series),
                {'init': PROGRAMS / 'nested-init',
                 'bin/selftest': PROGRAMS / 'selftest'}, parameters)


def host_kernel(series: str) -> kernel.Kernel:
    """The distribution's kernel of a series that has been fetched."""
    return kernel.of_image(
        kernel.images(kernel_directory(series) / 'root')[0])


def backports_kernel() -> kernel.Kernel:
    """Debian's newest kernel for a stable release."""
    try:
        return kernel.get(NESTED / f'kernel-{BACKPORTS}',
                          kernel.FULL_PACKAGES[:1], BACKPORTS)
    except apt.NoPackage as err:
        raise NoKernel(str(err)) from err


def stock_machine(directory: Path,
                  stock_kernel: Optional[kernel.Kernel] = None,
                  make: Callable[..., Machine] = Machine) -> Machine:
    """A machine with two NUMA nodes; its kernel and KVM nobody patched."""
    return make(directory, None, stock_kernel or host_kernel(SERIES),
                {'init': PROGRAMS / 'nested-init'}, pool=None, nodes=NODES)


def run_selftest(tests: Sequence[str], parameters: Sequence[str] = (),
                 patch: Optional[Path] = None, series: str = SERIES,
                 timeout: int = 1800,
                 make: Callable[..., Machine] = Machine) -> Result:
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        return machine(Path(directory), parameters, patch, series, make).run(
            '/bin/selftest', f'{POOL:#x}', *tests, timeout=timeout)


def run_script(host: Machine, script: Path, *args: str,
               variables: Sequence[str] = (), timeout: int) -> Result:
    """Runs a Python script that starts guests in a machine.

    Tests that repeat what they do tell of each round.
    """
    host.share = True
    rounds = os.environ.get('RAMINATE_ROUNDS', '1')
    with followed(host.directory, _tell_of_round):
        return host.run('/usr/bin/env', f'RAMINATE_BUILD={paths.BUILD}',
                        f'QEMU={paths.QEMU}',
                        f'RAMINATE_POOL={POOL:#x}', 'TMPDIR=/dev/shm',
                        f'RAMINATE_ROUNDS={rounds}',
                        f'RAMINATE_STRETCH={STRETCH}',
                        f'{speed.VARIABLE}={speed.SPEED}',
                        f'KERNEL={kernel.find().image}', *variables,
                        'python3', str(script), *args,
                        timeout=timeout * int(rounds))


def _follow(path: Path, ended: threading.Event,
            tell: Callable[[str], None]) -> None:
    while not path.exists():
        if ended.wait(POLL_SECONDS):
            return
    with path.open(encoding='utf-8', errors='replace') as file:
        text, last = '', False
        while not last:
            last = ended.wait(POLL_SECONDS)
            *lines, text = (text + file.read()).split('\n')
            for line in lines:
                if not line.startswith('init: exit status'):
                    tell(line)


def _tell_of_round(line: str) -> None:
    if line.startswith('round '):
        _print_now(f'# {line}')


def _print_now(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def followed(directory: Path, tell: Callable[[str], None] = _print_now
             ) -> Iterator[None]:
    """Tells of each line of a machine's output when it is complete."""
    ended = threading.Event()
    follower = threading.Thread(
        target=_follow, args=(directory / 'output', ended, tell))
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def run_on_dev_mem(tests: Sequence[str] = (), parameters: Sequence[str] = (),
                   patch: Optional[Path] = None, series: str = SERIES,
                   script: str = 'on_dev_mem.py',
                   make: Callable[..., Machine] = Machine,
                   timeout: int = 6600) -> Result:
    """Runs tests of a script with guests (or all of them) in a machine."""
    with tempfile.TemporaryDirectory(prefix='raminate-') as directory:
        host = machine(Path(directory), parameters, patch, series, make)
        return run_script(host, HERE / script, *tests, timeout=timeout)


def report(tap: Tap, mode: str, result: Result) -> None:
    """Every check of the selftest, and that all went well around it."""
    checks = 0
    for line in result.output.splitlines():
        match = re.match(r'(not )?ok \d+ (?:- )?(.*)', line)
        if match:
            checks += 1
            tap.check(not match.group(1), f'{mode}: {match.group(2)}')
        elif line.startswith('# '):
            print(line)
    # The plan comes first from some programs, and last from others.
    ended = (result.status != CRASHED
             and re.search(rf'^1\.\.{checks}$', result.output, re.M))
    tap.check(bool(ended), f'{mode}: the tests came to their end',
              [*result.output.splitlines()[-5:],
               *result.messages.splitlines()[-30:]])
    complaints = [line for line in result.output.splitlines()
                  if line.startswith('init: ')]
    tap.check(not complaints, f'{mode}: the modules are loaded and unloaded',
              complaints)
    tap.check(not result.trouble, f"{mode}: the kernel has no complaint",
              result.first_trouble)


def main(run: Callable[[Tap], None]) -> NoReturn:
    try:
        tap = Tap()
        run(tap)
    except NoKernel as reason:
        tap.skip(str(reason))
    except paths.SetupError as err:
        print(f'Bail out! {err}')
        sys.exit(1)
    tap.finish()
