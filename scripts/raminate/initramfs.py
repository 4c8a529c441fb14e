# Packs guest programs and kernel modules into an initramfs.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os
from pathlib import Path
import stat
from types import MappingProxyType
from typing import BinaryIO, Mapping, Sequence

from . import kernel, paths

DIRECTORIES = ('bench', 'bin', 'dev', 'modules', 'proc', 'sys', 'tmp')
MODULES = ('virtio_pci', 'virtio_blk', 'ata_piix', 'sd_mod')
PROGRAMS = ('workload', 'checker', 'dma-reader', 'flash-writer', 'gpu-resetter',
            'painter')
ALIGN = 4


class Cpio:
    """Writer of cpio archives in the "newc" format that Linux unpacks."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._inode = 0

    def add(self, name: str, mode: int, data: bytes = b'',
            device: int = 0) -> None:
        self._inode += 1
        path = name.encode() + b'\0'
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  os.major(device), os.minor(device), len(path), 0)
        header = '070701' + ''.join(f'{field:08x}' for field in fields)
        self._write_aligned(header.encode() + path)
        self._write_aligned(data)

    def finish(self) -> None:
        self.add('TRAILER!!!', 0)

    def _write_aligned(self, data: bytes) -> None:
        self._file.write(data + bytes(-len(data) % ALIGN))


def build(out: Path, guest_kernel: kernel.Kernel,
          modules: Sequence[str] = (),
          files: Mapping[str, Path] = MappingProxyType({}),
          programs: Sequence[str] = PROGRAMS) -> Path:
    """Writes an initramfs whose /init is the guest's first process.

    FILES are those of the host that it has besides, by their names in it;
    they may be in one of DIRECTORIES, or in none.
    """
    with out.open('wb') as file:
        cpio = Cpio(file)
        for name in DIRECTORIES:
            cpio.add(name, stat.S_IFDIR | 0o755)
        cpio.add('dev/console', stat.S_IFCHR | 0o600,
                 device=os.makedev(5, 1))
        cpio.add('init', stat.S_IFREG | 0o755,
                 paths.guest_program('guest-init').read_bytes())
        for name in programs:
            cpio.add(f'bin/{name}', stat.S_IFREG | 0o755,
                     paths.guest_program(name).read_bytes())
        for name, path in files.items():
            cpio.add(name, stat.S_IFREG | 0o755, path.read_bytes())
        module_files = guest_kernel.module_files(list(modules))
        for number, path in enumerate(module_files):
            cpio.add(f'modules/{number:02}-{path.name.split(".ko")[0]}.ko',
                     stat.S_IFREG | 0o644, kernel.read_module(path))
        cpio.finish()
    return out
