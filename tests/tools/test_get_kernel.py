#!/usr/bin/env python3
# The KVM extension gets a kernel from Debian's packages, however they are cut,
# and is built only by the compiler that the kernel was built by.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import os
from pathlib import Path
import shutil
import subprocess
from typing import Dict, Iterator

from toolslib import Skip, check, check_in, paths, run_tests

ABI = '7.3.4+deb13'
RELEASE = f'{ABI}-amd64'
VERSION = '7.3.4-1~bpo13+1'
HEADERS = f'usr/src/linux-headers-{RELEASE}'
COMMON = f'usr/src/linux-headers-{ABI}-common'
MODULES = f'usr/lib/modules/{RELEASE}'
SOURCE = 'usr/src/linux-source-7.3.tar.xz'
IN_SOURCE = ('arch/x86/kvm/x86.c', 'virt/kvm/kvm_main.c',
             'scripts/checkpatch.pl', 'scripts/spelling.txt',
             'scripts/const_structs.checkpatch')
UPSTREAM = 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n'
NO_COMPILER = 'x86_64-linux-gnu-gcc-99'

Files = Dict[str, str]
# What both ways to cut the packages have in common
HEADER_PACKAGES: Dict[str, Files] = {
    f'linux-headers-{RELEASE}': {
        f'{HEADERS}/Makefile': f'KBUILD_OUTPUT=/{HEADERS}\n'
                               f'include /{COMMON}/Makefile\n',
        f'{HEADERS}/include/config/auto.conf':
            f'CONFIG_CC_VERSION_TEXT="{NO_COMPILER} (Debian 99.1) 99.1"\n'},
    f'linux-headers-{ABI}-common': {
        f'{COMMON}/Makefile': 'output:\n\t@echo $(KBUILD_OUTPUT)\n'
                              'kernelversion:\n\t@echo 7.3.4\n'},
    f'linux-kbuild-{ABI}': {},
}
UNTIL_7_1: Dict[str, Files] = {
    f'linux-image-{RELEASE}': {
        f'boot/vmlinuz-{RELEASE}': '',
        f'lib/modules/{RELEASE}/kernel/9p.ko': ''},
}
FROM_7_2: Dict[str, Files] = {
    f'linux-image-{RELEASE}': {},
    f'linux-binary-{RELEASE}': {f'{MODULES}/vmlinuz': ''},
    f'linux-modules-{RELEASE}': {f'{MODULES}/kernel/9p.ko': ''},
    f'linux-base-{RELEASE}': {f'{MODULES}/modules.builtin': ''},
}
FAKES = {
    # The image's package always depends on the plain linux-base, too.
    'apt-cache': f'''case $1 in
show) echo "Version: {VERSION}"; echo "Depends: linux-kbuild-{ABI}" ;;
depends) cat "$archive/depends" ;;
esac
''',
    'apt-get': '''while [ "$1" != download ]; do shift; done
shift
for name; do cp "$archive/${name%%=*}.deb" . || exit 1; done
''',
}


def make_package(archive: Path, name: str, files: Files) -> None:
    tree = archive / name
    (tree / 'DEBIAN').mkdir(parents=True)
    (tree / 'DEBIAN' / 'control').write_text(
        f'Package: {name}\nVersion: {VERSION}\nArchitecture: all\n'
        'Maintainer: nobody\nDescription: a test\n')
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    if name == 'linux-source-7.3':
        subprocess.run(['tar', '-cJf', tree / SOURCE, '-C', tree / 'usr/src',
                        name], check=True)
    subprocess.run(['dpkg-deb', '-b', '-Znone', tree, f'{tree}.deb'],
                   check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def archive_of(directory: Path, image: Dict[str, Files]) -> Iterator[None]:
    """An apt that has the packages of a kernel."""
    if shutil.which('dpkg-deb') is None:
        raise Skip("there is no dpkg-deb; install dpkg")
    archive = directory / 'archive'
    source = {f'usr/src/linux-source-7.3/{name}': '' for name in IN_SOURCE}
    source['usr/src/linux-source-7.3/Makefile'] = UPSTREAM
    packages = {**HEADER_PACKAGES, **image, 'linux-source-7.3': source}
    for name, files in packages.items():
        make_package(archive, name, files)
    depends = ['linux-base', *(name for name in image if '-image-' not in name)]
    (archive / 'depends').write_text(''.join(
        f'  Depends: {name}\n' for name in depends))
    for name, text in FAKES.items():
        (archive / name).write_text(f'#!/bin/sh\narchive={archive}\n{text}')
        (archive / name).chmod(0o755)
    path = os.environ['PATH']
    os.environ['PATH'] = f'{archive}:{path}'
    try:
        yield
    finally:
        os.environ['PATH'] = path


def kvm(script: str, *args: object) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run([paths.SOURCE / 'kvm' / script, *map(str, args)],
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def get(directory: Path) -> Path:
    """The kernel's directory, in another place than it was made in."""
    ended = kvm('get-kernel', '--release', RELEASE, directory / 'first')
    check(ended.returncode == 0, ended.stdout)
    return (directory / 'first').rename(directory / 'kernel')


def check_there(directory: Path, *names: str) -> None:
    for name in names:
        check((directory / name).exists(), f"{name} is missing")


def one_package_has_all(directory: Path) -> None:
    """The kernel's, until 7.1"""
    with archive_of(directory, UNTIL_7_1):
        check_there(get(directory), f'root/boot/vmlinuz-{RELEASE}',
                    f'root/lib/modules/{RELEASE}/kernel/9p.ko')


def all_parts_have_a_package(directory: Path) -> None:
    """From 7.2 on"""
    with archive_of(directory, FROM_7_2):
        check_there(get(directory), f'root/{MODULES}/vmlinuz',
                    f'root/{MODULES}/kernel/9p.ko',
                    f'root/{MODULES}/modules.builtin',
                    *(f'source/{name}' for name in IN_SOURCE))


def headers_are_for_where_they_are(directory: Path) -> None:
    with archive_of(directory, FROM_7_2):
        headers = get(directory) / 'root' / HEADERS
        output = subprocess.run(['make', '-s', '-C', headers, 'output'],
                                check=False, text=True,
                                stdout=subprocess.PIPE).stdout.strip()
        check(output.rstrip('/') == str(headers), f"they are for {output}")


def another_compiler_is_refused(directory: Path) -> None:
    with archive_of(directory, FROM_7_2):
        ended = kvm('build', '--kernel', get(directory), directory / 'out')
        check(ended.returncode != 0, "it is built")
        check(len(ended.stdout.splitlines()) == 1, ended.stdout)
        check_in(f'Linux 7.3.4 has to be built by {NO_COMPILER}, which is not',
                 ended.stdout)
        check(not (directory / 'out').exists(), "there is something built")


run_tests(one_package_has_all, all_parts_have_a_package,
          headers_are_for_where_they_are, another_compiler_is_refused)
