#!/usr/bin/env python3
# The commands in the documents work: each is run here, or by a test that is
# named, or marked as not run.  How they are marked: documents.py.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import json
import os
from pathlib import Path
import re
import shlex
import shutil
import signal
import socket
import subprocess
from typing import Any, Callable, Dict, List, Set

import debian
from documents import KINDS, Block, blocks
from fakeqmp import Servers, Vm
from terminal import SHELL_LEFT, terminal
from toolslib import (PATIENCE, Boot, Guest, check, check_in, exporter,
                      hybrid, installed_tools, paths, run_tests, wait_until)
from guestlib import QEMUMonitorProtocol

DOCS = paths.SOURCE / 'docs'
PAGES = sorted((DOCS / 'man').glob('*.[157]'))
# Has a test of its own, which wants comments of another kind on every block.
OF_ITS_OWN = {'host-setup.md': 'tests/nested/test_host_setup.py'}


def documents() -> List[Path]:
    return [*sorted(paths.SOURCE.glob('*.md')), *sorted(DOCS.rglob('*.md'))]


def all_blocks() -> List[Block]:
    return [block for document in [*documents(), *PAGES]
            if document.name not in OF_ITS_OWN
            for block in blocks(document)]


# Running them

class Session:
    """Runs the blocks of one document, one after the other."""

    def __init__(self, directory: Path, stack: contextlib.ExitStack):
        self.directory = directory
        self.tree = directory / 'tree'
        self.bin = directory / 'bin'
        self.copy = directory / 'copy'
        self._stack = stack
        self._started = 0
        self._port = free_port()
        for folder in (self.tree, self.bin, directory / 'run'):
            folder.mkdir()
        for entry in paths.SOURCE.iterdir():
            if entry.name != 'build':
                (self.tree / entry.name).symlink_to(entry)
        (self.tree / 'build').symlink_to(paths.BUILD)
        self._make_programs()
        self.env = {**os.environ, 'PATH': f"{self.bin}:{os.environ['PATH']}",
                    'RAMINATE_POOLS': str(directory / 'pools.conf'),
                    'RAMINATE_BUILD': str(paths.BUILD),
                    'MAKEFLAGS': ''}

    def _make_programs(self) -> None:
        """What is in the path after installation."""
        for name, path in installed_tools().items():
            (self.bin / name).symlink_to(path)
        self._script('qemu-system-x86_64', f'''#!/bin/bash
# This host may have no KVM, and has no display.
exec {paths.require_qemu()} -display none "${{@/kvm/tcg}}"
''')
        (self.bin / 'raminate-exporter').unlink()
        self._script('raminate-exporter', f'''#!/bin/bash
exec {installed_tools()['raminate-exporter']} \
    --listen 127.0.0.1:{self._port} "$@"
''')
        if not shutil.which('curl'):
            self._script('curl', '''#!/usr/bin/env python3
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[-1]).read().decode())
''')
        image = paths.BUILD / 'qemu' / 'qemu-img'
        subprocess.run([image, 'create', '-q', '-f', 'qcow2',
                        self.tree / 'image.qcow2', '16M'], check=True)

    def _script(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def _local(self, text: str) -> str:
        """The same for directories and ports that are the test's own."""
        ours = {'/run/raminate': f'{self.directory}/run',
                '/etc/raminate': str(self.directory),
                '/dev/shm': str(self.directory),
                '/var/tmp': str(self.directory),
                '127.0.0.1:9958': f'127.0.0.1:{self._port}'}
        text = re.sub('|'.join(map(re.escape, ours)),
                      lambda match: ours[match.group()], text)
        # The default, too
        return re.sub(r'^raminate-top$', f"raminate-top '{self.directory}"
                      "/run/*.sock'", text, flags=re.M)

    def run(self, block: Block) -> None:
        kind = block.kind.partition(':')[0].partition(' ')[0]
        method: Callable[[Block], None] = getattr(self, f'_{kind}')
        try:
            method(block)
        except Exception as err:
            raise AssertionError(f'{block.where}: {err}') from err

    def _run(self, block: Block) -> None:
        if block.kind.startswith('run with'):
            self._need_guest()
        where = self.copy if 'copy' in block.kind else self.tree
        result = subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', self._local(block.text)],
            cwd=where, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=10 * PATIENCE, encoding='utf-8', check=False)
        check(result.returncode == 0, f'{block.text}{result.stdout}')

    def _background(self, block: Block) -> None:
        """Starts a command that goes on until the end of the document."""
        expected = block.kind.partition(': ')[2]
        self._started += 1
        output = self.directory / f'output{self._started}'
        with output.open('w') as file:
            process = subprocess.Popen(     # pylint: disable=R1732
                ['bash', '-c', self._local(block.text)], cwd=self.tree,
                env=self.env, stdin=subprocess.PIPE, stdout=file,
                stderr=file, start_new_session=True)
        self._stack.callback(self._end, process)

        def printed() -> bool:
            text = output.read_text(errors='replace')
            check(process.poll() is None, f'{block.text} has ended:\n{text}')
            return expected in text

        wait_until(printed, f'{block.text} to print {expected}')

    @staticmethod
    def _end(process: 'subprocess.Popen[bytes]') -> None:
        """As Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            assert process.stdin is not None
            process.stdin.close()

    def _screen(self, block: Block) -> None:
        command = self._local(block.text).strip()
        path = shlex.quote(self.env['PATH'])
        with terminal(self.directory, f'env -C {self.tree} PATH={path} '
                      + command) as shown:
            shown.wait(block.kind.partition(': ')[2])
            shown.keys('q')
            shown.wait(f'{SHELL_LEFT}0')

    # Guests

    def _need_guest(self) -> None:
        """One that has been recorded, unless the document has one."""
        sock = self.directory / 'run' / 'vm1.sock'
        if sock.exists():
            return
        args = ['-name', 'guest=vm1',
                *hybrid(self.directory, scan_period=200,
                        record=self.directory / 'guest.rec'),
                '-qmp', f'unix:{sock},server=on,wait=off']
        guest = Guest(self.directory,
                      Boot(['/bin/workload', 'arena=8192', 'hot=500',
                                 'thin=20']), args)
        self._stack.enter_context(guest)
        guest.launch()
        guest.console.wait('workload: phase 1\n', PATIENCE)
        wait_until(lambda: guest.raminate()['scans'] > 3, "scans", guest)

    @contextlib.contextmanager
    def _qmp_socket(self) -> Any:
        self._need_guest()
        qmp = QEMUMonitorProtocol(str(self.directory / 'run' / 'vm1.sock'))
        qmp.connect()
        try:
            yield qmp
        finally:
            qmp.close()

    def _monitor(self, block: Block) -> None:
        lines = re.findall(r'^\(qemu\) (.*)', block.text, re.M)
        check(lines, "there is no (qemu)")
        with self._qmp_socket() as qmp:
            for line in lines:
                answer = qmp.cmd('human-monitor-command', **{
                    'command-line': self._local(line.replace(' [id]', ''))})
                check(not re.search('^Error|unknown command', answer, re.M),
                      f'{line}: {answer}')
                if ' record /' in line:
                    self._wait_for_scans(qmp)
                if line.endswith(' record ""'):
                    check('record' not in qmp.cmd('query-raminate')[0],
                          f'{line}: it records')

    @staticmethod
    def _wait_for_scans(qmp: QEMUMonitorProtocol) -> None:
        """As somebody does who records."""
        def scans() -> Any:
            return qmp.cmd('query-raminate')[0]['scans']

        goal = scans() + 5
        wait_until(lambda: scans() >= goal, "scans")

    def _qmp(self, block: Block) -> None:
        commands = re.findall(r'^-> (.*?)(?=^<-|^->|\Z)', block.text,
                              re.M | re.S)
        check(commands, "there is no ->")
        with self._qmp_socket() as qmp:
            for text in commands:
                message = json.loads(text)
                qmp.cmd(message['execute'], **message.get('arguments', {}))

    # Changes of the source

    def _file(self, block: Block) -> None:
        self.need_copy()
        (self.copy / block.kind.split()[1]).write_text(block.text)

    def need_copy(self) -> None:
        if not self.copy.is_dir():
            self.copy.mkdir()
            shutil.copy(paths.SOURCE / 'meson.build', self.copy)
            for folder in ('backends', 'hw', 'tools', 'tests/unit'):
                shutil.copytree(paths.SOURCE / folder, self.copy / folder,
                                ignore_dangling_symlinks=True)


def free_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def is_run_here(block: Block) -> bool:
    return bool(block.kind) and not block.kind.startswith(('run by',
                                                           'not run'))


def run_document(directory: Path, name: str,
                 then: Callable[[Session], None] = lambda _: None) -> None:
    run_blocks(directory, blocks(DOCS / name), then)


def run_blocks(directory: Path, some: List[Block],
               then: Callable[[Session], None] = lambda _: None) -> None:
    """Runs what is to be run here, in order."""
    with contextlib.ExitStack() as stack:
        session = Session(directory, stack)
        for block in filter(is_run_here, some):
            session.run(block)
        then(session)


# Accounting

def every_command_is_accounted_for(_: Path) -> None:
    wrong = [f'{block.where}: {block.kind or "no comment"}\n{block.text}'
             for block in all_blocks()
             if not KINDS.fullmatch(block.kind)
             and (block.kind or block.has_commands())]
    check(not wrong, '\n'.join(wrong))


def other_tests_exist(_: Path) -> None:
    for block in all_blocks():
        if block.kind.startswith('run by '):
            path = block.kind.split()[2].rstrip(',')
            check((paths.SOURCE / path).is_file(), block.where)
    for name, path in OF_ITS_OWN.items():
        test = (paths.SOURCE / path).read_text()
        check_in(name, test)


def what_is_run_here_has_a_test(_: Path) -> None:
    here = {block.document for block in all_blocks() if is_run_here(block)}
    tested = {*RUN_HERE, *(page.name for page in PAGES)}
    check(set(RUN_HERE) <= here <= tested, here ^ tested)


def links_lead_somewhere(_: Path) -> None:
    for document in documents():
        text = document.read_text()
        for target in re.findall(r'\]\(([^)]+)\)', text):
            if '://' in target:
                continue
            file, _, anchor = target.partition('#')
            path = document.parent / file if file else document
            check(path.exists(), f'{document.name}: {target}')
            if anchor:
                titles = re.findall(r'^#+ (.*)', path.read_text(), re.M)
                anchors = {re.sub(r'[^\w -]', '', title).lower()
                           .replace(' ', '-') for title in titles}
                check(anchor in anchors, f'{document.name}: {target}')


def the_readme_has_all_documents(_: Path) -> None:
    text = (paths.SOURCE / 'README.md').read_text()
    for document in documents():
        if document.name != 'README.md':
            check_in(f'({document.relative_to(paths.SOURCE)})', text)


def every_metric_is_described(directory: Path) -> None:
    with Servers() as servers:
        servers.add(directory / 'vm.sock', Vm())
        with exporter(directory / '*.sock') as server:
            types = dict(re.findall(r'^# TYPE (\S+) (\S+)', server.scrape(),
                                    re.M))
    text = (DOCS / 'metrics.md').read_text()
    told = dict(re.findall(r'^\| `(raminate_\w+)` \| (\w+) \|', text, re.M))
    check(told == types, set(told.items()) ^ set(types.items()))
    rules = (paths.SOURCE / 'tools' / 'exporter' / 'raminate-alerts.yml')
    alerts = set(re.findall(r'alert: (\w+)', rules.read_text()))
    check(alerts == set(re.findall(r'^\| `(Raminate\w+)`', text, re.M)),
          "alerts differ")


def queries_are_right(directory: Path) -> None:
    text = (DOCS / 'metrics.md').read_text()
    section = text[text.index('## Questions'):text.index('## All metrics')]
    queries = re.findall(r'^\| [^|]*\? \| `([^`]+)`', section, re.M)
    check(len(queries) > 5, queries)
    rules = directory / 'rules.yml'
    rules.write_text(json.dumps({'groups': [{'name': 'all', 'rules': [
        {'record': f'a:{number}', 'expr': query}
        for number, query in enumerate(queries)]}]}))
    subprocess.run([debian.promtool(), 'check', 'rules',
                    str(rules)], check=True, stdout=subprocess.DEVNULL)


def tests_that_are_named_exist(_: Path) -> None:
    rows = []
    for document in ('compatibility.md', 'security.md'):
        found = re.findall(r'^\| .* \| .* \| (`tests/.*) \|$',
                           (DOCS / document).read_text(), re.M)
        check(len(found) > 12, f"{document}: {len(found)} rows name a test")
        rows += found
    named = {name for row in rows for name in re.findall('`([^`]+)`', row)}
    missing = [name for name in named if not (paths.SOURCE / name).is_file()]
    check(not missing, f"no such test: {missing}")


def parts_of_the_selftest_are_all_named(_: Path) -> None:
    nested = paths.SOURCE / 'tests' / 'nested'
    parts = re.findall(r'^    { "(\w+)", test_\w+ },$',
                       (nested / 'selftest.c').read_text(), re.M)
    check(len(parts) > 12, parts)
    # These need an emulated host: an address without RAM, a device to spare.
    wanted = [part for part in parts if part not in ('memtype', 'vfio')]
    lines = re.findall(r'tests/nested/selftest 0x\w+ long (.*)',
                       (DOCS / 'hardware.md').read_text())
    check(len(lines) > 2, lines)
    for line in lines:
        check(line.split() == wanted, f"{line} is not {' '.join(wanted)}")


def properties(kind: str) -> Set[str]:
    text = subprocess.run([paths.require_qemu(), '-object', f'{kind},help'],
                          check=True, stdout=subprocess.PIPE,
                          encoding='utf-8').stdout
    return set(re.findall(r'^  ([\w-]+)=<', text, re.M))


def every_policy_and_property_is_described(_: Path) -> None:
    text = (DOCS / 'reference.md').read_text()
    for kind in ('memory-backend-container', 'memory-backend-devmem',
                 'memory-backend-node'):
        own = properties(kind) - properties('memory-backend-ram')
        check(len(own) > 5, own)
        for name in own:
            check_in(f'| `{name}` |', text)
    listing = subprocess.run([installed_tools()['raminate-sim'], '--list'],
                             check=True, stdout=subprocess.PIPE,
                             encoding='utf-8').stdout
    names = re.findall(r'^([a-z][\w-]*)', listing, re.M)
    check(len(names) > 5, listing)
    only_simulated = {'oracle', 'oracle-scans'}
    for name in only_simulated:
        check_in(f'`{name}`', (DOCS / 'simulator.md').read_text())
    for name in set(names) - only_simulated:
        check_in(f'| `{name}` |', text)


# Documents

def quick_start(directory: Path) -> None:
    run_document(directory, 'quick-start.md')
    check(not (paths.BUILD / 'demo.sock').exists(), "a socket is left")


def tuning(directory: Path) -> None:
    run_document(directory, 'tuning.md')


def metrics(directory: Path) -> None:
    run_document(directory, 'metrics.md')


def reference(directory: Path) -> None:
    run_document(directory, 'reference.md')


def simulator(directory: Path) -> None:
    run_document(directory, 'simulator.md')


def development(directory: Path) -> None:
    """The policy that it adds works, and passes the policies' tests."""
    run_document(directory, 'development.md', try_new_policy)


def manual_pages(directory: Path) -> None:
    run_blocks(directory, [block for page in PAGES for block in blocks(page)])


def try_new_policy(session: Session) -> None:
    copy = session.copy
    check_in("'recent'",
             (copy / 'hw/raminate/raminate-types.json').read_text())
    library = re.findall(r"'((?:hw|backends)/[\w/.-]+\.c)'",
                         (copy / 'meson.build').read_text())
    check('hw/raminate/policy/recent.c' in library, library)
    tools = ['tools/lib/no-memory.c', 'tools/lib/options.c',
             'tools/lib/table.c', 'tools/lib/text.c', 'tools/lib/version.c',
             str(paths.BUILD / 'version.c'),
             *(str(path.relative_to(copy))
               for path in (copy / 'tools' / 'sim').glob('*.c'))]
    tests = ['tests/unit/test-policy.c', 'tests/unit/policy-harness.c']
    flags = subprocess.run(
        ['pkg-config', '--cflags', '--libs', 'glib-2.0'], check=True,
        stdout=subprocess.PIPE, encoding='utf-8').stdout.split()
    for out, sources in (('sim', tools), ('test', tests)):
        subprocess.run(['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror',
                        '-O1', '-I.', '-o', out, *sources, *library, *flags,
                        '-lm'], cwd=copy, check=True)
    recording = copy / 'moving2.rec'
    subprocess.run([installed_tools()['raminate-synth'], 'moving2', '--size',
                    '64', '--scans', '120', '-o', str(recording)],
                   check=True)
    [report] = json.loads(subprocess.run(
        ['./sim', '--json', '-p', 'recent', '-p', 'null', str(recording)],
        cwd=copy, check=True, stdout=subprocess.PIPE,
        encoding='utf-8').stdout)
    shares = {row['policy']: row['slow_pages_percent']
              for row in report['results']}
    check(shares['recent'] < shares['null'] / 2, shares)
    names = '/policy/every-policy-is-found-by-name'
    result = subprocess.run(['./test', '-p', '/policy/recent', '-p', names],
                            cwd=copy, check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, encoding='utf-8')
    check(result.returncode == 0, result.stdout)
    check(re.search(r'^ok \d+ /policy/recent/', result.stdout, re.M),
          result.stdout)
    check(re.search(rf'^ok \d+ {names}$', result.stdout, re.M), result.stdout)


RUN_HERE: Dict[str, Callable[[Path], None]] = {
    'development.md': development,
    'metrics.md': metrics,
    'quick-start.md': quick_start,
    'reference.md': reference,
    'simulator.md': simulator,
    'tuning.md': tuning,
}

run_tests(every_command_is_accounted_for, other_tests_exist,
          what_is_run_here_has_a_test, links_lead_somewhere,
          the_readme_has_all_documents, every_metric_is_described,
          queries_are_right, tests_that_are_named_exist,
          parts_of_the_selftest_are_all_named,
          every_policy_and_property_is_described,
          *RUN_HERE.values(),
          manual_pages)
