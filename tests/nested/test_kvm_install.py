#!/usr/bin/env python3
# make kvm-install: its modules win over the distribution's, a new kernel gets
# them too, and they go without a trace.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from pathlib import Path
from typing import List

from hostroot import enter, install_kernel, must, shell
from machine import SOURCE
from nestedlib import Tap, main

MODULES = ('kvm', 'kvm-amd', 'kvm-intel')
PLACES = ('/lib/modules', '/usr/src', '/usr/share/dkms', '/var/lib/dkms')
OTHER_SERIES = '6.99.1-amd64'
NOT_INSTALLED = '6.12.9999-amd64'
NOT_AT_THE_MIRROR = '6.12.1-1'
BACKPORTED = '7.3.4+deb13-amd64'
BACKPORTS_VERSION = '7.3.4-1~bpo13+1'
# The image's metapackage is of backports, the headers' of the stable release.
METAPACKAGE = f'''#!/bin/sh
case "$*" in
*' linux-image-*') echo "installed linux-image-amd64 {BACKPORTS_VERSION}" \
    "linux-base-amd64 (= {BACKPORTS_VERSION})," \
    "linux-image-{BACKPORTED} (= {BACKPORTS_VERSION})," \
    "linux-modules-amd64 (= {BACKPORTS_VERSION})" ;;
*' linux-headers-amd64') echo installed 6.12.117-1 ;;
*) exit 1 ;;
esac
'''
MAKE = f'make -s -C {SOURCE}'


def chosen(release: str) -> List[str]:
    """The files that modprobe takes."""
    return [must(f'modinfo -k {release} -n {name}').strip()
            for name in MODULES]


def files() -> List[str]:
    """All files where something is installed, but for DKMS's own key."""
    return sorted(must('find -L ' + ' '.join(PLACES) + ' -xdev -type f '
                       '! -name "mok.*" 2>/dev/null || true').splitlines())


def check_refusal(tap: Tap, name: str, command: str, *words: str) -> None:
    """The command fails with one sentence, which has the words."""
    ended = shell(command)
    said = [line for line in ended.stdout.splitlines()
            if not line.startswith('make: ')]
    tap.check(ended.returncode != 0 and len(said) == 1
              and all(word in said[0] for word in words), name, said)


def refusals(tap: Tap, release: str) -> None:
    install = f'{MAKE} kvm-install KVM_RELEASE='
    check_refusal(tap, "a kernel of another series is refused",
                  install + OTHER_SERIES, OTHER_SERIES, '6.12')
    check_refusal(tap, "a kernel that is not installed is refused",
                  install + NOT_INSTALLED, NOT_INSTALLED, 'not installed')
    check_refusal(tap, "missing packages are named",
                  f'INSTALL_PACKAGES=no {install}{release}', 'dkms',
                  f'linux-headers-{release}')
    check_refusal(tap, "only root may install",
                  f'setpriv --reuid nobody {install}{release}', 'root')
    check_refusal(tap, "a version that can't be had is named",
                  f'{SOURCE}/kvm/get-source --version {NOT_AT_THE_MIRROR} '
                  f'{release} /tmp/source', release, NOT_AT_THE_MIRROR)


def asks_for_headers_of_the_suite(tap: Tap) -> None:
    """Backports has a metapackage of the same name as the stable release."""
    Path('/lib/modules', BACKPORTED, 'kernel').mkdir(parents=True)
    fake = Path('/usr/local/bin/dpkg-query')
    fake.write_text(METAPACKAGE)
    fake.chmod(0o755)
    check_refusal(tap, "a metapackage's headers are of its own version",
                  f'INSTALL_PACKAGES=no {MAKE} kvm-install '
                  f'KVM_RELEASE={BACKPORTED}',
                  f'linux-source-7.3 linux-headers-amd64={BACKPORTS_VERSION}.')
    fake.unlink()
    must(f'rm -r /lib/modules/{BACKPORTED}')


def installs(tap: Tap, release: str) -> None:
    ended = shell(f'{MAKE} kvm-install KVM_RELEASE={release}')
    tap.check(ended.returncode == 0, "make kvm-install succeeds",
              ended.stdout.splitlines()[-20:])
    check_is_in_force(tap, release, "modprobe takes the modules installed")
    needed = must(f'modprobe -S {release} --show-depends kvm-amd')
    tap.check(needed.count('/updates/dkms/') == 2,
              "kvm-amd brings the kvm installed along", needed.splitlines())


def check_is_in_force(tap: Tap, release: str, name: str) -> None:
    taken = chosen(release)
    must(f'xz -dcf {taken[0]} >/tmp/kvm.ko')
    tap.check(all('/updates/dkms/' in file for file in taken)
              and 'kvm_raminate_vm_ioctl' in must('nm /tmp/kvm.ko'), name,
              taken)


def replaces_earlier_ones(tap: Tap, release: str) -> None:
    must('cd /usr/src && cp -r raminate-kvm-* raminate-kvm-earlier && '
         'sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=earlier/" '
         'raminate-kvm-earlier/dkms.conf && dkms add raminate-kvm/earlier')
    ended = shell(f'{MAKE} kvm-install KVM_RELEASE={release}')
    found = must('dkms status raminate-kvm; ls -d /usr/src/raminate-kvm-*')
    tap.check(ended.returncode == 0 and found.count('raminate-kvm') == 2
              and 'earlier' not in found, "what was installed earlier goes",
              [*ended.stdout.splitlines()[-10:], *found.splitlines()])
    check_is_in_force(tap, release, "the modules stay in force")


def comes_with_a_kernel(tap: Tap, release: str) -> None:
    """As an update does: the kernel's packages run DKMS for it."""
    series = '.'.join(release.split('.')[:2])
    must('dkms unbuild $(dkms status raminate-kvm | sed "s/, .*//") '
         f'-k {release} && apt-get -q remove -y linux-source-{series}')
    tap.check(all('/kernel/' in file for file in chosen(release)),
              "a kernel has its own KVM at first", chosen(release))
    ended = shell(f'apt-get -q install -y --reinstall linux-headers-{release}')
    tap.check(ended.returncode == 0, "a kernel is installed",
              ended.stdout.splitlines()[-20:])
    check_is_in_force(tap, release, "the kernel gets the modules, from the "
                      "source that apt has")


def leaves_others_alone(tap: Tap) -> None:
    build = Path('/lib/modules') / OTHER_SERIES / 'build'
    (build / 'include').mkdir(parents=True)
    ended = shell(f'/etc/kernel/postinst.d/dkms {OTHER_SERIES}')
    tap.check(ended.returncode == 0
              and not (build.parent / 'updates').exists(),
              "a kernel of another series is left alone",
              ended.stdout.splitlines())
    must(f'rm -r {build.parent}')


def goes(tap: Tap, release: str, before: List[str]) -> None:
    ended = shell(f'{MAKE} kvm-uninstall')
    tap.check(ended.returncode == 0, "make kvm-uninstall succeeds",
              ended.stdout.splitlines())
    tap.check(all('/kernel/' in file for file in chosen(release)),
              "modprobe takes the kernel's own modules", chosen(release))
    left = sorted(set(files()) ^ set(before))
    tap.check(not left, "nothing is left", left)


def run(tap: Tap) -> None:
    release = install_kernel()
    refusals(tap, release)
    asks_for_headers_of_the_suite(tap)
    must('apt-get -q install -y --no-install-recommends dkms '
         f'linux-headers-{release}')
    before = files()
    installs(tap, release)
    replaces_earlier_ones(tap, release)
    comes_with_a_kernel(tap, release)
    leaves_others_alone(tap)
    goes(tap, release, before)


if __name__ == '__main__':
    enter()
    main(run)
