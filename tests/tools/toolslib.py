# What the tests of the tools share.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any, Dict, Iterator
import urllib.request

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position,unused-import
from guestlib import (  # noqa: E402,F401
    MIB, Boot, Guest, QEMUMonitorProtocol, Skip, check, hybrid, run_tests,
    wait_until, work_directory)
from raminate import paths  # noqa: E402

TOOLS = paths.BUILD / 'tools'
PATIENCE = 120      # seconds; only a hang takes so long
CONTAINER = 'memory-backend-container'
DEVMEM = 'memory-backend-devmem'


def installed_tools() -> Dict[str, Path]:
    """All tools that were built, by name."""
    return {path.name: path
            for path in [*TOOLS.glob('raminate-*'),
                         *TOOLS.glob('*/raminate-*')]
            if path.is_file() and not path.suffix}


def tool(name: str) -> str:
    path = installed_tools().get(name)
    check(path is not None, f"{name} is missing; run make first")
    return str(path)


def run(name: str, *args: object, **options: Any
        ) -> 'subprocess.CompletedProcess[str]':
    """Runs a tool to its end."""
    return subprocess.run([tool(name), *map(str, args)], timeout=PATIENCE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding='utf-8', check=False, **options)


def refused(name: str, *args: object, **options: Any) -> str:
    """What a tool says of wrong options, as all of them do."""
    result = run(name, *args, **options)
    check(result.returncode == 2, f"{args}: {result}")
    check(not result.stdout and result.stderr.startswith(f'{name}: ')
          and result.stderr.endswith('; see --help\n')
          and result.stderr.count('\n') == 1, f"{args}: {result}")
    return result.stderr


def check_in(what: str, text: str) -> None:
    check(what in text, f"'{what}' is not in:\n{text}")


def section(text: str, start: str, end: str) -> str:
    """From @start to before @end."""
    first = text.index(start)
    return text[first:text.index(end, first + len(start))]


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


@contextlib.contextmanager
def objects(directory: Path) -> Iterator[Any]:
    """A QEMU that has one fresh object of each kind."""
    sock = directory / 'qmp'
    memory = directory / 'memory'
    memory.write_bytes(bytes(2 << 20))
    qmp = QEMUMonitorProtocol(str(sock), server=True)
    with subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', paths.require_qemu(),
             '-nodefaults', '-display', 'none', '-machine', 'none',
             '-qmp', f'unix:{sock}']) as process:
        try:
            qmp.accept(PATIENCE)
            qmp.settimeout(PATIENCE)
            qmp.cmd('object-add', **{'qom-type': CONTAINER, 'id': CONTAINER,
                                     'size': 1 << 20})
            qmp.cmd('object-add', **{'qom-type': DEVMEM, 'id': DEVMEM,
                                     'mem-path': str(memory),
                                     'size': 1 << 20})
            yield qmp
            qmp.close()
        finally:
            process.kill()


def complete(qmp: Any, directory: Path) -> None:
    """Gives the container of objects() its tier."""
    qmp.cmd('object-add', **{'qom-type': DEVMEM, 'id': 'tier',
                             'parent': CONTAINER, 'size': 1 << 20,
                             'mem-path': str(directory / 'memory'),
                             'phy-offset': 1 << 20})


class Exporter:
    """A running raminate-exporter."""

    def __init__(self, *args: object):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [tool('raminate-exporter'), '--listen', '127.0.0.1:0',
             *map(str, args)], stdout=subprocess.PIPE, encoding='utf-8')
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(' ', 1)[1])

    @property
    def address(self) -> str:
        return f'127.0.0.1:{self.port}'

    def scrape(self) -> str:
        with urllib.request.urlopen(f'http://{self.address}/metrics',
                                    timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
            return text

    def value(self, name: str, *labels: str) -> float:
        """A sample's value; its labels have all of these."""
        for line in self.scrape().splitlines():
            if (line.split('{')[0].split(' ')[0] == name and
                    all(label in line for label in labels)):
                return float(line.rsplit(' ', 1)[1])
        raise AssertionError(f"there is no {name} with {labels}")


@contextlib.contextmanager
def exporter(*args: object) -> Iterator[Exporter]:
    """An exporter that must still be well in the end."""
    server = Exporter(*args)
    try:
        yield server
        check(server.process.poll() is None, "the exporter has ended")
        server.process.send_signal(signal.SIGTERM)
        check(server.process.wait(PATIENCE) == 0,
              f"exit status {server.process.returncode}")
    finally:
        server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()
