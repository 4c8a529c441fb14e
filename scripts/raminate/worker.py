# A thread that works until it is told to end.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import threading
from types import TracebackType
from typing import Optional, Type, TypeVar

W = TypeVar('W', bound='Worker')


class Worker(threading.Thread):
    """Works until ENDED is set: by close(), or at the end of a with."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()

    def close(self) -> None:
        self.ended.set()
        self.join()

    def __enter__(self: W) -> W:
        self.start()
        return self

    def __exit__(self, exc_type: Optional[Type[BaseException]],
                 exc_val: Optional[BaseException],
                 exc_tb: Optional[TracebackType]) -> None:
        self.close()
