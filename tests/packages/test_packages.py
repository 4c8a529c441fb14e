#!/usr/bin/env python3
# Packages are made of the tarball, without git and as debhelper does it; they
# are free of lintian's errors, install beside the distribution's QEMU, have
# what a distribution's QEMU has, work, also under libvirt, and go without a
# trace; DKMS builds KVM with the extension.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
import re
import shutil
import subprocess
import sys
from typing import Callable, List

import features
import roots
from guestlib import Test, check, run_tests
from raminate import paths

sys.path.insert(0, str(paths.SOURCE / 'tests' / 'tools'))

# pylint: disable=wrong-import-position
from documents import blocks  # noqa: E402

HERE = Path(__file__).resolve().parent
SUITES = ('bookworm', 'trixie')
PACKAGES = ('raminate-doc', 'raminate-kvm-dkms', 'raminate-qemu',
            'raminate-tools')
# What a host has that runs guests already
HOST = ('ca-certificates', 'python3', 'systemd', 'qemu-system-x86',
        'qemu-utils')
PATIENCE = 300      # seconds; only a hang takes so long
# What is there of a system, but for its packages' lists and its logs
LIST = '''
    find / -xdev '(' -path /proc -o -path /sys -o -path /dev -o -path /tmp \\
        -o -path /mnt -o -path /var/log -o -path /var/cache \\
        -o -path /var/lib/dpkg -o -path /var/lib/apt ')' -prune \\
        -o -printf '%p %y %m %u %g\\n' | grep -v '^/etc/.*- f' | sort
    cat /etc/passwd /etc/group
'''


def packages(suite: str) -> List[Path]:
    """Those of a release, which are made unless they are there."""
    roots.require()
    root = roots.find(suite, 'build',
                      [*roots.build_dependencies(), 'build-essential',
                       'ccache', 'fakeroot', 'lintian'])
    where = roots.CACHE / suite
    tarball = Path(subprocess.run(
        [paths.SOURCE / 'scripts/setup/dist', where], check=True,
        stdout=subprocess.PIPE, encoding='utf-8').stdout.strip())
    tree = where / 'source'
    stamp = where / 'made'
    if not stamp.exists() or stamp.read_text() != tarball.name:
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        subprocess.run(['tar', '-xf', tarball, '-C', tree,
                        '--strip-components=1'], check=True)
        shutil.copytree(paths.SOURCE / 'qemu/download', tree / 'qemu/download')
        roots.run(root, f'make -C {tree} deb', where)
        stamp.write_text(tarball.name)
    tarball.unlink()
    # Which DEB_BUILD_OPTIONS may have asked for
    found = [path for path in sorted((tree / 'build/deb').glob('*.deb'))
             if '-dbgsym_' not in path.name]
    check([path.name.partition('_')[0] for path in found] == list(PACKAGES),
          found)
    return found


def lintian_finds_no_error(_: Path, suite: str) -> None:
    found = ' '.join(map(str, packages(suite)))
    roots.run(roots.CACHE / f'{suite}-build',
              f'lintian --fail-on error --allow-root {found}',
              roots.CACHE / suite)


def install_work_and_go(_: Path, suite: str) -> None:
    found = ' '.join(map(str, packages(suite)))
    said = roots.run(roots.find(suite, 'host', HOST), f'''
        apt-get -q update
        # What the packages need stays.
        apt-get -s install --no-install-recommends {found} |
            sed -n 's/^Inst \\([^ ]*\\).*/\\1/p' | grep -v ^raminate- |
            xargs apt-get -q install -y --no-install-recommends
        list() {{ {LIST} }}
        list >/tmp/before
        apt-get -q install -y --no-install-recommends {found}
        echo "=== Debian's"
        qemu-system-x86_64 --version | head -n 1
        qemu-img --version | head -n 1
        dpkg -S /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img
        echo "=== ours"
        raminate-qemu --version | head -n 1
        raminate-top --version
        dkms status
        ls -ld /run/raminate
        getent passwd raminate
        gpasswd -a games raminate
        raminate-pool -f /usr/share/doc/raminate-tools/examples/pools.conf \\
            args small
        truncate -s 64M /dev/shm/fast
        truncate -s 192M /dev/shm/slow
        raminate-qemu -accel tcg -display none -daemonize -m 256M \\
            -machine memory-backend=dmcon0 \\
            -object memory-backend-container,id=dmcon0,size=256M \\
            -object memory-backend-devmem,id=dram0,size=64M,offset=0,parent=dmcon0,mem-path=/dev/shm/fast \\
            -object memory-backend-devmem,id=nvm0,size=192M,offset=64M,parent=dmcon0,mem-path=/dev/shm/slow \\
            -qmp unix:/run/raminate/vm1.sock,server=on,wait=off \\
            -pidfile /run/vm1.pid
        raminate-top --once
        kill $(cat /run/vm1.pid)
        while [ -e /run/vm1.pid ]; do sleep 0.1; done
        rm -f /run/raminate/vm1.sock
        echo "=== gone"
        apt-get -q purge -y {' '.join(PACKAGES)}
        list >/tmp/after
        diff /tmp/before /tmp/after && echo without a trace
    ''', roots.CACHE / suite)
    debian, ours, gone = re.split('^=== .*\n', said, flags=re.M)[1:]
    check('RAMinate' not in debian and
          'qemu-system-x86: /usr/bin/qemu-system-x86_64' in debian and
          'qemu-utils: /usr/bin/qemu-img' in debian, debian)
    for pattern in (r'^QEMU emulator version 10.*RAMinate ',
                    r'^raminate-top \(RAMinate\) ', r'^raminate-kvm/',
                    r'^drwxrwsr-x .* root raminate .* /run/raminate$',
                    r'^raminate:x:', r'memory-backend=dmcon0', r'dmcon0 '):
        check(re.search(pattern, ours, re.M), f'no {pattern} in:\n{ours}')
    check('without a trace' in gone, gone)


def all_features_are_in(_: Path, suite: str) -> None:
    [deb] = [path for path in packages(suite)
             if path.name.startswith('raminate-qemu')]
    said = roots.run(roots.find(suite, 'host', HOST), f'''
        apt-get -q update
        apt-get -q install -y --no-install-recommends {deb}
        echo "=== tried"
        {features.__file__} /usr/bin/raminate-qemu /usr/lib/raminate || true
    ''', roots.CACHE / suite, HERE)
    tried = said.partition('=== tried\n')[2].splitlines()
    check(tried == [f'ok {name}' for name in features.NAMES], tried)


def commands_of_the_quick_start() -> List[str]:
    """Those with packages and libvirt, each in one line."""
    [text] = [block.text for block in
              blocks(paths.SOURCE / 'docs' / 'quick-start.md')
              if 'virt-install' in block.text]
    commands = re.sub(r'\\\n *|(?<=\|)\n *', ' ', text).splitlines()
    check(len(commands) == 6 and commands[-1] == 'raminate-top', commands)
    return commands


def rules_of_apparmor_on(suite: str) -> str:
    """The command that Debian 12 takes besides."""
    [command] = [block.text for block in
                 blocks(paths.SOURCE / 'docs' / 'libvirt.md')
                 if '<abstractions/libvirt-qemu.d>' in block.text]
    return command if suite == 'bookworm' else ''


def libvirts_guest_is_seen_after_six_commands(_: Path, suite: str) -> None:
    """On a host of its own net, where AppArmor's rules are looked at, too."""
    folder = packages(suite)[0].parent
    install, *others, top = commands_of_the_quick_start()
    newline = '\n'
    said = roots.run(roots.find(suite, 'host', HOST), f'''
        cd {folder}
        apt-get -q update
        {install.replace('apt ', 'apt-get -q -y --no-install-recommends ')} \\
            apparmor
        qemu-img create -f qcow2 /var/lib/libvirt/images/image.qcow2 64M
        {rules_of_apparmor_on(suite)}
        cat >/tmp/profile <<END
        #include <tunables/global>
        profile domain {{
            #include <abstractions/libvirt-qemu>
        }}
END
        echo "=== rules"
        realpath /usr/bin/raminate-qemu
        grep ' /usr/bin/' /etc/apparmor.d/usr.sbin.libvirtd
        apparmor_parser --skip-kernel-load --skip-cache /tmp/profile
        apparmor_parser --preprocess /tmp/profile
        # libvirt's own /dev fails where / is no host's; KVM may fail, too.
        echo 'namespaces = []' >>/etc/libvirt/qemu.conf
        [ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm
        cat >/tmp/rest <<'END'
        virtlogd --daemon
        libvirtd --daemon
        {newline.join(others)}
        echo "=== top"
        {{ for _ in {{1..{PATIENCE}}}; do
            ! grep -qs slow /tmp/screen || break
            sleep 1
        done; printf q; }} | TERM=vt100 script -qefc \\
            'stty cols 80 rows 24; {top}' /tmp/screen
END
        unshare --net bash -eux /tmp/rest
    ''', roots.CACHE / suite)
    rules, shown = re.split('^=== .*\n', said, flags=re.M)[1:]
    for line in ('/usr/bin/raminate-qemu', '/usr/bin/* PUx,',
                 '/usr/bin/raminate-qemu rmix,',
                 '/dev/shm/raminate-* rwk,'):
        check(re.search(rf'^ *{re.escape(line)}$', rules, re.M),
              f'no {line} in:\n{rules}')
    for words in ('vm1', 'mixed', 'slow'):
        check(words in shown, f'no {words} in:\n{said[-9000:]}')


def dkms_builds_the_modules(_: Path, suite: str) -> None:
    """For the release's own kernel, which is installed before."""
    [deb] = [path for path in packages(suite)
             if path.name.startswith('raminate-kvm-dkms')]
    said = roots.run(roots.find(suite, 'host', HOST), f'''
        export INITRD=No
        apt-get -q update
        apt-get -q install -y --no-install-recommends dkms \\
            linux-image-amd64 linux-headers-amd64
        release=$(ls /lib/modules)
        apt-get -q install -y --no-install-recommends {deb}
        modinfo -k $release -n kvm kvm-amd kvm-intel
        apt-get -q purge -y raminate-kvm-dkms
        modinfo -k $release -n kvm kvm-amd kvm-intel
    ''', roots.CACHE / suite)
    found = re.findall(r'^/\S*/modules/\S+/(updates/dkms|kernel)/\S*kvm\S*$',
                       said, re.M)
    check(found == 3 * ['updates/dkms'] + 3 * ['kernel'], said)


def of_each_suite(*tests: Callable[[Path, str], None]) -> List[Test]:
    def named(test: Callable[[Path, str], None], suite: str) -> Test:
        def run(directory: Path) -> None:
            test(directory, suite)
        run.__name__ = f'{test.__name__}_{suite}'
        return run
    return [named(test, suite) for suite in SUITES for test in tests]


if __name__ == '__main__':
    run_tests(*of_each_suite(lintian_finds_no_error, install_work_and_go,
                             all_features_are_in,
                             libvirts_guest_is_seen_after_six_commands,
                             dkms_builds_the_modules))
