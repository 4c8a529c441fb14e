#!/usr/bin/env python3
# A distribution's kernel is found in its packages, however they are cut.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from pathlib import Path
from typing import Iterator, Type

from fakeapt import Files, fake_apt, make_archive, make_package
from toolslib import check, check_in, paths, run_tests
from raminate import apt, kernel

RELEASE = '7.3.4+deb13-amd64'
META = ('linux-image-amd64',)
# What apt says of it and all that it depends on; names are at the margin.
DEPENDS = f'''\
linux-image-amd64
  Depends: linux-image-{RELEASE}
linux-image-{RELEASE}
  PreDepends: linux-base
  Depends: <linux-initramfs-tool>
  Depends: linux-base-{RELEASE}
linux-base
linux-base-{RELEASE}
linux-binary-{RELEASE}
linux-modules-{RELEASE}
<linux-initramfs-tool>
'''
FAKES = {
    'apt-cache': 'cat "$archive/depends"',
    'apt-get': 'for name; do [ ! -f "$archive/$name.deb" ] || '
               'cp "$archive/$name.deb" .; done',
}
MODULES: Files = {
    'kernel/net/9p.ko': b'\0depends=net-fs\0',
    'kernel/fs/net-fs.ko': b'\0depends=\0',
}
BUILTIN: Files = {'modules.builtin': b'kernel/drivers/virtio_pci.ko\n'}


def image() -> bytes:
    """As much of an image as tells its version."""
    data = bytearray(0x300)
    data[0x202:0x206] = b'HdrS'
    data[0x20e:0x210] = (0x40).to_bytes(2, 'little')
    version = f'{RELEASE} (somebody) #1'.encode()
    data[0x240:0x240 + len(version)] = version
    return bytes(data)


def below(folder: str, *files: Files) -> Files:
    return {f'{folder}/modules/{RELEASE}/{name}': data
            for some in files for name, data in some.items()}


@contextlib.contextmanager
def archive_of(directory: Path, **packages: Files) -> Iterator[Path]:
    """An apt that has packages of the release; yields where a cache may be."""
    archive = make_archive(directory)
    names = [f'linux-{name}-{RELEASE}' for name in packages]
    for name, files in zip(names, packages.values()):
        make_package(archive, name, files)
    # What it has not is no dependency either.
    (archive / 'depends').write_text(''.join(
        f'{line}\n' for line in DEPENDS.splitlines()
        if RELEASE not in line or line in names))
    with fake_apt(archive, FAKES):
        yield directory / 'kernel'


def check_found(found: kernel.Kernel, modules: Path) -> None:
    check(found.version == RELEASE, found.version)
    check(found.modules == modules, f"modules are in {found.modules}")
    # What is built in has no file.
    names = [path.name for path in found.module_files(['virtio_pci', '9p'])]
    check(names == ['net-fs.ko', '9p.ko'], names)


def one_package_has_all(directory: Path) -> None:
    """Debian's, until 7.1"""
    with archive_of(directory, image={
            f'boot/vmlinuz-{RELEASE}': image(),
            **below('lib', MODULES, BUILTIN)}) as cache:
        check_found(kernel.get(cache, META), cache / 'lib/modules' / RELEASE)


def modules_have_a_package(directory: Path) -> None:
    """Ubuntu's"""
    with archive_of(directory,
                    image={f'boot/vmlinuz-{RELEASE}': image()},
                    modules=below('usr/lib', MODULES, BUILTIN)) as cache:
        check_found(kernel.get(cache, META),
                    cache / 'usr/lib/modules' / RELEASE)


def all_parts_have_a_package(directory: Path) -> None:
    """Debian's, from 7.2 on: that with the name of an image holds none."""
    with archive_of(directory, image={},
                    binary=below('usr/lib', {'vmlinuz': image()}),
                    modules=below('usr/lib', MODULES),
                    base=below('usr/lib', BUILTIN)) as cache:
        found = kernel.get(cache, META)
        check_found(found, cache / 'usr/lib/modules' / RELEASE)
        link = directory / 'vmlinuz'
        link.symlink_to(found.image)
        check_found(kernel.of_image(link),
                    cache / 'usr/lib/modules' / RELEASE)


def check_refused(cache: Path, error: Type[Exception], words: str) -> None:
    try:
        kernel.get(cache, META)
    except error as err:
        check_in(words, str(err))
    else:
        check(False, f"a kernel is found in spite of: {words}")
    check(not cache.exists(), "what is of no use is kept")


def packages_without_a_kernel_are_refused(directory: Path) -> None:
    with archive_of(directory, image={}) as cache:
        check_refused(cache, paths.SetupError, 'holds no kernel image')


def nothing_known_is_told(directory: Path) -> None:
    with archive_of(directory) as cache:
        check_refused(cache, apt.NoPackage, 'apt knows no kernel package;')


run_tests(one_package_has_all, modules_have_a_package,
          all_parts_have_a_package, packages_without_a_kernel_are_refused,
          nothing_known_is_told)
