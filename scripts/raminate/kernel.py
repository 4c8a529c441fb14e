# Gets the distribution's own kernel, without installing it.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
from dataclasses import dataclass
import fcntl
import lzma
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile
from typing import Dict, Iterator, List, Optional, Sequence

from . import apt, paths
from .paths import SetupError

# Those of hardware have drivers for all that QEMU emulates.
FULL_PACKAGES = ('linux-image-amd64', 'linux-image-generic')
# Smaller first: the cloud kernels have all that a QEMU guest needs.
PACKAGES = ('linux-image-cloud-amd64', FULL_PACKAGES[0],
            'linux-image-virtual', FULL_PACKAGES[1])
REMEDY = ("name a kernel image with KERNEL=PATH (its modules are looked for "
          "beside it, in lib/modules beside its directory, and in "
          "/lib/modules)")


@dataclass
class Kernel:
    """A bootable kernel image and the modules that belong to it."""
    image: Path
    version: str
    modules: Optional[Path]

    def module_files(self, names: List[str]) -> List[Path]:
        """Files of the modules and what they depend on, in load order."""
        if not names:
            return []
        if self.modules is None:
            raise SetupError(f"no modules for kernel {self.version} found; "
                             + REMEDY)
        return _in_load_order(names, _index(self.modules))

    def has_module(self, name: str) -> bool:
        """Whether it is there, or built in."""
        return self.modules is not None and name in _index(self.modules)


def find(cache: Path = paths.BUILD / 'kernel',
         packages: Sequence[str] = PACKAGES) -> Kernel:
    """The kernel named by KERNEL, or else the distribution's newest one."""
    named = os.environ.get('KERNEL')
    return of_image(Path(named)) if named else get(cache, packages)


def get(cache: Path, packages: Sequence[str], suite: str = '') -> Kernel:
    """The newest kernel of the distribution, or of another suite of it."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with _locked(cache.with_suffix('.lock')):
        if not cache.is_dir():
            _fetch(cache, packages, suite)
    return of_image(images(cache)[0])


def read_module(path: Path) -> bytes:
    if path.suffix == '.xz':
        return lzma.decompress(path.read_bytes())
    if path.suffix == '.zst':
        return subprocess.run(['zstd', '-dcq', str(path)], check=True,
                              stdout=subprocess.PIPE).stdout
    return path.read_bytes()


def of_image(image: Path) -> Kernel:
    """The kernel of that image, with the modules beside it or installed."""
    version = _image_version(image)
    folder = image.resolve().parent
    # From 7.2 on, Debian has images beside their modules.
    places = [folder] if folder.name == version else []
    # Newer packages put them below /usr.
    places += [root / lib / 'modules' / version
               for root in (folder.parent, Path('/'))
               for lib in ('lib', 'usr/lib')]
    modules = next((p for p in places if (p / 'kernel').is_dir()), None)
    return Kernel(image, version, modules)


def _image_version(image: Path) -> str:
    """Reads the version from the x86 boot header."""
    try:
        with image.open('rb') as file:
            header = file.read(0x8000)
    except OSError as err:
        raise SetupError(f"kernel image {image} cannot be read "
                         f"({err.strerror}); {REMEDY}") from err
    if header[0x202:0x206] != b'HdrS':
        raise SetupError(f"{image} is not an x86 kernel image; {REMEDY}")
    start = int.from_bytes(header[0x20e:0x210], 'little') + 0x200
    return header[start:start + 200].split()[0].decode()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _apt(*args: str, cwd: Optional[str] = None) -> str:
    """Output of an apt command, empty if it fails."""
    env = dict(os.environ, LC_ALL='C')
    with contextlib.suppress(OSError):
        return subprocess.run(args, cwd=cwd, env=env, text=True, check=False,
                              stdout=subprocess.PIPE).stdout
    return ''


def _wanted_packages(packages: Sequence[str], options: Sequence[str] = ()
                     ) -> List[str]:
    """All that one kernel is in: its image, and what is apart from that.

    That is the modules in Ubuntu, and from 7.2 on in Debian also the image
    itself, in linux-binary, and the list of what is built in, in linux-base.
    """
    for package in packages:
        deps = _apt('apt-cache', *options, *apt.DEPENDS, package)
        wanted = re.findall(r'^linux-(?:base|binary|image|modules)-\d\S+$',
                            deps, re.M)
        if wanted:
            return sorted(set(wanted))
    return []


def _fetch(cache: Path, packages: Sequence[str], suite: str) -> None:
    with tempfile.TemporaryDirectory(dir=cache.parent,
                                     prefix='kernel-') as tmp:
        options = apt.suite_options(Path(tmp), suite) if suite else []
        wanted = _wanted_packages(packages, options)
        if not wanted and not suite and os.geteuid() == 0:
            _apt('apt-get', '-q', 'update')
            wanted = _wanted_packages(packages)
        if not wanted:
            raise apt.NoPackage(
                f"apt knows no kernel package{suite and f' of {suite}'}; "
                "run apt-get update, or " + REMEDY)
        _unpack(wanted, options, Path(tmp))
        (Path(tmp) / 'root').rename(cache)


def images(root: Path) -> List[Path]:
    """The kernels in a directory that packages were unpacked to."""
    return [*root.glob('boot/vmlinuz-*'),
            *root.glob('usr/lib/modules/*/vmlinuz')]


def _unpack(packages: List[str], options: Sequence[str], tmp: Path) -> None:
    _apt('apt-get', *options, '-q', *apt.AS_ROOT, 'download', *packages,
         cwd=str(tmp))
    debs = list(tmp.glob('*.deb'))
    if len(debs) < len(packages):
        raise SetupError(f"apt-get cannot download {' '.join(packages)}; "
                         "check the network and run apt-get update, or "
                         + REMEDY)
    for deb in debs:
        subprocess.run(['dpkg', '-x', str(deb), str(tmp / 'root')],
                       check=True)
        deb.unlink()
    if not images(tmp / 'root'):
        raise SetupError(f"{' '.join(packages)} holds no kernel image; "
                         + REMEDY)
    shutil.rmtree(tmp / 'root' / 'usr' / 'share', ignore_errors=True)


def _module_name(path: Path) -> str:
    return path.name.split('.ko')[0].replace('-', '_')


def _index(modules: Path) -> Dict[str, Optional[Path]]:
    """All modules by name; built-in ones have no file."""
    index: Dict[str, Optional[Path]] = {}
    builtin = modules / 'modules.builtin'
    if builtin.is_file():
        for line in builtin.read_text().splitlines():
            index[_module_name(Path(line))] = None
    for path in (modules / 'kernel').rglob('*.ko*'):
        index[_module_name(path)] = path
    return index


def _depends(path: Path) -> List[str]:
    match = re.search(rb'\0depends=([^\0]*)\0', read_module(path))
    names = match.group(1).decode() if match else ''
    return [name.replace('-', '_') for name in names.split(',') if name]


def _in_load_order(names: List[str],
                   index: Dict[str, Optional[Path]]) -> List[Path]:
    order: List[Path] = []
    for name in names:
        if name not in index:
            raise SetupError(f"the kernel has no module {name}; {REMEDY}")
        path = index[name]
        if path is not None and path not in order:
            needed = _in_load_order(_depends(path), index)
            order += [p for p in needed if p not in order] + [path]
    return order
