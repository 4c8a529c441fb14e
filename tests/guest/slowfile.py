# A file whose reads do not end until they may.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from contextlib import contextmanager
import ctypes
import os
from pathlib import Path
import select
import struct
import threading
from typing import Iterator

from guestlib import Skip
from raminate.worker import Worker

# Of <sys/fanotify.h>
FAN_CLOEXEC = 1
FAN_CLASS_CONTENT = 4
FAN_MARK_ADD = 1
FAN_ACCESS_PERM = 0x20000
FAN_ALLOW = 1
AT_FDCWD = -100
EVENT = struct.Struct('=IBBHQii')       # the last but one: a file descriptor
ANSWER = struct.Struct('=iI')


class SlowFile(Worker):
    """The kernel asks before each read of the file.

    It is made here: Linux 6.14 and later don't ask for files that were opened
    before.
    """

    def __init__(self, path: Path):
        super().__init__()
        path.touch()
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.fanotify_init(FAN_CLOEXEC | FAN_CLASS_CONTENT,
                                         os.O_RDONLY)
        if self._watch < 0:
            raise Skip("fanotify needs privileges: "
                       + os.strerror(ctypes.get_errno()))
        if libc.fanotify_mark(self._watch, FAN_MARK_ADD,
                              ctypes.c_uint64(FAN_ACCESS_PERM), AT_FDCWD,
                              os.fsencode(path)) < 0:
            os.close(self._watch)
            raise Skip("the kernel can't hold reads: "
                       + os.strerror(ctypes.get_errno()))
        self._may = threading.Event()
        self._may.set()

    def run(self) -> None:
        while not self.ended.is_set():
            if select.select([self._watch], [], [], 0.1)[0]:
                self._answer(os.read(self._watch, 4096))
        os.close(self._watch)

    def _answer(self, events: bytes) -> None:
        for event in EVENT.iter_unpack(events):
            self._may.wait()
            os.write(self._watch, ANSWER.pack(event[-2], FAN_ALLOW))
            os.close(event[-2])

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Whoever reads meanwhile waits for the end of it."""
        self._may.clear()
        try:
            yield
        finally:
            self._may.set()
