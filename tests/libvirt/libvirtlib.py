# What the libvirt tests share: hosts of their own, each with a libvirtd.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Callable, Iterator, Optional, Sequence, Type

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'guest'))

# pylint: disable=wrong-import-position,unused-import
from guestlib import (  # noqa: E402,F401
    MIB, PATIENCE, Skip, Test, check, check_figures, finish_checker,
    run_tests, wait_for_passes, wait_until)
from raminate import initramfs, kernel, paths  # noqa: E402
import packages  # noqa: E402

SuiteTest = Callable[[Path, str], None]

HERE = Path(__file__).resolve().parent
NAMESPACES = ('mount', 'net', 'uts', 'ipc', 'pid')
ENVIRONMENT = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:'
                       '/sbin:/bin', 'HOME': '/root', 'LC_ALL': 'C.UTF-8'}
LIBVIRTD_CONF = '''\
host_uuid = "{uuid}"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
unix_sock_rw_perms = "0700"
'''


class Host:
    """Namespaces that look like a machine of its own, and its libvirtd.

    Nothing that libvirt does there is seen outside, and all of it is gone
    when the with statement ends.
    """

    def __init__(self, directory: Path, images: Path, suite: str,
                 number: int = 1, qemu_conf: str = '',
                 wanted: Sequence[str] = packages.WANTED):
        self.name = f'host{number}'
        self.address = f'10.9.8.{number}'
        self.directory = directory / self.name
        self._images = images
        self._number = number
        self._suite = suite
        self._wanted = wanted
        self._qemu_conf = 'stdio_handler = "file"\n' + qemu_conf
        self._unshare: Optional['subprocess.Popen[bytes]'] = None
        self._pid = 0

    def __enter__(self) -> 'Host':
        require_privileges()
        # Of more users than one, of whom each sees but what is theirs.
        self.directory.parent.chmod(0o711)
        self.directory.mkdir()
        try:
            self._begin()
            self._set_up()
            self.start_libvirtd()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, exc_type: Optional[Type[BaseException]],
                 exc_val: Optional[BaseException],
                 exc_tb: Optional[TracebackType]) -> None:
        if exc_type is not None:
            self._print_logs()
        self._end()

    def _begin(self) -> None:
        # pylint: disable=consider-using-with
        self._unshare = subprocess.Popen(
            ['unshare', *(f'--{name}' for name in NAMESPACES), '--fork',
             '--kill-child', '--mount-proc', str(HERE / 'host-init'),
             self.name, str(self.directory), str(self._images),
             str(packages.find(self._suite, self._wanted)),
             str(paths.BUILD)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._unshare.stdout is not None
        check(self._unshare.stdout.readline() == b'ready\n',
              f"{self.name} does not come up")
        children = Path(f'/proc/{self._unshare.pid}/task/'
                        f'{self._unshare.pid}/children').read_text()
        self._pid = int(children)

    def _end(self) -> None:
        if self._unshare is not None:
            self._unshare.kill()
            self._unshare.communicate()

    def _print_logs(self) -> None:
        logs = self.directory / 'var' / 'log' / 'libvirt'
        for log in [*logs.glob('*.log'), *logs.glob('qemu/*.log')]:
            print(f"# {self.name}, {log.name}:")
            for line in log.read_text(errors='replace').splitlines()[-60:]:
                print(f"#   {line}")

    def _set_up(self) -> None:
        uuid = f'00000000-0000-4000-8000-{self._number:012}'
        self.write('/etc/libvirt/libvirtd.conf',
                   LIBVIRTD_CONF.format(uuid=uuid))
        self.write('/etc/libvirt/qemu.conf', self._qemu_conf)
        self.write('/etc/hosts', '127.0.0.1 localhost\n' + ''.join(
            f'10.9.8.{number} host{number}\n' for number in (1, 2)))

    def start_libvirtd(self) -> None:
        self.run('libvirtd', '--daemon', '--listen')

    def stop_libvirtd(self) -> None:
        """Domains run on, as when the package is upgraded."""
        self.run('sh', '-c', 'kill $(cat /run/libvirtd.pid) && '
                 'while [ -e /run/libvirtd.pid ]; do sleep 0.1; done')

    def path(self, inside: str) -> Path:
        """Where something of the host's /dev/shm, /etc, ... is outside."""
        for there, here in (('/dev/shm', 'shm'), ('/etc', 'etc'),
                            ('/run', 'run'), ('/var', 'var'),
                            ('/usr', 'usr')):
            if inside.startswith(there + '/'):
                return self.directory / here / inside[len(there) + 1:]
        raise ValueError(inside)

    def write(self, inside: str, text: str) -> None:
        """Writes a file of the host."""
        self.run('sh', '-c', 'mkdir -p "$(dirname "$1")" && cat >"$1"', 'sh',
                 inside, stdin=text)

    def call(self, *args: str,
             stdin: str = '') -> 'subprocess.CompletedProcess[str]':
        """Runs a program there."""
        return subprocess.run(
            ['nsenter', '--target', str(self._pid),
             *(f'--{name}' for name in NAMESPACES), '--', *args],
            input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding='utf-8', timeout=PATIENCE, check=False,
            env=ENVIRONMENT)

    def run(self, *args: str, stdin: str = '') -> str:
        """Output of a program that must succeed."""
        result = self.call(*args, stdin=stdin)
        check(result.returncode == 0,
              f"{self.name}: {' '.join(args)}: {result.stderr}")
        return result.stdout

    def refused(self, *args: str, stdin: str = '') -> str:
        """The message of a program that must fail."""
        result = self.call(*args, stdin=stdin)
        check(result.returncode != 0,
              f"{self.name}: {' '.join(args)} succeeds: {result.stdout}")
        return result.stderr


@contextlib.contextmanager
def images() -> Iterator[Path]:
    """What hosts have in common: /var/lib/libvirt/images."""
    # cache=none does not work everywhere in memory.
    with tempfile.TemporaryDirectory(prefix='raminate-',
                                     dir='/var/tmp') as name:
        folder = Path(name)
        folder.chmod(0o711)
        found = kernel.find()
        # libvirt changes the owner of files that a domain uses.
        shutil.copyfile(found.image, folder / 'vmlinuz')
        initramfs.build(folder / 'initrd', found, initramfs.MODULES)
        yield folder


def require_privileges() -> None:
    if os.geteuid() != 0:
        raise Skip("libvirt's system daemon needs root")
    for program in ('unshare', 'nsenter', 'ip'):
        if not shutil.which(program):
            raise Skip(f"there is no program '{program}'")
    mount = subprocess.run(
        ['unshare', '--mount', '--net', '--uts', '--ipc', '--pid', '--fork',
         'sh', '-c', 'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && '
         'mount -t overlay o -o lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w '
         '/usr'], stderr=subprocess.PIPE, encoding='utf-8', check=False)
    if mount.returncode:
        raise Skip(f"no namespaces or overlays here: {mount.stderr.strip()}")


def run_suites(*tests: SuiteTest) -> None:
    """Runs tests with each libvirt that can be had."""
    def named(test: SuiteTest, suite: str) -> Test:
        def run(directory: Path) -> None:
            test(directory, suite)
        run.__name__ = '_'.join([test.__name__, *suite.split('-')[1:]])
        return run
    run_tests(*(named(test, suite) for suite in packages.suites()
                for test in tests))


def connect(one: Host, two: Host) -> None:
    """A cable between two hosts."""
    # pylint: disable=protected-access
    one.run('ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name',
            'cable1')
    subprocess.run(['nsenter', '--target', str(one._pid), '--net', 'ip',
                    'link', 'set', 'cable1', 'netns', str(two._pid)],
                   check=True)
    two.run('ip', 'link', 'set', 'cable1', 'name', 'cable')
    for host in (one, two):
        host.run('ip', 'address', 'add', f'{host.address}/24', 'dev', 'cable')
        host.run('ip', 'link', 'set', 'cable', 'up')
