#!/usr/bin/env python3
# The KVM extension gets a kernel from Debian's packages, however they are cut,
# and is built only by the compiler that the kernel was built by.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
import subprocess
from typing import Dict, Iterator

from fakeapt import Files, fake_apt, make_archive, make_package
from toolslib import check, check_in, paths, run_tests

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

# What both ways to cut the packages have in common
HEADER_PACKAGES: Dict[str, Files] = {
    f'linux-headers-{RELEASE}': {
        f'{HEADERS}/Makefile': (f'KBUILD_OUTPUT=/{HEADERS}\n'
                                f'include /{COMMON}/Makefile\n').encode(),
        f'{HEADERS}/include/config/auto.conf':
            f'CONFIG_CC_VERSION_TEXT="{NO_COMPILER} (Debian 99.1) 99.1"\n'
            .encode()},
    f'linux-headers-{ABI}-common': {
        f'{COMMON}/Makefile': b'output:\n\t@echo $(KBUILD_OUTPUT)\n'
                              b'kernelversion:\n\t@echo 7.3.4\n'},
    f'linux-kbuild-{ABI}': {},
}
UNTIL_7_1: Dict[str, Files] = {
    f'linux-image-{RELEASE}': {
        f'boot/vmlinuz-{RELEASE}': b'',
        f'lib/modules/{RELEASE}/kernel/9p.ko': b''},
}
FROM_7_2: Dict[str, Files] = {
    f'linux-image-{RELEASE}': {},
    f'linux-binary-{RELEASE}': {f'{MODULES}/vmlinuz': b''},
    f'linux-modules-{RELEASE}': {f'{MODULES}/kernel/9p.ko': b''},
    f'linux-base-{RELEASE}': {f'{MODULES}/modules.builtin': b''},
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


def source(directory: Path) -> bytes:
    """What the package of a kernel's source has in it."""
    tree = directory / 'linux-source-7.3'
    for name in IN_SOURCE:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / 'Makefile').write_text(UPSTREAM)
    return subprocess.run(['tar', '-cJ', '-C', directory, tree.name],
                          check=True, stdout=subprocess.PIPE).stdout


@contextlib.contextmanager
def archive_of(directory: Path, image: Dict[str, Files]) -> Iterator[None]:
    """An apt that has the packages of a kernel."""
    archive = make_archive(directory)
    packages = {**HEADER_PACKAGES, **image,
                'linux-source-7.3': {SOURCE: source(directory)}}
    for name, files in packages.items():
        make_package(archive, name, files, VERSION)
    depends = ['linux-base', *(name for name in image
                               if '-image-' not in name)]
    (archive / 'depends').write_text(''.join(
        f'  Depends: {name}\n' for name in depends))
    with fake_apt(archive, FAKES):
        yield


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
