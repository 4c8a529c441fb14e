# Loads modules of the machine's own kernel while it runs.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Iterator, List, Sequence

from raminate import kernel, paths

SYS_INIT_MODULE = 175
SYS_DELETE_MODULE = 176

_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *args: object) -> None:
    if _libc.syscall(number, *args) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _files(names: Sequence[str]) -> List[Path]:
    """The modules' files, each after those of the modules that it needs."""
    roots = (paths.BUILD / 'kvm' / 'nested').glob('kernel*/root')
    kernels = [kernel.of_image(image) for root in roots
               for image in kernel.images(root)]
    return next(found for found in kernels
                if found.version == os.uname().release).module_files(names)


@contextlib.contextmanager
def loaded(name: str, parameters: str = '', before: Sequence[str] = ()
           ) -> Iterator[None]:
    """Has a module in the kernel for as long as the context lasts.

    So are those that are to be there before it.
    """
    with contextlib.ExitStack() as stack:
        for path in _files([*before, name]):
            data = kernel.read_module(path)
            module = path.name.split('.ko')[0]
            _syscall(SYS_INIT_MODULE, data, ctypes.c_ulong(len(data)),
                     parameters.encode() if module == name else b'')
            stack.callback(_syscall, SYS_DELETE_MODULE, module.encode(),
                           os.O_NONBLOCK)
        yield
